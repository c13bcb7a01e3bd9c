# Half of the time of compiling a source file of wick goes to headers. Where there is no compiler cache,
# they are compiled once, before all others. ccache would want CCACHE_SLOPPINESS for that: see WICK_TEST_PCH
# in tests/CMakeLists.txt.
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
