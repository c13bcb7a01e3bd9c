// SPDX-License-Identifier: MIT
#include "wick/nn/init.h"

#include <cmath>

#include "wick/core/error.h"

namespace wick::nn::init {
namespace {

struct Fans {
  double in;
  double out;
};

Fans fans(const Tensor& weight) {
  if (weight.dim() < 2) {
    throw ShapeError(concat("init: a weight needs at least two dimensions, got ", weight));
  }
  const auto receptive = static_cast<double>(element_count(std::span(weight.shape()).subspan(2)));
  return {static_cast<double>(weight.size(1)) * receptive,
          static_cast<double>(weight.size(0)) * receptive};
}

}  // namespace

double leaky_relu_gain(double negative_slope) {
  return std::sqrt(2.0 / (1.0 + negative_slope * negative_slope));
}

void kaiming_uniform_(const Tensor& weight, double a, Generator& generator) {
  const double fan_in = fans(weight).in;
  if (weight.numel() == 0) return;
  // In PyTorch's order of operations, so that the bound is the same double.
  const double deviation = leaky_relu_gain(a) / std::sqrt(fan_in);
  const double bound = std::sqrt(3.0) * deviation;
  weight.uniform_(-bound, bound, generator);
}

void kaiming_normal_(const Tensor& weight, double a, Generator& generator) {
  const double fan_in = fans(weight).in;
  if (weight.numel() == 0) return;
  weight.normal_(0.0, leaky_relu_gain(a) / std::sqrt(fan_in), generator);
}

void xavier_uniform_(const Tensor& weight, double gain, Generator& generator) {
  const Fans fan = fans(weight);
  const double deviation = gain * std::sqrt(2.0 / (fan.in + fan.out));
  const double bound = std::sqrt(3.0) * deviation;
  weight.uniform_(-bound, bound, generator);
}

void linear_(const Tensor& weight, const Tensor* bias, Generator& generator) {
  kaiming_uniform_(weight, std::sqrt(5.0), generator);
  if (bias == nullptr) return;
  const double fan_in = fans(weight).in;
  const double bound = fan_in > 0.0 ? 1.0 / std::sqrt(fan_in) : 0.0;
  bias->uniform_(-bound, bound, generator);
}

}  // namespace wick::nn::init
