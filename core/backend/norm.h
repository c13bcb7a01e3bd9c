// SPDX-License-Identifier: MIT
// The family of normalisations: what each is called, and what is given to the backend for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "wick/core/dtype.h"

namespace wick {

/// What is taken from each element and what it is divided by.
enum class NormOp : std::uint8_t {
  layer_norm,  // mean and deviation of a group of channels of one sample (Ba et al. 2016; with
               // several groups, Wu and He 2018)
  rms_norm,    // nothing, and the root of the mean square (Zhang and Sennrich 2019)
  batch_norm   // mean and deviation of one channel over all samples (Ioffe and Szegedy 2015)
};

/// In the order of the enumerators.
inline constexpr const char* kNormNames[] = {"layer_norm", "rms_norm", "batch_norm"};
inline constexpr std::size_t kNormOpCount = std::size(kNormNames);
/// "layer_norm".
[[nodiscard]] constexpr const char* name_of(NormOp op) {
  return kNormNames[static_cast<std::size_t>(op)];
}

/// How x, y and their gradients lie in memory: (samples, channels, inner), contiguous. A LayerNorm
/// over the last dimensions has their elements as channels and an inner of 1.
struct NormShape {
  std::int64_t samples = 0;
  std::int64_t channels = 0;
  std::int64_t inner = 1;
  std::int64_t groups = 1;  // divides channels; of layer_norm and rms_norm
  /// How many means and deviations there are.
  [[nodiscard]] constexpr std::int64_t statistics(NormOp op) const noexcept {
    return op == NormOp::batch_norm ? channels : samples * groups;
  }
};

/// y = (x - mean) * rstd * weight + bias with rstd = 1 / sqrt(variance + eps), where the variance
/// is the biased one. PyTorch: torch.nn.functional.layer_norm, group_norm, rms_norm and batch_norm.
struct NormArgs {
  NormOp op = NormOp::layer_norm;
  DType dtype = DType::float32;
  NormShape shape{};
  const void* x = nullptr;
  const void* weight = nullptr;  // (channels) or none
  const void* bias = nullptr;    // (channels) or none
  double eps = 1e-5;
  void* y = nullptr;
  /// (statistics), overwritten with what y was made from; `mean` is none for rms_norm. With
  /// `use_running` they are not written.
  void* mean = nullptr;
  void* rstd = nullptr;
  // Of batch_norm.
  /// (channels) or none: r = (1 - momentum) r + momentum s, where s is the mean and the unbiased
  /// variance. With `use_running`, they are what y is made from, and stay as they are.
  void* running_mean = nullptr;
  void* running_var = nullptr;
  double momentum = 0.1;
  /// On the device, or none: how many batches there were before this one; the momentum is then
  /// 1 / (*batches + 1), so that the running statistics are the average of all batches'.
  const std::int64_t* batches = nullptr;
  bool use_running = false;
};

/// The gradients by x, weight and bias, each where it is wanted.
struct NormBackwardArgs {
  NormOp op = NormOp::layer_norm;
  DType dtype = DType::float32;
  NormShape shape{};
  const void* grad_output = nullptr;
  const void* x = nullptr;       // of the forward pass
  const void* mean = nullptr;    // likewise; with `use_running` the running mean
  const void* rstd = nullptr;    // likewise; with `use_running` none
  const void* weight = nullptr;  // (channels) or none
  double eps = 1e-5;
  const void* running_var = nullptr;  // with `use_running`
  bool use_running = false;           // mean and variance do not depend on x
  void* grad_input = nullptr;         // or none
  void* grad_weight = nullptr;        // (channels) or none
  void* grad_bias = nullptr;          // (channels) or none
  bool accumulate_weight = false;     // added to what is there
  bool accumulate_bias = false;
};

}  // namespace wick
