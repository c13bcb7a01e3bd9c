// SPDX-License-Identifier: MIT
// Plain float64 references for the kernels, and data to run them on.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/cpu/cpu_backend.h"
#include "wick/core/backend/matrix.h"
#include "wick/core/random.h"

namespace wick::testing {

/// A row-major matrix whose rows are `stride` apart; what lies between them must stay `kGap`.
struct Matrix {
  static constexpr float kGap = -12345.0F;
  std::int64_t rows;
  std::int64_t cols;
  std::int64_t stride;
  std::vector<float> data;

  Matrix(std::int64_t r, std::int64_t c, std::int64_t gap = 0)
      : rows(r), cols(c), stride(c + gap), data(static_cast<std::size_t>(r * stride), kGap) {}

  static Matrix random(std::int64_t r, std::int64_t c, Generator& generator, std::int64_t gap = 0) {
    Matrix result(r, c, gap);
    for (std::int64_t i = 0; i < r; ++i) {
      for (std::int64_t j = 0; j < c; ++j) {
        result.at(i, j) = static_cast<float>(generator.random()) * 0x1p-31F - 1.0F;
      }
    }
    return result;
  }

  [[nodiscard]] float& at(std::int64_t r, std::int64_t c) {
    return data[static_cast<std::size_t>(r * stride + c)];
  }
  [[nodiscard]] float at(std::int64_t r, std::int64_t c) const {
    return data[static_cast<std::size_t>(r * stride + c)];
  }
  [[nodiscard]] MatrixRef ref() { return {data.data(), rows, cols, stride}; }
  [[nodiscard]] ConstMatrixRef ref() const { return {data.data(), rows, cols, stride}; }

  /// True where the gaps between rows are untouched.
  [[nodiscard]] bool gaps_intact() const {
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t c = cols; c < stride; ++c) {
        if (at(r, c) != kGap) return false;
      }
    }
    return true;
  }
};

/// A backend for each level that this processor has: of those that differ in products of bfloat16
/// alone, the first.
inline std::vector<std::unique_ptr<cpu::CpuBackend>> all_levels() {
  std::vector<std::unique_ptr<cpu::CpuBackend>> result;
  const cpu::KernelTable<float>* last = nullptr;
  for (const cpu::Level& level : cpu::available_levels()) {
    if (level.float32 != last) result.push_back(std::make_unique<cpu::CpuBackend>(level));
    last = level.float32;
  }
  return result;
}

/// All of them.
inline std::vector<std::unique_ptr<cpu::CpuBackend>> all_bfloat16_levels() {
  std::vector<std::unique_ptr<cpu::CpuBackend>> result;
  for (const cpu::Level& level : cpu::available_levels()) {
    result.push_back(std::make_unique<cpu::CpuBackend>(level));
  }
  return result;
}

}  // namespace wick::testing
