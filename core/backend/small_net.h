// SPDX-License-Identifier: MIT
// Whole training steps of a small network.
#pragma once

#include <cstdint>

namespace wick {

/// A float32 parameter and its gradient.
struct ParameterRef {
  float* value = nullptr;
  float* grad = nullptr;
};

/// Training steps of Linear(inputs, hidden), ReLU, Linear(hidden, outputs) with the cross-entropy,
/// on batches gathered from images of bytes: input = pixel * scale + shift.
struct SmallNetStepsArgs {
  std::int64_t steps = 0;
  std::int64_t batch = 0;
  std::int64_t inputs = 0;
  std::int64_t hidden = 0;
  std::int64_t outputs = 0;
  const std::uint8_t* images = nullptr;  // (image_count, inputs)
  const std::int64_t* labels = nullptr;  // (image_count)
  std::int64_t image_count = 0;
  float scale = 1.0F;
  float shift = 0.0F;
  const std::int64_t* indices = nullptr;  // (steps, batch)
  ParameterRef weight1{};                 // (hidden, inputs)
  ParameterRef bias1{};                   // (hidden)
  ParameterRef weight2{};                 // (outputs, hidden)
  ParameterRef bias2{};                   // (outputs)
  // Of the cross-entropy, as in CrossEntropyArgs.
  const void* class_weights = nullptr;
  double label_smoothing = 0.0;
  std::int64_t ignore_index = -100;
  bool mean = true;
  bool amsgrad = false;        // the update is Adam's with amsgrad
  double* loss_sum = nullptr;  // one element that each step's loss is added to
};

}  // namespace wick
