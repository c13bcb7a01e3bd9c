// SPDX-License-Identifier: MIT
// Whole training steps of a small network in one launch: gather, forward, loss, backward, update.
//
// The network is Linear(inputs, hidden), ReLU, Linear(hidden, outputs) in float32 with the mean
// cross-entropy, trained by SGD, Adam or AdamW. Its weights and optimizer state stay in the shared
// memory of up to 16 multiprocessors while the steps go by: each owns a share of the inputs. Per
// step they meet once, to add up what the hidden layer gets from their shares.
#pragma once

#include <cstdint>
#include <optional>

#include "kernels/cuda/launchers.h"
#include "wick/core/backend/update.h"

namespace wick::cuda {

/// One tensor of parameters and its optimizer state, in device memory.
struct SmallNetParameter {
  float* param = nullptr;
  float* first = nullptr;   // Adam's exp_avg, SGD's momentum buffer, or null
  float* second = nullptr;  // Adam's exp_avg_sq, or null
  float* grad = nullptr;    // where the last step's gradient is left, or null
};

/// Pointers are to device memory.
struct SmallNetArgs {
  std::int64_t steps = 1;
  std::int64_t batch = 0;
  std::int64_t inputs = 0;
  std::int64_t hidden = 0;
  std::int64_t outputs = 0;

  const std::uint8_t* images = nullptr;  // (image_count, inputs), contiguous
  const std::int64_t* labels = nullptr;  // (image_count)
  std::int64_t image_count = 0;
  float scale = 1.0F;  // an input is image * scale + shift
  float shift = 0.0F;
  const std::int64_t* indices = nullptr;  // (index_rows, batch): rows of images and labels
  std::int64_t index_rows = 0;
  const std::int64_t* position = nullptr;  // the row of indices that comes first; null: the first

  SmallNetParameter weight1{};  // (hidden, inputs)
  SmallNetParameter bias1{};    // (hidden)
  SmallNetParameter weight2{};  // (outputs, hidden)
  SmallNetParameter bias2{};    // (outputs)

  /// SGD's or Adam's; count, pointers and what StepScalars holds are not looked at. amsgrad and
  /// class weights are not for this kernel.
  UpdateArgs update{};
  const StepScalars* scalars = nullptr;  // (steps)

  std::int64_t ignore_index = -100;
  double label_smoothing = 0.0;  // in [0, 1]
  double* loss_total = nullptr;  // has each step's mean loss added
};

/// What a device offers to this kernel.
struct SmallNetDevice {
  int multiprocessors = 1;
  /// Blocks that can meet in hardware, a power of two; 0: none, then blocks meet through memory in
  /// a cooperative launch.
  int cluster_blocks = 0;
  std::size_t shared_bytes_per_block = 48 << 10;  // cudaDevAttrMaxSharedMemoryPerBlockOptin
};

/// Whether the kernel does this update.
[[nodiscard]] constexpr bool small_net_updates(const UpdateArgs& args) {
  return args.op == UpdateOp::sgd || (args.op == UpdateOp::adam && args.state[2] == nullptr);
}

/// Whether launch_small_net takes this network: it looks at sizes and at the kind of update.
[[nodiscard]] bool small_net_fits(const SmallNetArgs& args, const SmallNetDevice& device);

/// The device as it takes this network: with clusters of as many blocks, from `cluster_blocks` down
/// to 4, as it says that it runs at once and with which the kernel starts, without a step to do.
/// How many those are differs among devices of one compute capability, and with other programs
/// that have a share of them. None where it takes no number, or the network does not fit.
/// Leaves no error behind and waits for nothing.
[[nodiscard]] std::optional<SmallNetDevice> small_net_device(const SmallNetArgs& args,
                                                             SmallNetDevice device,
                                                             const LaunchContext& context);

/// Runs `steps` steps. Labels and indices out of range are reported as launchers.h says, under
/// CheckedOperation::cross_entropy and gather_affine with the row within all steps. Throws
/// ValueError for a network that does not fit.
[[nodiscard]] cudaError_t launch_small_net(const SmallNetArgs& args, const SmallNetDevice& device,
                                           const LaunchContext& context);

}  // namespace wick::cuda
