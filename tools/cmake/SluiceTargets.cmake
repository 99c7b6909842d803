# sluice_library(NAME [SOURCES ...] [DEPS ...] [PRIVATE_DEPS ...])
#   The library of one folder. Without sources it is an INTERFACE library. DEPS are other folders' libraries (the include
#   direction) and imported targets; PRIVATE_DEPS are third-party libraries that no header of the folder shows.
function(sluice_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  if(ARG_SOURCES)
    add_library(${name} STATIC ${ARG_SOURCES})
    target_link_libraries(${name} PUBLIC sluice_options ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE sluice_options ${ARG_DEPS} ${ARG_PRIVATE_DEPS})
  endif()
endfunction()

# sluice_tell_source_dir(SOURCE...): those of the sources that ask for SLUICE_SOURCE_DIR are compiled with it. The others are
# not, so that ccache knows them in another checkout.
function(sluice_tell_source_dir)
  foreach(source IN LISTS ARGN)
    file(STRINGS "${source}" uses REGEX "SLUICE_SOURCE_DIR" LIMIT_COUNT 1)
    if(uses)
      set_property(SOURCE "${source}" APPEND PROPERTY COMPILE_DEFINITIONS SLUICE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    endif()
  endforeach()
endfunction()

# sluice_test(NAME SOURCES ... [DEPS ...] [ARGS ...] [TIMEOUT seconds] [LABELS ...])
#   One GoogleTest binary, registered with ctest under NAME. Sources bring no main of their own.
function(sluice_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPS;ARGS;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE sluice_options ${ARG_DEPS} GTest::gmock GTest::gtest GTest::gtest_main)
  sluice_tell_source_dir(${ARG_SOURCES})
  add_test(NAME ${name} COMMAND ${name} ${ARG_ARGS} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  math(EXPR ARG_TIMEOUT "${ARG_TIMEOUT} * ${SLUICE_TIMEOUT_FACTOR}")
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
endfunction()

# sluice_bench(NAME SOURCES ... [DEPS ...] [SMOKE FILTER])
#   One Google Benchmark binary.
function(sluice_bench name)
  cmake_parse_arguments(ARG "" "SMOKE" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE sluice_options ${ARG_DEPS} benchmark::benchmark benchmark::benchmark_main)
  if(SLUICE_TESTS)
    # It still runs: a moment of each row that SMOKE (a regular expression) selects. The figures mean nothing.
    add_test(NAME smoke_${name} COMMAND ${name} --benchmark_min_time=0.001 --benchmark_filter=${ARG_SMOKE})
    set_tests_properties(smoke_${name} PROPERTIES TIMEOUT 300 LABELS bench)
  endif()
endfunction()
