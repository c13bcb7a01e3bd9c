# The handwritten kernels, and what nvcc needs to compile them beyond a C++20 mode.
set(WICK_CUDA_KERNELS
  argmax.cu arithmetic.cu attention.cu column_sums.cu conv.cu copy_strided.cu cross_entropy.cu dropout.cu
  elementwise.cu gather.cu index_add.cu norm.cu norm_backward.cu pointwise_loss.cu pool.cu prelu.cu random.cu
  recurrent.cu reduction.cu resample.cu
  small_net.cu softmax.cu unary.cu unary_backward.cu update.cu vector_reduce.cu)
list(TRANSFORM WICK_CUDA_KERNELS PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
# Kernels share constexpr formulas with the host (kernels/convert.h).
set(WICK_CUDA_KERNEL_OPTIONS --expt-relaxed-constexpr)
