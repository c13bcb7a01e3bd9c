// SPDX-License-Identifier: MIT
// PyTorch's initialisers: the same generator gives the same weights.
#pragma once

#include "wick/core/compiler.h"
#include "wick/core/random.h"
#include "wick/core/tensor.h"

namespace wick::nn::init {

/// sqrt(2 / (1 + negative_slope²)): torch.nn.init.calculate_gain("leaky_relu", negative_slope).
[[nodiscard]] WICK_API double leaky_relu_gain(double negative_slope);

/// U(-bound, bound) with bound = gain(a) sqrt(3 / fan_in) for a weight (out, in, ...):
/// torch.nn.init.kaiming_uniform_ with mode fan_in (He et al. 2015).
WICK_API void kaiming_uniform_(const Tensor& weight, double a, Generator& generator);
/// N(0, (gain(a) / sqrt(fan_in))²): torch.nn.init.kaiming_normal_.
WICK_API void kaiming_normal_(const Tensor& weight, double a, Generator& generator);
/// U(-bound, bound) with bound = gain sqrt(6 / (fan_in + fan_out)): torch.nn.init.xavier_uniform_
/// (Glorot and Bengio 2010).
WICK_API void xavier_uniform_(const Tensor& weight, double gain, Generator& generator);

/// What torch.nn.Linear.reset_parameters does: kaiming_uniform_ with a = sqrt(5) for the weight,
/// then U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for the bias, where there is one.
WICK_API void linear_(const Tensor& weight, const Tensor* bias, Generator& generator);

}  // namespace wick::nn::init
