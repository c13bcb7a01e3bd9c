# The one library that users link, wick::wick, and how it is installed and found.
find_package(Threads REQUIRED)

add_library(wick)
add_library(wick::wick ALIAS wick)
target_link_libraries(wick PRIVATE wick_core wick_kernels wick_nn wick_optim wick_serialize)
