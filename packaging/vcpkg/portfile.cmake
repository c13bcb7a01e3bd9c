# A vcpkg port, as an overlay of this tree: vcpkg install wick --overlay-ports=packaging/vcpkg
# Not tested: no machine with vcpkg was at hand.
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)

set(kind static)
if(VCPKG_LIBRARY_LINKAGE STREQUAL "dynamic")
  set(kind shared)
endif()
vcpkg_cmake_configure(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS
    -DWICK_LIBRARIES=${kind}
    -DWICK_BUILD_TOOLS=OFF -DWICK_BUILD_TESTS=OFF -DWICK_BUILD_BENCH=OFF -DWICK_CUDA=OFF)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/wick)
vcpkg_fixup_pkgconfig()
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
