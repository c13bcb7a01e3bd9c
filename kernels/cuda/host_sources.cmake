# The host side of the CUDA backend, in plain C++. Those of the first list also compile against
# another CUDA runtime (tests/simt); those of the second need NVIDIA's libraries.
set(WICK_CUDA_HOST_SOURCES
  check.cpp context.cpp cuda_backend.cpp devices.cpp matmul.cpp matmul_copies.cpp
  network_recording.cpp recorder.cpp small_net_steps.cpp
  stream_state.cpp transfer.cpp)
set(WICK_CUDA_BLAS_SOURCES blas_library.cpp cublas_lt.cpp)
list(TRANSFORM WICK_CUDA_HOST_SOURCES PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
list(TRANSFORM WICK_CUDA_BLAS_SOURCES PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
