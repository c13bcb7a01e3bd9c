// SPDX-License-Identifier: MIT
// A training run between two steps: all that its next step depends on, in memory and in a file.
#pragma once

#include <filesystem>
#include <limits>
#include <memory>

#include "tools/cli/train_config.h"
#include "tools/data/dataset.h"
#include "wick/core/random.h"
#include "wick/core/value.h"
#include "wick/nn/sequential.h"
#include "wick/nn/transforms.h"
#include "wick/optim/lr_scheduler.h"
#include "wick/optim/optimizer.h"

namespace wick::tools {

/// Where a run stands.
struct RunPosition {
  std::int64_t epoch = 0;  // finished ones
  std::int64_t step = 0;   // steps done in the epoch that is not finished
  double loss_sum = 0;     // of the images seen in it
  double best_loss = std::numeric_limits<double>::infinity();
};

/// The data that a run was made for; a resumed run must be given the same.
struct DataIdentity {
  Dims image_shape;  // (C, H, W)
  std::int64_t train_count = 0;
  std::int64_t checksum = 0;  // CRC-32 of the training images and labels
  std::vector<std::string> classes;
};

[[nodiscard]] DataIdentity identify(const Dataset& train);

/// One run. The generator first draws the weights, layer by layer, then one permutation of the
/// training images per epoch: torch.randperm(n, generator=g) in PyTorch's words.
struct RunState {
  TrainConfig config;
  DataIdentity data;
  nn::Compose transforms;
  Generator generator;  // as it is before the permutation of the epoch that is not finished
  std::unique_ptr<nn::Sequential> model;
  std::unique_ptr<optim::Optimizer> optimizer;
  std::unique_ptr<optim::LRScheduler> scheduler;  // null for "none"; steps after each batch
  RunPosition position;
  std::int64_t first_number = 0;  // of the first epoch's numbered checkpoint

  /// The number of the checkpoint of the epoch that was finished last.
  [[nodiscard]] std::int64_t file_number() const { return first_number + position.epoch - 1; }
};

/// A run before its first step. `steps_per_epoch` is what schedules are counted in.
[[nodiscard]] RunState new_run(const TrainConfig& config, const Dataset& train, Device device,
                               std::int64_t steps_per_epoch);

/// Everything that restore() needs, in a dict that torch.load(weights_only=True) opens:
/// 'tfs', 'opt' and 'model' are what state_dict() of torchvision's transforms, the optimizer and
/// the model gives; 'transforms' (Compose::to_value()), 'scheduler', 'generator' (what PyTorch's
/// Generator.set_state takes), 'epoch' (how many are finished), 'step', 'loss_sum', 'best_loss',
/// 'first_number', 'config' and 'data'.
[[nodiscard]] Value checkpoint_of(const RunState& run);

/// Brings a new run to where the checkpoint was made. Throws StateDictError that begins with `name`
/// and lists what does not fit: other data, another model, a missing part, a model that has
/// diverged.
///
/// The run may have another number of epochs than the checkpoint's: its schedule then goes on at
/// the rates of a run of that many, and a note that is returned says so. `steps_per_epoch` as for
/// new_run().
///
/// Checkpoints of earlier versions are taken too: their layers are fc1, fc2, ..., their 'tfs'
/// describes the transforms, and they have no 'first_number', which is 1 then: the run's files go
/// on in the numbers of those that there are.
[[nodiscard]] std::vector<std::string> restore(RunState& run, const Value& checkpoint,
                                               const std::string& name,
                                               std::int64_t steps_per_epoch);

/// The saved configuration in a checkpoint. Throws StateDictError where there is none, as in a
/// checkpoint of another program.
[[nodiscard]] const Dict& saved_config(const Value& checkpoint, const std::string& name);

}  // namespace wick::tools
