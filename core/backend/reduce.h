// SPDX-License-Identifier: MIT
// The family of reductions along one dimension: what each is called, and what is given to the
// backend for it.
#pragma once

#include <cstdint>

#include "wick/core/dtype.h"

namespace wick {

/// Sums of float32 are added up in float64, those of float64 by pairs of parts (Higham 1993), and
/// rounded once.
enum class ReduceOp : std::uint8_t {
  sum,   // of int64 and bool: in int64
  mean,  // of float32 and float64
  min,   // NaN where there is one; of equals the first
  max,   // likewise
};

/// In the order of the enumerators.
inline constexpr const char* kReduceNames[] = {"sum", "mean", "min", "max"};
/// "sum".
[[nodiscard]] constexpr const char* name_of(ReduceOp op) {
  return kReduceNames[static_cast<std::size_t>(op)];
}

/// Along the middle dimension of x (outer, size, inner), whose strides are in elements. Of min and
/// max, the size is at least 1.
struct ReduceArgs {
  ReduceOp op = ReduceOp::sum;
  DType dtype = DType::float32;  // of x: float32, float64, int64 or bool
  const void* x = nullptr;
  std::int64_t outer = 0;
  std::int64_t size = 0;
  std::int64_t inner = 1;
  std::int64_t outer_stride = 0;
  std::int64_t size_stride = 1;
  std::int64_t inner_stride = 1;
  /// (outer, inner), contiguous, of x's dtype; sums of int64 and bool are int64. Of min and max, it
  /// may be none.
  void* out = nullptr;
  /// Likewise, of min and max: the positions along the dimension; or none.
  std::int64_t* indices = nullptr;
};

}  // namespace wick
