# The headers that nearly every source reads, parsed once: with the sanitizers, whose builds are the longest of CI. The
# other presets go without, and so show that every source includes what it uses.
#
# Each of them keeps to the language and libraries that the whole tree uses; none is of ours.
function(sluice_precompile)
  if(NOT SLUICE_SANITIZE OR NOT SLUICE_TESTS OR NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    return()
  endif()
  find_package(fmt REQUIRED)
  file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/precompiled.cc" CONTENT "// Compiled for the headers that it brings along.\n")
  add_library(sluice_precompiled OBJECT "${CMAKE_BINARY_DIR}/precompiled.cc")
  target_link_libraries(sluice_precompiled PRIVATE sluice_options fmt::fmt GTest::gtest)
  target_precompile_headers(sluice_precompiled PRIVATE
    <algorithm> <array> <atomic> <chrono> <cstdint> <cstring> <expected> <functional> <map> <memory> <mutex> <optional> <random>
    <span> <string> <string_view> <thread> <unordered_map> <utility> <vector> <fmt/format.h> <gtest/gtest.h>)
  # One object for programs and libraries alike, and the same bytes each time, so that ccache knows what is made with it.
  target_compile_options(sluice_options INTERFACE -fPIC "SHELL:-Xclang -fno-pch-timestamp")
  sluice_precompile_in("${CMAKE_SOURCE_DIR}")
endfunction()

function(sluice_precompile_in directory)
  get_property(targets DIRECTORY "${directory}" PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    get_target_property(sources ${target} SOURCES)
    if(type MATCHES "^(EXECUTABLE|STATIC_LIBRARY)$" AND sources MATCHES "\\.cc(;|$)")
      target_precompile_headers(${target} REUSE_FROM sluice_precompiled)
    endif()
  endforeach()
  get_property(folders DIRECTORY "${directory}" PROPERTY SUBDIRECTORIES)
  foreach(folder IN LISTS folders)
    sluice_precompile_in("${folder}")
  endforeach()
endfunction()
