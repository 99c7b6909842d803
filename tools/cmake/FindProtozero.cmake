# Finds protozero (header-only) and makes the target Protozero::protozero. Sets Protozero_FOUND.
find_path(PROTOZERO_INCLUDE_DIR protozero/version.hpp)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Protozero REQUIRED_VARS PROTOZERO_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "Install libprotozero-dev.")
if(Protozero_FOUND AND NOT TARGET Protozero::protozero)
  add_library(Protozero::protozero INTERFACE IMPORTED GLOBAL)
  target_include_directories(Protozero::protozero SYSTEM INTERFACE "${PROTOZERO_INCLUDE_DIR}")
endif()
