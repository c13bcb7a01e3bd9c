# The one library that users link, wick::wick, and how it is installed and found.
#
# Users write #include <wick/core/tensor.h>; wick's own headers include each other relative to the
# root of the tree ("core/dims.h"). Both ways lead to the same files, in the build tree (through
# links in ${PROJECT_BINARY_DIR}/include/wick) and installed (below include/wick).
include(CMakePackageConfigHelpers)

set(folders core kernels nn optim serialize)
add_library(wick)
foreach(folder IN LISTS folders)
  target_sources(wick PRIVATE $<TARGET_OBJECTS:wick_${folder}>)
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/include/wick)
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${folder} ${PROJECT_BINARY_DIR}/include/wick/${folder}
    SYMBOLIC)
endforeach()
foreach(isa IN LISTS WICK_ISAS)
  target_sources(wick PRIVATE $<TARGET_OBJECTS:wick_kernels_${isa}>)
endforeach()
add_library(wick::wick ALIAS wick)
set_target_properties(wick PROPERTIES
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
target_compile_features(wick PUBLIC cxx_std_20)
target_include_directories(wick PUBLIC
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
  $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/wick>)
target_link_libraries(wick PUBLIC Threads::Threads PRIVATE LibDeflate::LibDeflate)
if(WICK_WITH_CUDA)
  # cuBLASLt is loaded by dlopen when the first product on a GPU is asked for.
  target_link_libraries(wick PRIVATE CUDA::cudart_static ${CMAKE_DL_LIBS})
endif()
if(WICK_SANITIZE)
  # A shared wick must be linked with the sanitizers' runtime like the programs.
  target_link_options(wick PRIVATE -fsanitize=${WICK_SANITIZE})
endif()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/wick)
install(TARGETS wick EXPORT wick
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
foreach(folder IN LISTS folders)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${folder}
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/wick
    FILES_MATCHING PATTERN "*.h"
    PATTERN "kernels/formulas" EXCLUDE
    PATTERN "kernels/cpu" EXCLUDE
    PATTERN "kernels/cuda" EXCLUDE)
endforeach()
install(EXPORT wick NAMESPACE wick:: FILE wick-targets.cmake DESTINATION ${package_dir})
configure_package_config_file(cmake/wick-config.cmake.in ${PROJECT_BINARY_DIR}/wick-config.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/wick-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/wick-config.cmake
  ${PROJECT_BINARY_DIR}/wick-config-version.cmake
  ${PROJECT_SOURCE_DIR}/cmake/FindLibDeflate.cmake
  DESTINATION ${package_dir})
