# Builds and runs the project beside this file against wick. Run by ctest:
#
#   cmake -DMODE=installed|subdirectory -DSOURCE=<wick> -DBUILD=<its build tree> -DWORK=<scratch>
#         -DCOMPILER=<C++ compiler> [-DLAUNCHER=<ccache>] [-DPYTHON=<with torch>] [-DCUDA=ON] -P check.cmake
#
# With CUDA it only links and runs the program, in both kinds of library.
cmake_minimum_required(VERSION 3.25)

function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ECHO STDOUT RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "failed with ${status}: ${ARGV}")
  endif()
endfunction()

# consume(NAME [KIND static|shared] TARGETS... OPTIONS...): what is below OPTIONS goes to CMake; KIND is of
# the library.
function(consume name)
  cmake_parse_arguments(ARG "" "KIND" "TARGETS;OPTIONS" ${ARGN})
  run(${CMAKE_COMMAND} -G Ninja -S ${CMAKE_CURRENT_FUNCTION_LIST_DIR} -B ${WORK}/${name}
    -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_BUILD_TYPE=Release
    -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER} ${ARG_OPTIONS})
  run(${CMAKE_COMMAND} --build ${WORK}/${name} --target ${ARG_TARGETS})
  run(${WORK}/${name}/consumer ${WORK}/consumer.pt)
  if(plugin IN_LIST ARG_TARGETS)
    run(${WORK}/${name}/plugin_host ${WORK}/${name}/libplugin.so ${ARG_KIND})
  endif()
endfunction()

function(check_installed)
  # From nothing each time: a file that is no longer installed must not be found.
  file(REMOVE_RECURSE ${WORK})
  run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
  # Moved after the installation: no path of the build may be left in it.
  file(RENAME ${WORK}/prefix ${WORK}/moved)
  file(GLOB there RELATIVE ${WORK}/moved/include ${WORK}/moved/include/*)
  if(NOT there STREQUAL "wick")
    message(FATAL_ERROR "not only wick/ is in the include directory: ${there}")
  endif()
  set(prefix -DCMAKE_PREFIX_PATH=${WORK}/moved)
  if(CUDA)
    consume(static TARGETS consumer OPTIONS ${prefix})
    consume(shared TARGETS consumer OPTIONS ${prefix} -DWICK_COMPONENTS=shared)
    return()
  endif()
  consume(static KIND static TARGETS consumer plugin plugin_host OPTIONS ${prefix})
  consume(shared KIND shared TARGETS consumer plugin plugin_host OPTIONS ${prefix} -DWICK_COMPONENTS=shared)
  consume(lto TARGETS consumer OPTIONS ${prefix} -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON)
  # wick itself is as it was installed, without the sanitizers.
  foreach(sanitizer IN ITEMS address thread)
    consume(${sanitizer} TARGETS consumer
      OPTIONS ${prefix} "-DCMAKE_CXX_FLAGS=-fsanitize=${sanitizer}")
  endforeach()
  find_program(CLANG NAMES clang++ clang++-14)
  if(CLANG)
    set(COMPILER ${CLANG})
    consume(clang TARGETS consumer OPTIONS ${prefix})
  else()
    message(STATUS "SKIPPED: no clang++")
  endif()
endfunction()

# The example with which an outside program begins: from an empty folder to a prediction.
function(check_first_minute)
  set(model ${WORK}/model.pt)
  if(NOT PYTHON)
    message(STATUS "SKIPPED: the first minute, without a Python with torch")
    return()
  endif()
  run(${PYTHON} -c "import torch
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(784, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
torch.save({'model': model.state_dict()}, '${model}')
print('class', int(model(torch.zeros(1, 784)).argmax()), file=open('${WORK}/expected', 'w'))")
  set(folder ${WORK}/first_minute)
  file(COPY ${WORK}/moved/share/doc/wick/examples/first_minute/ DESTINATION ${folder})
  string(TIMESTAMP start %s)
  run(${CMAKE_COMMAND} -S ${folder} -B ${folder}/build -DCMAKE_PREFIX_PATH=${WORK}/moved
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER=${COMPILER} "-DCMAKE_CXX_FLAGS=-Wall -Werror")
  run(${CMAKE_COMMAND} --build ${folder}/build)
  execute_process(COMMAND ${folder}/build/predict ${model} OUTPUT_VARIABLE printed
    COMMAND_ERROR_IS_FATAL ANY)
  string(TIMESTAMP end %s)
  math(EXPR seconds "${end} - ${start}")
  file(READ ${WORK}/expected expected)
  if(NOT printed STREQUAL expected)
    message(FATAL_ERROR "printed ${printed}, expected ${expected}")
  endif()
  message(STATUS "from two files to a prediction: ${seconds} s")
endfunction()

# A program with no build system but pkg-config.
function(check_pkg_config)
  find_program(PKG_CONFIG pkg-config)
  if(NOT PKG_CONFIG)
    message(STATUS "SKIPPED: no pkg-config")
    return()
  endif()
  file(GLOB_RECURSE pc ${WORK}/moved/*/wick.pc)
  cmake_path(GET pc PARENT_PATH folder)
  set(ENV{PKG_CONFIG_PATH} ${folder})
  cmake_path(GET folder PARENT_PATH libraries)
  set(ENV{LD_LIBRARY_PATH} ${libraries})
  foreach(kind IN ITEMS shared static)
    set(option "")
    if(kind STREQUAL "static")
      set(option --static)
    endif()
    execute_process(COMMAND ${PKG_CONFIG} --cflags --libs ${option} wick OUTPUT_VARIABLE flags
      COMMAND_ERROR_IS_FATAL ANY)
    # With both libraries in one folder, the linker takes the static one where it is named as a file.
    if(kind STREQUAL "static")
      string(REPLACE "-lwick" "${libraries}/libwick.a" flags "${flags}")
    endif()
    separate_arguments(flags UNIX_COMMAND "${flags}")
    set(sources ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.cpp)
    run(${LAUNCHER} ${COMPILER} -std=c++20 -O2 -fPIC -shared -o ${WORK}/libplugin.so ${sources}
      ${flags})
    run(${WORK}/static/plugin_host ${WORK}/libplugin.so ${kind})
  endforeach()
endfunction()

function(check_subdirectory)
  file(REMOVE_RECURSE ${WORK}/host_prefix ${WORK}/CMakeCache.txt)
  set(shared -DWICK_SOURCE_DIR=${SOURCE} -DBUILD_SHARED_LIBS=ON -DWICK_CUDA=OFF)
  run(${CMAKE_COMMAND} -G Ninja -S ${CMAKE_CURRENT_FUNCTION_LIST_DIR} -B ${WORK}
    -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_BUILD_TYPE=Release
    -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER} ${shared})
  file(STRINGS ${WORK}/CMakeCache.txt cache)
  foreach(option IN ITEMS WERROR INSTALL BUILD_TOOLS BUILD_TESTS BUILD_BENCH)
    if(NOT "WICK_${option}:BOOL=OFF" IN_LIST cache)
      message(FATAL_ERROR "WICK_${option} is on below another project")
    endif()
  endforeach()
  # With warnings for errors, as the build that ran before: ccache has its objects.
  consume(. KIND shared TARGETS consumer plugin plugin_host OPTIONS ${shared} -DWICK_WERROR=ON)
  run(${CMAKE_COMMAND} --install ${WORK} --prefix ${WORK}/host_prefix)
  file(GLOB_RECURSE installed RELATIVE ${WORK}/host_prefix ${WORK}/host_prefix/*)
  if(NOT installed STREQUAL "bin/consumer")
    message(FATAL_ERROR "the host's installation installs wick: ${installed}")
  endif()
endfunction()

if(MODE STREQUAL "installed")
  check_installed()
  if(NOT CUDA)
    check_first_minute()
    check_pkg_config()
  endif()
else()
  check_subdirectory()
endif()
