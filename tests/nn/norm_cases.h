// SPDX-License-Identifier: MIT
// Makes the normalisations of the table of layers.
#pragma once

#include <memory>

#include "wick/nn/layers/batch_norm.h"
#include "wick/nn/layers/norm.h"

namespace wick::testing {

template <bool Affine = true, bool Bias = true, std::int64_t... Sizes>
std::unique_ptr<nn::Module> make_layer_norm(DType dtype) {
  return std::make_unique<nn::LayerNorm>(
      Dims{Sizes...},
      nn::LayerNormOptions{.elementwise_affine = Affine, .bias = Bias, .dtype = dtype});
}

template <std::int64_t Groups, std::int64_t Channels, bool Affine = true, bool Bias = true>
std::unique_ptr<nn::Module> make_group_norm(DType dtype) {
  return std::make_unique<nn::GroupNorm>(
      Groups, Channels, nn::GroupNormOptions{.affine = Affine, .bias = Bias, .dtype = dtype});
}

struct BatchNormKind {
  double momentum = 0.1;  // 0: none
  bool affine = true;
  bool track = true;
  bool eval = false;
  bool bias = true;
};
template <typename Layer, std::int64_t Channels, BatchNormKind Kind = BatchNormKind{}>
std::unique_ptr<nn::Module> make_batch_norm(DType dtype) {
  nn::BatchNormOptions options{
      .affine = Kind.affine, .track_running_stats = Kind.track, .bias = Kind.bias, .dtype = dtype};
  options.momentum = Kind.momentum;
  if (Kind.momentum == 0.0) options.momentum.reset();
  auto layer = std::make_unique<Layer>(Channels, options);
  layer->train(!Kind.eval);
  return layer;
}

template <std::int64_t Channels, bool Affine = false, bool Track = false, bool Eval = false,
          bool Bias = true>
std::unique_ptr<nn::Module> make_instance_norm(DType dtype) {
  auto layer = std::make_unique<nn::InstanceNorm2d>(
      Channels, nn::InstanceNormOptions{
                    .affine = Affine, .track_running_stats = Track, .bias = Bias, .dtype = dtype});
  layer->train(!Eval);
  return layer;
}

}  // namespace wick::testing
