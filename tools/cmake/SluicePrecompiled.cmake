# The headers that nearly every source reads, parsed once, for the builds that CI may have to make without a cache: of
# everything with the sanitizers, of the tests alone in debug. The product itself goes without in debug and release, and so
# shows that each of its sources includes what it uses.
#
# Each of them keeps to the language and libraries that the whole tree uses; none is of ours.
function(sluice_precompile)
  if(NOT SLUICE_TESTS OR CMAKE_CROSSCOMPILING)
    return()
  endif()
  if(SLUICE_SANITIZE AND NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    return()
  endif()
  find_package(fmt REQUIRED)
  file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/precompiled.cc" CONTENT "// Compiled for the headers that it brings along.\n")
  add_library(sluice_precompiled OBJECT "${CMAKE_BINARY_DIR}/precompiled.cc")
  target_link_libraries(sluice_precompiled PRIVATE sluice_options fmt::fmt GTest::gmock GTest::gtest)
  target_precompile_headers(sluice_precompiled PRIVATE
    <algorithm> <array> <atomic> <chrono> <cstdint> <cstring> <expected> <functional> <map> <memory> <mutex> <optional> <random>
    <span> <string> <string_view> <thread> <unordered_map> <utility> <vector> <fmt/format.h> <gmock/gmock.h> <gtest/gtest.h>)
  if(SLUICE_SANITIZE)
    # The same bytes each time, so that ccache knows what is made with it.
    target_compile_options(sluice_options INTERFACE "SHELL:-Xclang -fno-pch-timestamp")
    sluice_precompile_in("${CMAKE_SOURCE_DIR}" ".")
  else()
    # GCC takes no headers that were compiled with other definitions, such as GoogleTest's.
    sluice_precompile_in("${CMAKE_SOURCE_DIR}/tests" "GTest::gtest")
  endif()
endfunction()

# sluice_precompile_in(FOLDER LIBRARY): the targets of a folder and those below that link what matches LIBRARY.
function(sluice_precompile_in directory library)
  get_property(targets DIRECTORY "${directory}" PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    get_target_property(sources ${target} SOURCES)
    get_target_property(libraries ${target} LINK_LIBRARIES)
    if(type MATCHES "^(EXECUTABLE|STATIC_LIBRARY)$" AND sources MATCHES "\\.cc(;|$)" AND libraries MATCHES "${library}")
      target_precompile_headers(${target} REUSE_FROM sluice_precompiled)
      # One object for programs and libraries alike.
      target_compile_options(${target} PRIVATE -fPIC)
      if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # False alarms of GCC 12 about std::string's operator+ in code for libraries (its bug 105651).
        target_compile_options(${target} PRIVATE -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow)
      endif()
    endif()
  endforeach()
  get_property(folders DIRECTORY "${directory}" PROPERTY SUBDIRECTORIES)
  foreach(folder IN LISTS folders)
    sluice_precompile_in("${folder}" "${library}")
  endforeach()
endfunction()
