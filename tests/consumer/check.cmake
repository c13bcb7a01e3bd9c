# Builds and runs the program beside this file against wick. Run by ctest:
#
#   cmake -DMODE=installed|subdirectory -DSOURCE=<wick> -DBUILD=<its build tree> -DWORK=<scratch>
#         -DCOMPILER=<C++ compiler> [-DLAUNCHER=<ccache>] -P check.cmake
function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ECHO STDOUT RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "failed with ${status}: ${ARGV}")
  endif()
endfunction()

set(options -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_BUILD_TYPE=Release
  -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER})
if(MODE STREQUAL "installed")
  # From nothing each time: a file that is no longer installed must not be found.
  file(REMOVE_RECURSE ${WORK})
  run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
  # Moved after the installation: no path of the build may be left in it.
  file(RENAME ${WORK}/prefix ${WORK}/moved)
  list(APPEND options -DCMAKE_PREFIX_PATH=${WORK}/moved)
else()
  # Shared, so that both kinds of library are built somewhere.
  list(APPEND options -DWICK_SOURCE_DIR=${SOURCE} -DBUILD_SHARED_LIBS=ON -DWICK_CUDA=OFF)
endif()
run(${CMAKE_COMMAND} -G Ninja -S ${CMAKE_CURRENT_LIST_DIR} -B ${WORK} ${options})
run(${CMAKE_COMMAND} --build ${WORK})
run(${WORK}/consumer ${WORK}/consumer.pt)
