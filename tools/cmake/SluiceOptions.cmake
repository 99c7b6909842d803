# Compiler settings that every target shares, and the switches of the presets.
option(SLUICE_TESTS "Build the tests (needs GoogleTest)" OFF)
option(SLUICE_BENCHES "Build the benches (needs Google Benchmark)" OFF)
option(SLUICE_FUZZERS "Build the libFuzzer targets (needs clang)" OFF)
option(SLUICE_WERROR "Warnings are errors (CI and developer presets only)" OFF)
set(SLUICE_SANITIZE "" CACHE STRING "Value of -fsanitize=, empty for none")
set(SLUICE_TIMEOUT_FACTOR 1 CACHE STRING "Multiplies the time limits of the test programs, for emulated processors")

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

find_program(SLUICE_CCACHE ccache)
if(SLUICE_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER "${SLUICE_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${SLUICE_CCACHE}")
endif()

# Every target of ours links this: include root, warnings, sanitizers.
add_library(sluice_options INTERFACE)
target_include_directories(sluice_options INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_options(sluice_options INTERFACE
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wcast-align -Woverloaded-virtual -Wimplicit-fallthrough
  -fno-omit-frame-pointer)
# libstdc++'s own stable_sort instantiates a function that it marks as deprecated; GCC hides that, clang does not.
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(sluice_options INTERFACE -Wno-deprecated-declarations)
endif()
if(SLUICE_WERROR)
  target_compile_options(sluice_options INTERFACE -Werror)
endif()
# What the loader has resolved is read-only from the start on.
target_link_options(sluice_options INTERFACE -Wl,-z,relro,-z,now)
if(SLUICE_SANITIZE)
  target_compile_options(sluice_options INTERFACE "-fsanitize=${SLUICE_SANITIZE}" -fno-sanitize-recover=all)
  target_link_options(sluice_options INTERFACE "-fsanitize=${SLUICE_SANITIZE}")
  if(SLUICE_SANITIZE MATCHES "undefined")
    # It looks at an object through a pipe, and says that there is none where descriptors have run out, as tests make them.
    target_compile_options(sluice_options INTERFACE -fno-sanitize=vptr)
    target_link_options(sluice_options INTERFACE -fno-sanitize=vptr)
  endif()
endif()
target_link_libraries(sluice_options INTERFACE Threads::Threads)
