# The library that users link, wick::wick: wick_static or wick_shared, as BUILD_SHARED_LIBS says. Both
# are made of the same objects. The programs of this tree link the static one, whose private symbols
# they can use.
set(objects)
foreach(folder IN ITEMS core kernels nn optim serialize c)
  list(APPEND objects $<TARGET_OBJECTS:wick_${folder}>)
endforeach()
foreach(isa IN LISTS WICK_ISAS WICK_PAIRS_ISAS)
  list(APPEND objects $<TARGET_OBJECTS:wick_kernels_${isa}>)
endforeach()

add_library(wick_static STATIC ${objects})
add_library(wick_shared SHARED ${objects})
foreach(kind IN ITEMS static shared)
  add_library(wick::${kind} ALIAS wick_${kind})
  set_target_properties(wick_${kind} PROPERTIES OUTPUT_NAME wick EXPORT_NAME ${kind}
    EXCLUDE_FROM_ALL ON)
  target_compile_features(wick_${kind} PUBLIC cxx_std_20)
  target_include_directories(wick_${kind} INTERFACE
    $<BUILD_INTERFACE:${WICK_INCLUDE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(wick_${kind} PUBLIC Threads::Threads PRIVATE LibDeflate::LibDeflate)
  if(WICK_WITH_CUDA)
    # cuBLASLt is loaded by dlopen when the first product on a GPU is asked for.
    target_link_libraries(wick_${kind} PRIVATE CUDA::cudart_static ${CMAKE_DL_LIBS})
  endif()
endforeach()

# A shared library that carries wick does not export it.
target_link_options(wick_static INTERFACE LINKER:--exclude-libs,libwick.a)
set(map ${PROJECT_SOURCE_DIR}/cmake/exports.map)
set_target_properties(wick_shared PROPERTIES
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
  LINK_DEPENDS ${map})
target_link_options(wick_shared PRIVATE
  LINKER:--version-script=${map} LINKER:-Bsymbolic-functions)
if(WICK_SANITIZE)
  target_link_options(wick_shared PRIVATE -fsanitize=${WICK_SANITIZE})
else()
  target_link_options(wick_shared PRIVATE LINKER:-z,defs)
endif()

if(BUILD_SHARED_LIBS)
  set(kind shared)
else()
  set(kind static)
endif()
add_library(wick::wick ALIAS wick_${kind})

# Which are built, and installed, in any case.
if(PROJECT_IS_TOP_LEVEL)
  set(kind static shared)
endif()
set(WICK_LIBRARIES ${kind} CACHE STRING "The libraries to build and install: static, shared or both")
foreach(kind IN LISTS WICK_LIBRARIES)
  set_target_properties(wick_${kind} PROPERTIES EXCLUDE_FROM_ALL OFF)
endforeach()
