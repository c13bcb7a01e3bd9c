# Half of the time of compiling a source file of wick goes to headers. Where there is no compiler cache,
# they are compiled once, before all others; without settings of its own, ccache would keep nothing then.
set(precompile ON)
if(CMAKE_CXX_COMPILER_LAUNCHER OR WICK_FUZZ)
  set(precompile OFF)
endif()
option(WICK_PRECOMPILE "Compile wick's headers once, before its sources" ${precompile})

function(wick_precompile target)
  if(WICK_PRECOMPILE)
    target_precompile_headers(${target} PRIVATE ${WICK_INCLUDE_DIR}/wick/wick.h)
  endif()
endfunction()

# Takes the header of a target that has the same options.
function(wick_precompile_as other)
  if(WICK_PRECOMPILE)
    foreach(target IN LISTS ARGN)
      target_precompile_headers(${target} REUSE_FROM ${other})
    endforeach()
  endif()
endfunction()
