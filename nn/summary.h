// SPDX-License-Identifier: MIT
// A table of a network's layers.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/core/tensor.h"
#include "wick/nn/module.h"

namespace wick::nn {

/// A layer, or an operation between layers, in the order in which they run.
struct SummaryRow {
  std::string name;  // dotted; empty for the network itself
  std::string type;  // "Linear", or "add"
  Dims output_shape;
  std::int64_t parameters = 0;  // elements of its own
  /// Millions of operations of its products, a multiplication and an addition as two; those of all
  /// else are not counted.
  double mflop = 0.0;
};

struct Summary {
  std::vector<SummaryRow> rows;
  // Of the network. Parameters that several layers share count once.
  std::int64_t parameters = 0;
  std::int64_t trainable = 0;  // of them, those that want a gradient
  std::int64_t bytes = 0;      // of all parameters
  double mflop = 0.0;
};

/// What the layers of `model` make of an input of `input_shape`, the number of samples included.
/// The numbers come from a copy of the model that runs once on zeros; the model itself is as
/// before. Throws ValueError for a model that cannot be cloned, and what forward() throws.
///
///   std::cout << nn::summary(model, {1, 784});
[[nodiscard]] WICK_API Summary summary(const Module& model, const Dims& input_shape,
                                       DType dtype = DType::float32);
/// The same for inputs of your own, such as int64 indices, or several of them (Graph).
[[nodiscard]] WICK_API Summary summary(const Module& model, std::span<const Tensor> inputs);

/// As a table, with the totals below:
///
///   Layer   Type    Output shape  Parameters  MFLOP
///   layer1  Linear  [1, 32]           25,120  0.050
///   relu    ReLU    [1, 32]                0  0.000
///   Total                             25,120  0.050
///   25,120 of 25,120 parameters are trainable; 0.10 MB
[[nodiscard]] WICK_API std::string to_string(const Summary& summary);
WICK_API std::ostream& operator<<(std::ostream& out, const Summary& summary);

}  // namespace wick::nn
