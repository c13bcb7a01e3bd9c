# What cmake --install installs, and how find_package(wick) and pkg-config find it.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/wick)
if(BUILD_SHARED_LIBS)
  set(kind shared)
else()
  set(kind static)
endif()
install(TARGETS wick EXPORT wick
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT dev)
foreach(header IN LISTS WICK_PUBLIC_HEADERS)
  cmake_path(GET header PARENT_PATH folder)
  install(FILES ${PROJECT_SOURCE_DIR}/${header}
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/wick/${folder} COMPONENT dev)
endforeach()
install(FILES ${WICK_INCLUDE_DIR}/wick/wick.h
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/wick COMPONENT dev)

# A static and a shared wick can be installed to the same place; wick-config.cmake picks.
install(EXPORT wick NAMESPACE wick:: FILE wick-${kind}-targets.cmake DESTINATION ${package_dir}
  COMPONENT dev)
configure_package_config_file(cmake/wick-config.cmake.in ${PROJECT_BINARY_DIR}/wick-config.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/wick-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/wick-config.cmake
  ${PROJECT_BINARY_DIR}/wick-config-version.cmake
  ${PROJECT_SOURCE_DIR}/cmake/FindLibDeflate.cmake
  DESTINATION ${package_dir} COMPONENT dev)

# The paths are relative to the file, so that an installation can be moved.
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_LIBDIR BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX}
  OUTPUT_VARIABLE lib_dir)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY
  ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig OUTPUT_VARIABLE up)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_INCLUDEDIR BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX}
  OUTPUT_VARIABLE include_dir)
if(BUILD_SHARED_LIBS)
  set(pc_cflags "")
  set(pc_libs "")
else()
  set(pc_cflags " -DWICK_STATIC")
  set(pc_libs " -ldeflate -pthread")
  if(WICK_WITH_CUDA)
    string(APPEND pc_libs " ${CUDA_cudart_static_LIBRARY} -lrt -ldl")
  endif()
endif()
configure_file(cmake/wick.pc.in ${PROJECT_BINARY_DIR}/wick.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/wick.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
  COMPONENT dev)

install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/README.md
  ${PROJECT_SOURCE_DIR}/CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT dev)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs ${PROJECT_SOURCE_DIR}/examples
  DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT dev
  PATTERN CMakeLists.txt EXCLUDE)
