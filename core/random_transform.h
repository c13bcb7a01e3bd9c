// SPDX-License-Identifier: MIT
// From random bits to uniform and normal numbers, with PyTorch's roundings. Used by Generator.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wick::detail {

/// out[i] = low + (high - low) * (words[i] mod 2^24) / 2^24, and low where rounding gives high.
/// PyTorch: at::uniform_real_distribution<float> as compiled for AVX2.
void uniform_from_bits(const std::uint32_t* words, std::size_t count, float low, float high,
                       float* out);

/// The same from 53 bits of 64, each made of two words, the upper half first.
void uniform_from_bits(const std::uint32_t* words, std::size_t count, double low, double high,
                       double* out);

/// Box-Muller on `count` uniform numbers of [0, 1), a multiple of 16, in place: in each sixteen
/// the first eight give the radii, the last eight the angles.
/// PyTorch: at::native::templates::cpu::NormalFill16.
void normal_from_uniform(float* data, std::size_t count, float mean, float deviation);
void normal_from_uniform(double* data, std::size_t count, double mean, double deviation);

}  // namespace wick::detail
