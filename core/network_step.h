// SPDX-License-Identifier: MIT
// A training step of a network as data, for devices that have a kernel for whole steps.
#pragma once

#include <cstdint>
#include <vector>

#include "wick/core/backend/elementwise.h"
#include "wick/core/parameter.h"

namespace wick {

/// x weightᵀ + bias; or, without a weight, a function of each element.
struct NetworkLayer {
  ParameterPtr weight;  // (outputs, inputs), or null
  ParameterPtr bias;    // (outputs), or null for none
  UnaryOp op = UnaryOp::relu;
  UnaryParameters parameters{};
};

/// What RecordedStep::compute does, where that is a chain of layers trained by its cross-entropy on
/// rows gathered from bytes:
///
///   rows   = batches[position]; position += 1
///   input  = images[rows] * scale + shift
///   loss   = cross_entropy(layers(input), labels[rows]); loss_sum += loss
///   the gradients of all parameters are set
///
/// All tensors are on the device, contiguous, and stay where they are.
struct NetworkStep {
  Tensor images;    // uint8, (N, features), in any shape
  Tensor labels;    // int64, (N)
  Tensor batches;   // int64, (steps of an epoch, batch)
  Tensor position;  // int64, one element
  float scale = 1.0F;
  float shift = 0.0F;
  std::vector<NetworkLayer> layers;
  Tensor class_weights;  // (classes), or undefined
  double label_smoothing = 0.0;
  std::int64_t ignore_index = -100;
  bool mean = true;  // else the sum
  Tensor loss_sum;   // float64, one element, or undefined
};

}  // namespace wick
