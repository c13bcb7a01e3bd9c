# Warnings, sanitizers and private headers for wick's own targets; nothing of this reaches those who link
# wick.
option(WICK_WERROR "Treat warnings as errors, as the presets do" OFF)
set(WICK_SANITIZE "" CACHE STRING "Sanitizers for -fsanitize=, as in \"address,undefined\"")

add_library(wick_options INTERFACE)
target_compile_features(wick_options INTERFACE cxx_std_20)
target_include_directories(wick_options INTERFACE ${PROJECT_SOURCE_DIR})
# CMake 3.25 does not know that nvcc does C++20.
target_compile_options(wick_options INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:-std=c++20>)
target_compile_options(wick_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wconversion -Wshadow
  -Wnon-virtual-dtor -Woverloaded-virtual>
  # Not -Wpedantic and -Wconversion, which complain of the code that nvcc makes.
  $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra,-Wshadow>)
# Sanitizers change what the optimizer sees, and precompiled headers what GCC takes for the system's: with
# both it warns of what is no fault, so that there are no errors then.
if(WICK_WERROR AND NOT WICK_SANITIZE AND NOT WICK_PRECOMPILE)
  target_compile_options(wick_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Werror>
    "$<$<COMPILE_LANGUAGE:CUDA>:SHELL:-Werror all-warnings>")
endif()
# Functions that a shared library exports may be inlined in it all the same.
target_compile_options(wick_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-fno-semantic-interposition>)
if(WICK_FUZZ)
  target_compile_options(wick_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(WICK_SANITIZE)
  # For the whole tree, and so before the options of targets, which take checks away from it.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${WICK_SANITIZE}>
    $<$<COMPILE_LANGUAGE:CXX>:-fno-omit-frame-pointer>
    $<$<COMPILE_LANGUAGE:CXX>:-fno-sanitize-recover=all>)
  # A null pointer that is used ends the program in any case. Both checks take a quarter of a compilation.
  if(WICK_SANITIZE MATCHES "undefined")
    add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fno-sanitize=vptr,null>)
  endif()
  target_link_options(wick_options INTERFACE -fsanitize=${WICK_SANITIZE})
endif()

# wick_optimise(LEVEL TARGET...): what is no kernel gains nothing from CMake's -O3, and takes a third longer to
# compile. "s" is for what runs once.
function(wick_optimise level)
  foreach(target IN LISTS ARGN)
    target_compile_options(${target} PRIVATE $<$<AND:$<CONFIG:Release>,$<COMPILE_LANGUAGE:CXX>>:-O${level}>)
  endforeach()
endfunction()
