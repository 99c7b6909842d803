# sluice_embed(OUTPUT source.cc HEADER header.h NAMESPACE ns FILES ...)
#   Makes a source in the build folder that holds the files and defines
#   `std::string_view ns::embedded_file(std::string_view name) noexcept`, declared in the header: the bytes of the file of
#   that name, or a view without data. Files are named by their last component. Made anew when one of them changes.
#
# Run as a script (cmake -P) it is the generator itself.
if(CMAKE_SCRIPT_MODE_FILE)
  set(arrays "")
  set(choices "")
  set(index 0)
  string(REPLACE "|" ";" files "${FILES}")
  foreach(file IN LISTS files)
    file(READ "${file}" hex HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
    string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
    get_filename_component(name "${file}" NAME)
    string(APPEND arrays "constexpr unsigned char kFile${index}[] = {\n${bytes}};\n")
    string(APPEND choices "  if (name == \"${name}\") return {reinterpret_cast<const char*>(kFile${index}), sizeof kFile${index}};\n")
    math(EXPR index "${index} + 1")
  endforeach()
  file(WRITE "${OUTPUT}" "// Made by tools/cmake/SluiceEmbed.cmake.\n#include \"${HEADER}\"\n\nnamespace {\n${arrays}}  // namespace\n\n"
    "std::string_view ${NAMESPACE}::embedded_file(std::string_view name) noexcept {\n${choices}  return {};\n}\n")
  return()
endif()

set(SLUICE_EMBED_SCRIPT "${CMAKE_CURRENT_LIST_FILE}")

function(sluice_embed)
  cmake_parse_arguments(ARG "" "OUTPUT;HEADER;NAMESPACE" "FILES" ${ARGN})
  list(TRANSFORM ARG_FILES PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
  list(JOIN ARG_FILES "|" joined)
  add_custom_command(OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/${ARG_OUTPUT}"
    COMMAND "${CMAKE_COMMAND}" "-DFILES=${joined}" "-DOUTPUT=${CMAKE_CURRENT_BINARY_DIR}/${ARG_OUTPUT}" "-DHEADER=${ARG_HEADER}"
      "-DNAMESPACE=${ARG_NAMESPACE}" -P "${SLUICE_EMBED_SCRIPT}"
    DEPENDS ${ARG_FILES} "${SLUICE_EMBED_SCRIPT}" VERBATIM COMMENT "Embedding into ${ARG_OUTPUT}")
endfunction()
