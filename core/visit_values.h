// SPDX-License-Identifier: MIT
// The dtypes of arithmetic between tensors and of reductions.
#pragma once

#include <cstdint>
#include <string_view>

#include "wick/core/dtype.h"

namespace wick {

/// Like visit(), for float32, float64, int64 and bool. Throws DTypeError that names `operation`.
template <typename Visitor>
decltype(auto) visit_values(DType dtype, std::string_view operation, Visitor&& visitor) {
  if (dtype == DType::float32) return visitor(TypeTag<float>{});
  if (dtype == DType::float64) return visitor(TypeTag<double>{});
  if (dtype == DType::int64) return visitor(TypeTag<std::int64_t>{});
  if (dtype == DType::boolean) return visitor(TypeTag<bool>{});
  throw DTypeError(concat(operation, ": computes in float32, float64, int64 and bool, got ", dtype,
                          "; convert with Tensor::to(DType::float32)"));
}

}  // namespace wick
