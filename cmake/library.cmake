# The one library that users link, wick::wick, static or shared (BUILD_SHARED_LIBS); and
# wick_archive, for the programs of this tree, which use what is private, too.
set(objects)
foreach(folder IN ITEMS core kernels nn optim serialize)
  list(APPEND objects $<TARGET_OBJECTS:wick_${folder}>)
endforeach()
foreach(isa IN LISTS WICK_ISAS)
  list(APPEND objects $<TARGET_OBJECTS:wick_kernels_${isa}>)
endforeach()

add_library(wick ${objects})
add_library(wick::wick ALIAS wick)
set_target_properties(wick PROPERTIES
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
if(BUILD_SHARED_LIBS)
  add_library(wick_archive STATIC EXCLUDE_FROM_ALL ${objects})
  set(libraries wick wick_archive)
  set(map ${PROJECT_SOURCE_DIR}/cmake/exports.map)
  target_link_options(wick PRIVATE LINKER:--version-script=${map} LINKER:-z,defs)
  set_property(TARGET wick APPEND PROPERTY LINK_DEPENDS ${map})
else()
  add_library(wick_archive ALIAS wick)
  set(libraries wick)
  target_compile_definitions(wick PUBLIC WICK_STATIC)
endif()
foreach(library IN LISTS libraries)
  target_compile_features(${library} PUBLIC cxx_std_20)
  target_include_directories(${library} PUBLIC
    $<BUILD_INTERFACE:${WICK_INCLUDE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${library} PUBLIC Threads::Threads PRIVATE LibDeflate::LibDeflate)
  if(WICK_WITH_CUDA)
    # cuBLASLt is loaded by dlopen when the first product on a GPU is asked for.
    target_link_libraries(${library} PRIVATE CUDA::cudart_static ${CMAKE_DL_LIBS})
  endif()
endforeach()
if(WICK_SANITIZE AND BUILD_SHARED_LIBS)
  # A shared wick must be linked with the sanitizers' runtime like the programs. It has no -z defs.
  get_target_property(options wick LINK_OPTIONS)
  list(REMOVE_ITEM options LINKER:-z,defs)
  set_target_properties(wick PROPERTIES LINK_OPTIONS "${options};-fsanitize=${WICK_SANITIZE}")
endif()
