// SPDX-License-Identifier: MIT
// What a normalisation is, for its layer and for whoever reads the steps of a network.
#pragma once

#include <string_view>

#include "wick/core/backend/norm.h"
#include "wick/core/compiler.h"
#include "wick/nn/module_copier.h"

namespace wick::nn {

/// The channels are the elements of the last dimensions, `normalized_shape`; or where that is
/// empty, the `channels` of the second dimension.
struct WICK_API NormStep {
  NormOp op = NormOp::layer_norm;
  Dims normalized_shape;
  std::int64_t channels = 0;
  std::int64_t groups = 1;
  double eps = 1e-5;
  /// What stands in for the statistics of the input in eval mode; null where that has its own.
  BufferPtr running_mean;
  BufferPtr running_var;

  /// How an input is normalised. Throws ShapeError that begins with `who` where it does not fit.
  [[nodiscard]] NormShape shape_of(std::string_view who, const Dims& input) const;
};

}  // namespace wick::nn
