# Finds libdeflate: the target LibDeflate::LibDeflate. Not every distribution installs a CMake file
# with it.
find_library(LibDeflate_LIBRARY deflate)
find_path(LibDeflate_INCLUDE_DIR libdeflate.h)
mark_as_advanced(LibDeflate_LIBRARY LibDeflate_INCLUDE_DIR)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibDeflate
  REQUIRED_VARS LibDeflate_LIBRARY LibDeflate_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "On Debian and Ubuntu: apt-get install libdeflate-dev")

if(LibDeflate_FOUND AND NOT TARGET LibDeflate::LibDeflate)
  add_library(LibDeflate::LibDeflate UNKNOWN IMPORTED)
  set_target_properties(LibDeflate::LibDeflate PROPERTIES
    IMPORTED_LOCATION "${LibDeflate_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${LibDeflate_INCLUDE_DIR}")
endif()
