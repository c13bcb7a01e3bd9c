# Half of the time of compiling a source file of wick goes to headers. Where no compiler cache does the
# rest, they are compiled once, before all others. (ccache takes objects that were made with such a
# header for its own only where it is told to be careless.)
set(precompile ON)
if(CMAKE_CXX_COMPILER_LAUNCHER OR WICK_FUZZ)
  set(precompile OFF)
endif()
option(WICK_PRECOMPILE "Compile wick's headers once, before its sources" ${precompile})

# Targets with the same options as wick_core share its header.
function(wick_precompile target)
  if(NOT WICK_PRECOMPILE)
    return()
  endif()
  if(TARGET wick_core AND NOT target STREQUAL "wick_core")
    target_precompile_headers(${target} REUSE_FROM wick_core)
  else()
    target_precompile_headers(${target} PRIVATE ${WICK_INCLUDE_DIR}/wick/wick.h)
  endif()
endfunction()
