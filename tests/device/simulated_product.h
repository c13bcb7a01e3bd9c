// SPDX-License-Identifier: MIT
// The products of the cuBLASLt of simulated devices: by their definition, summed in float64.
#pragma once

#include <cstdint>

#include <cublasLt.h>
#include <cuda_runtime.h>

#include "wick/core/float_types.h"

struct cublasLtMatrixLayoutOpaque_t {
  cudaDataType_t type;
  std::int64_t rows;
  std::int64_t cols;
  std::int64_t ld;
};

namespace wick::testing {

inline double load(cudaDataType_t type, const void* data, std::int64_t at) {
  switch (type) {
    case CUDA_R_64F: return static_cast<const double*>(data)[at];
    case CUDA_R_32F: return static_cast<double>(static_cast<const float*>(data)[at]);
    default: return static_cast<double>(to_float(static_cast<const bfloat16*>(data)[at]));
  }
}

inline void store(cudaDataType_t type, void* data, std::int64_t at, double value) {
  switch (type) {
    case CUDA_R_64F: static_cast<double*>(data)[at] = value; return;
    case CUDA_R_32F: static_cast<float*>(data)[at] = static_cast<float>(value); return;
    default: static_cast<bfloat16*>(data)[at] = from_float<bfloat16>(static_cast<float>(value));
  }
}

struct Operand {
  const void* data;
  cublasLtMatrixLayoutOpaque_t layout;
  bool transpose;
  [[nodiscard]] double at(std::int64_t row, std::int64_t col) const {
    return load(layout.type, data, transpose ? row * layout.ld + col : col * layout.ld + row);
  }
};

struct Task {
  Operand a;  // (m, k) when it is transposed
  Operand b;  // (k, n)
  Operand c;
  void* d;
  double beta;
  std::int64_t k;
  std::uint32_t epilogue;
  void* bias;
  unsigned char* aux;  // bit r of column c: bit number c * aux_ld + r
  std::int64_t aux_ld;
};

// The library's ReLU is a maximum that takes NaN for 0 (NVIDIA's developer forum, topic 329783).
inline double relu_with_bit(const Task& task, std::int64_t row, std::int64_t col, double value) {
  if ((task.epilogue & 128) != 0) {
    const std::int64_t bit = col * task.aux_ld + row;
    const auto mask = static_cast<unsigned char>(1U << (bit % 8));
    unsigned char& byte = task.aux[bit / 8];
    byte = static_cast<unsigned char>(value > 0.0 ? byte | mask : byte & ~mask);
  }
  return value > 0.0 ? value : 0.0;
}

// A block for each column of D, one thread in it.
inline __global__ void multiply_column(Task task) {
  const auto col = static_cast<std::int64_t>(blockIdx.x);
  const cudaDataType_t type = task.c.layout.type;
  for (std::int64_t row = 0; row < task.c.layout.rows; ++row) {
    double value = task.beta == 0.0 ? 0.0 : task.beta * task.c.at(row, col);
    for (std::int64_t i = 0; i < task.k; ++i) value += task.a.at(row, i) * task.b.at(i, col);
    if ((task.epilogue & CUBLASLT_EPILOGUE_BIAS) != 0) value += load(type, task.bias, row);
    if ((task.epilogue & CUBLASLT_EPILOGUE_RELU) != 0) {
      value = relu_with_bit(task, row, col, value);
    }
    if (task.epilogue == CUBLASLT_EPILOGUE_DRELU) {
      const std::int64_t bit = col * task.aux_ld + row;
      if ((task.aux[bit / 8] >> (bit % 8) & 1) == 0) value = 0.0;
    }
    store(type, task.d, col * task.c.layout.ld + row, value);
  }
  if (task.epilogue == CUBLASLT_EPILOGUE_BGRADB) {
    double sum = 0.0;
    for (std::int64_t i = 0; i < task.k; ++i) sum += task.b.at(i, col);
    store(type, task.bias, col, sum);
  }
}

}  // namespace wick::testing
