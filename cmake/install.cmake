# What cmake --install installs, and how find_package(wick) and pkg-config find it.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/wick)
foreach(kind IN LISTS WICK_LIBRARIES)
  install(TARGETS wick_${kind} EXPORT wick-${kind}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT dev)
  install(EXPORT wick-${kind} NAMESPACE wick:: FILE wick-${kind}-targets.cmake
    DESTINATION ${package_dir} COMPONENT dev)
endforeach()
foreach(header name IN ZIP_LISTS WICK_PUBLIC_HEADERS WICK_PUBLIC_NAMES)
  cmake_path(GET name PARENT_PATH folder)
  install(FILES ${PROJECT_SOURCE_DIR}/${header}
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/wick/${folder} COMPONENT dev)
endforeach()
install(FILES ${WICK_INCLUDE_DIR}/wick/wick.h
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/wick COMPONENT dev)

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
# pkg-config --static names what a static wick needs; without it, that is named where there is no
# shared one.
set(pc_private "-Wl,--exclude-libs,libwick.a -ldeflate -pthread")
if(WICK_WITH_CUDA)
  string(APPEND pc_private " ${CUDA_cudart_static_LIBRARY} -lrt -ldl")
endif()
set(pc_libs "")
if(NOT shared IN_LIST WICK_LIBRARIES)
  set(pc_libs " ${pc_private}")
endif()
configure_file(cmake/wick.pc.in ${PROJECT_BINARY_DIR}/wick.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/wick.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
  COMPONENT dev)

install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/README.md
  ${PROJECT_SOURCE_DIR}/CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT dev)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs ${PROJECT_SOURCE_DIR}/examples
  DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT dev
  PATTERN examples/CMakeLists.txt EXCLUDE PATTERN Doxyfile EXCLUDE PATTERN doxygen_filter.py EXCLUDE)

if(WICK_BUILD_TOOLS)
  foreach(program IN ITEMS train predict synthetic ckpt)
    install(PROGRAMS $<TARGET_FILE:wick_${program}> DESTINATION ${CMAKE_INSTALL_BINDIR}
      RENAME wick-${program} COMPONENT tools OPTIONAL)
  endforeach()
endif()

option(WICK_PACKAGE_DEB "Let cpack make Debian packages; see packaging/build_deb" OFF)
if(WICK_PACKAGE_DEB)
  include(packaging/debian.cmake)
endif()
