# The include directory of wick's users in the build tree, with nothing but wick/ in it: a link for
# each public header. The installed one (cmake/install.cmake) has the same names.
set(WICK_INCLUDE_DIR ${PROJECT_BINARY_DIR}/include)
if(PROJECT_IS_TOP_LEVEL)
  # The same path from the top as below another project, where it is wick/include as a rule: then
  # ccache takes both builds for one.
  set(WICK_INCLUDE_DIR ${PROJECT_BINARY_DIR}/wick/include)
endif()
file(GLOB_RECURSE there LIST_DIRECTORIES false RELATIVE ${WICK_INCLUDE_DIR}/wick
  ${WICK_INCLUDE_DIR}/wick/*)
list(REMOVE_ITEM there ${WICK_PUBLIC_NAMES} wick.h)
foreach(header IN LISTS there)  # that are public no more
  file(REMOVE ${WICK_INCLUDE_DIR}/wick/${header})
endforeach()

function(wick_link_header from to)
  cmake_path(GET to PARENT_PATH folder)
  file(MAKE_DIRECTORY ${folder})
  file(CREATE_LINK ${from} ${to} COPY_ON_ERROR SYMBOLIC)
endfunction()
foreach(header name IN ZIP_LISTS WICK_PUBLIC_HEADERS WICK_PUBLIC_NAMES)
  wick_link_header(${PROJECT_SOURCE_DIR}/${header} ${WICK_INCLUDE_DIR}/wick/${name})
endforeach()

list(TRANSFORM WICK_HEADERS REPLACE "(.+)" "#include \"wick/\\1\"\n" OUTPUT_VARIABLE includes)
list(JOIN includes "" includes)
file(CONFIGURE OUTPUT ${WICK_INCLUDE_DIR}/wick/wick.h CONTENT
"// SPDX-License-Identifier: MIT
// All of wick.
#pragma once

@includes@" @ONLY)
