# Three Debian packages by CPack: libwick<version> (the shared library), libwick-dev (headers, both
# libraries, CMake and pkg-config files, docs) and wick-tools (the programs). packaging/build_deb
# builds and checks them.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME wick)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "The wick developers <wick@example.org>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # each package has its own
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL runtime dev tools)
set(CPACK_COMPONENTS_GROUPING IGNORE)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)

set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME libwick${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/debian/triggers)
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION "tensors, networks and PyTorch checkpoints
wick trains and runs small and middle-sized neural networks inside C++
programs, and reads and writes the checkpoints of PyTorch.

This package has the shared library.")

set(CPACK_DEBIAN_DEV_PACKAGE_NAME libwick-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS
  "${CPACK_DEBIAN_RUNTIME_PACKAGE_NAME} (= ${PROJECT_VERSION}), libdeflate-dev")
set(CPACK_COMPONENT_DEV_DESCRIPTION "tensors, networks and PyTorch checkpoints (development)
wick trains and runs small and middle-sized neural networks inside C++
programs, and reads and writes the checkpoints of PyTorch.

This package has the headers, the static library and the documentation.")

set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME wick-tools)
set(CPACK_DEBIAN_TOOLS_PACKAGE_SECTION science)
set(CPACK_COMPONENT_TOOLS_DESCRIPTION "tensors, networks and PyTorch checkpoints (programs)
wick trains and runs small and middle-sized neural networks inside C++
programs, and reads and writes the checkpoints of PyTorch.

This package has wick-train, wick-predict, wick-synthetic and wick-ckpt, which
lists, compares, checks and converts checkpoints.")

# Each package has the same two files under its own name in /usr/share/doc.
file(WRITE ${PROJECT_BINARY_DIR}/debian/triggers "activate-noawait ldconfig\n")
file(READ ${PROJECT_SOURCE_DIR}/LICENSE license)
string(REGEX REPLACE "\n\n" "\n.\n" license "${license}")
string(REGEX REPLACE "\n" "\n " license "${license}")
string(STRIP "${license}" license)
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/debian/copyright CONTENT
"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: wick

Files: *
Copyright: The wick developers
License: Expat
 @license@
" @ONLY)
string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/debian/changelog CONTENT
"wick (@PROJECT_VERSION@) unstable; urgency=medium

  * See CHANGELOG.md.

 -- @CPACK_PACKAGE_CONTACT@  @now@
" @ONLY)
find_program(WICK_GZIP gzip REQUIRED)
execute_process(COMMAND ${WICK_GZIP} -9nkf ${PROJECT_BINARY_DIR}/debian/changelog
  COMMAND_ERROR_IS_FATAL ANY)
foreach(component IN ITEMS RUNTIME DEV TOOLS)
  string(TOLOWER ${component} lower)
  install(FILES ${PROJECT_BINARY_DIR}/debian/copyright ${PROJECT_BINARY_DIR}/debian/changelog.gz
    DESTINATION share/doc/${CPACK_DEBIAN_${component}_PACKAGE_NAME} COMPONENT ${lower})
endforeach()
include(CPack)
