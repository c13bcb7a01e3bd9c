# Warnings, sanitizers and private headers for wick's own targets; nothing of this reaches those who link
# wick.
option(WICK_WERROR "Treat warnings as errors" ${PROJECT_IS_TOP_LEVEL})
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
# Sanitizers change what the optimizer sees, and with it what it warns of: no errors there.
if(WICK_WERROR AND NOT WICK_SANITIZE)
  target_compile_options(wick_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Werror>
    "$<$<COMPILE_LANGUAGE:CUDA>:SHELL:-Werror all-warnings>")
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # A library with unique symbols cannot be unloaded. Functions that are exported may be inlined.
  target_compile_options(wick_options INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-fno-gnu-unique -fno-semantic-interposition>)
  if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # It sees overlaps in a text that grows where there are none: GCC's bug 105651.
    target_compile_options(wick_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
  endif()
endif()
if(WICK_FUZZ)
  target_compile_options(wick_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(WICK_SANITIZE)
  target_compile_options(wick_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:
    -fsanitize=${WICK_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all>)
  target_link_options(wick_options INTERFACE -fsanitize=${WICK_SANITIZE})
endif()
