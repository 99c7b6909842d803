# Cross build for 64-bit Arm: Debian's cross compiler, the libraries that tools/test-arm64 unpacks under build/arm64-root,
# and qemu-aarch64 wherever CMake or ctest runs a program that was built.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)

get_filename_component(SLUICE_ARM64_ROOT "${CMAKE_CURRENT_LIST_DIR}/../../build/arm64-root" ABSOLUTE)
set(CMAKE_SYSROOT "${SLUICE_ARM64_ROOT}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} "${SLUICE_ARM64_ROOT}")
set(ENV{PKG_CONFIG_LIBDIR} "${SLUICE_ARM64_ROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${SLUICE_ARM64_ROOT}/usr/share/pkgconfig")

# The processor is the oldest one, so that an instruction beyond the baseline ends the program.
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -cpu cortex-a53 -L "${SLUICE_ARM64_ROOT}")
