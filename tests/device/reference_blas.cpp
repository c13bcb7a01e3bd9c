// SPDX-License-Identifier: MIT
// In place of cuBLASLt on a simulated device: products by their definition, summed in float64.
#include <cuda_runtime.h>

#include "kernels/cuda/blas.h"

namespace wick::cuda {
namespace {

template <typename T>
double element(const ColumnMajor& matrix, std::int64_t row, std::int64_t col) {
  const std::int64_t at = matrix.transpose ? row * matrix.stride + col : col * matrix.stride + row;
  return static_cast<double>(static_cast<const T*>(matrix.data)[at]);
}

// A block for each column of C, one thread in it.
template <typename T>
__global__ void multiply_column(Product product) {
  const auto col = static_cast<std::int64_t>(blockIdx.x);
  auto* const c = static_cast<T*>(product.c) + col * product.c_stride;
  for (std::int64_t row = 0; row < product.m; ++row) {
    double sum = product.accumulate ? static_cast<double>(c[row]) : 0.0;
    for (std::int64_t i = 0; i < product.k; ++i) {
      sum += element<T>(product.a, row, i) * element<T>(product.b, i, col);
    }
    if (product.bias != nullptr) {
      sum += static_cast<double>(static_cast<const T*>(product.bias)[row]);
    }
    c[row] = static_cast<T>(product.relu && sum < 0.0 ? 0.0 : sum);
  }
}

class ReferenceBlas final : public Blas {
 public:
  [[nodiscard]] bool has_epilogues(DType dtype) const noexcept override {
    return dtype == DType::float32;
  }
  void multiply(const Product& product, bool /*tf32*/, StreamState& stream) override {
    // As cuBLASLt does, and as a captured step must be allowed to.
    static_cast<void>(stream.blas_workspace());
    cudaLaunchConfig_t config{};
    config.gridDim = dim3(static_cast<unsigned>(product.n));
    config.blockDim = dim3(1);
    config.stream = stream.stream();
    check(product.dtype == DType::float64
              ? cudaLaunchKernelEx(&config, multiply_column<double>, product)
              : cudaLaunchKernelEx(&config, multiply_column<float>, product),
          "multiply");
  }
};

}  // namespace

std::unique_ptr<Blas> make_blas() {
  return std::make_unique<ReferenceBlas>();
}

}  // namespace wick::cuda
