# Finds llhttp and makes the target Llhttp::llhttp.
#
# First by pkg-config (libllhttp: Debian 13, Ubuntu 26.04). Else from the generated C sources that node-llhttp installs
# (Debian 12, Ubuntu 24.04), compiled here into a small library of its own, without our warnings and with
# LLHTTP_STRICT_MODE=1: without it llhttp 8.1 takes a bare CR for the end of a header field (CVE-2023-30589).
# Sets Llhttp_FOUND and Llhttp_VERSION.
set(Llhttp_FOUND FALSE)

find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(LLHTTP QUIET IMPORTED_TARGET GLOBAL libllhttp)
endif()

if(LLHTTP_FOUND)
  if(NOT TARGET Llhttp::llhttp)
    add_library(Llhttp::llhttp ALIAS PkgConfig::LLHTTP)
  endif()
  set(Llhttp_VERSION "${LLHTTP_VERSION}")
  set(Llhttp_FOUND TRUE)
else()
  find_path(LLHTTP_HEADER_DIR llhttp.h PATHS /usr/share/include PATH_SUFFIXES llhttp)
  find_path(LLHTTP_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp NO_DEFAULT_PATH)
  if(LLHTTP_HEADER_DIR AND LLHTTP_SOURCE_DIR)
    if(NOT TARGET sluice_llhttp)
      add_library(sluice_llhttp STATIC
        "${LLHTTP_SOURCE_DIR}/api.c" "${LLHTTP_SOURCE_DIR}/http.c" "${LLHTTP_SOURCE_DIR}/llhttp.c")
      target_include_directories(sluice_llhttp SYSTEM PUBLIC "${LLHTTP_HEADER_DIR}")
      target_compile_definitions(sluice_llhttp PUBLIC LLHTTP_STRICT_MODE=1)
      target_compile_options(sluice_llhttp PRIVATE -w)
      add_library(Llhttp::llhttp ALIAS sluice_llhttp)
    endif()
    file(STRINGS "${LLHTTP_HEADER_DIR}/llhttp.h" LLHTTP_VERSION_LINES
         REGEX "^#define LLHTTP_VERSION_(MAJOR|MINOR|PATCH) +[0-9]+")
    list(TRANSFORM LLHTTP_VERSION_LINES REPLACE "^.* " "")
    list(JOIN LLHTTP_VERSION_LINES "." Llhttp_VERSION)
    set(Llhttp_FOUND TRUE)
  endif()
endif()

if(Llhttp_FOUND)
  if(NOT Llhttp_FIND_QUIETLY)
    message(STATUS "Found llhttp: ${Llhttp_VERSION}")
  endif()
elseif(Llhttp_FIND_REQUIRED)
  message(FATAL_ERROR
    "llhttp was not found. Install libllhttp-dev (Debian 13, Ubuntu 26.04) or node-llhttp (Debian 12, Ubuntu 24.04).")
endif()
