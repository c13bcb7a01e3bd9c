// SPDX-License-Identifier: MIT
// The training loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "tools/cli/run_state.h"
#include "tools/cli/train_split.h"
#include "wick/core/recording.h"
#include "wick/nn/losses/cross_entropy_loss.h"
#include "wick/optim/clip_grad.h"

namespace wick::tools {

/// What an epoch came to.
struct EpochResult {
  bool stopped = false;      // before its end; the run's position says where
  double loss_mean = 0;      // over the images seen
  std::int64_t samples = 0;  // seen by this call
  double seconds = 0;
};

/// Runs the epochs of a run over images that lie on its device. A step gathers its images by index,
/// prepares them, and runs forward, backward, the optimizer and the scheduler; it allocates nothing
/// once the first full batch has been seen. Steps of full batches are recorded (core/recording.h),
/// or done many at a time where the device has a kernel for that; on a GPU nobody waits for one of
/// them: the losses are summed there, and looked at now and then.
class Trainer {
 public:
  /// `images` uint8 (N, C, H, W) and `labels` int64 (N) on the model's device; the run must outlive
  /// the trainer. Without `whole_steps`, steps are recorded even where the device has a kernel for
  /// many at a time: the same up to rounding, to compare their speed.
  Trainer(RunState& run, Tensor images, Tensor labels, TrainSplit split, bool whole_steps = true);

  [[nodiscard]] std::int64_t steps_per_epoch() const noexcept { return steps_; }

  /// Called with the epoch's steps so far and its running mean loss, on the CPU after each step and
  /// elsewhere after every few; returns false to stop there.
  using AfterStep = std::function<bool(std::int64_t step, double loss_mean)>;

  /// Does the epoch in which the run stands, from the step at which it stands. Moves the run's
  /// position and generator behind the epoch, or, where it was stopped, keeps the generator as it
  /// was before the epoch's shuffle and counts the steps.
  EpochResult run_epoch(const AfterStep& after_step);

  /// The mean loss, under the present weights, of some images that the last call of run_epoch() has
  /// trained on: not finite where the next step has nothing to go by.
  [[nodiscard]] double present_loss() const;

 private:
  /// One batch: which images, and what the network is given.
  struct Batch {
    Tensor picked;   // (rows), int64
    Tensor inputs;   // (rows, features)
    Tensor targets;  // (rows)
  };

  void shuffle();
  [[nodiscard]] RecordedStep full_batch_step();
  /// What a step over a full batch does, as data; null where that cannot be said, and without
  /// whole_steps_.
  [[nodiscard]] std::shared_ptr<const NetworkStep> network() const;
  /// Leaves the gradients, clipped where the run wants that.
  void compute(const Batch& batch);
  void update();
  [[nodiscard]] double take_loss_sum() const;

  RunState& run_;
  Tensor images_;
  Tensor labels_;
  bool whole_steps_;  // where the device has a kernel for them
  Tensor train_;      // positions of the training images, on the CPU
  std::int64_t steps_ = 0;
  std::int64_t full_steps_ = 0;  // of these, with a full batch
  nn::CrossEntropyLoss criterion_;
  std::vector<ParameterPtr> clipped_;  // parameters whose gradients are clipped
  optim::GradNormClipper clipper_;
  Tensor permutation_;  // int64, on the CPU
  Tensor shuffled_;     // int64, on the CPU: training images in the epoch's order
  Tensor order_;        // the same on the device
  Tensor batches_;      // its part in full batches, (full steps, batch)
  Tensor at_;           // (1), on the device: the full batch that comes next
  Tensor loss_sum_;     // float64, on the device: of the steps since the last look
  Tensor picked_row_;   // (1, batch): full_.picked as index_select() fills it
  Batch full_;
  Batch last_;  // the epoch's last, where it is smaller
};

/// How many steps an epoch over `count` images has; the last may be smaller than the others.
[[nodiscard]] std::int64_t steps_for(std::int64_t count, std::int64_t batch_size);

}  // namespace wick::tools
