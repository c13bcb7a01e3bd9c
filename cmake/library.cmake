# The one library that users link, wick::wick, and how it is installed and found.
find_package(Threads REQUIRED)

add_library(wick
  $<TARGET_OBJECTS:wick_core> $<TARGET_OBJECTS:wick_kernels> $<TARGET_OBJECTS:wick_nn>
  $<TARGET_OBJECTS:wick_optim> $<TARGET_OBJECTS:wick_serialize>)
add_library(wick::wick ALIAS wick)
target_compile_features(wick PUBLIC cxx_std_20)
target_include_directories(wick PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
target_link_libraries(wick PUBLIC Threads::Threads PRIVATE $<BUILD_INTERFACE:${WICK_LIBDEFLATE}>)
