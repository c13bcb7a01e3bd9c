// SPDX-License-Identifier: MIT
// A small network, its data and its training step, on any device.
#pragma once

#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "nn/network_step.h"
#include "tests/device/device_under_test.h"
#include "wick/core/backend.h"
#include "wick/core/ops.h"
#include "wick/core/recording.h"
#include "wick/nn/losses/cross_entropy_loss.h"
#include "wick/nn/sequential.h"
#include "wick/nn/transforms.h"
#include "wick/optim/adam.h"
#include "wick/optim/cosine_annealing_lr.h"
#include "wick/optim/sgd.h"

namespace wick::testing {

/// Classifies 4 x 5 images by their brightest column. Batches of 8 in a fixed order, a learning
/// rate that falls with each step.
class SmallTraining {
 public:
  static constexpr std::int64_t kImages = 64;
  static constexpr std::int64_t kBatch = 8;
  static constexpr std::int64_t kSteps = kImages / kBatch;

  SmallTraining(Device device, const std::string& optimizer, DType autocast = DType::float32,
                nn::CrossEntropyLossOptions options = {})
      : criterion_(std::move(options)) {
    Generator generator(11);
    const Tensor pixels = Tensor::uniform({kImages, 1, 4, 5}, 0, 200, generator);
    const Tensor targets = random_indices(kImages, 5, generator);
    for (std::int64_t i = 0; i < kImages; ++i) {
      const Tensor column =
          pixels[i].slice(2, targets.at<std::int64_t>({i}), targets.at<std::int64_t>({i}) + 1);
      column.fill_(255.0);
    }
    images_ = pixels.to(DType::uint8).to(device);
    labels_ = targets.to(device);
    order_ = generator.randperm(kImages).view({kSteps, kBatch}).to(device);
    counter_ = Tensor::zeros({1}, DType::int64, device);
    picked_ = Tensor::empty({1, kBatch}, DType::int64, device);
    inputs_ = Tensor::empty({kBatch, 20}, DType::float32, device);
    targets_ = Tensor::empty({kBatch}, DType::int64, device);
    loss_sum = Tensor::zeros({}, DType::float64, device);
    model.add<nn::Linear>("fc1", 20, 16, generator);
    model.add<nn::ReLU>("relu1");
    model.add<nn::Linear>("fc2", 16, 5, generator);
    model.to(device);
    model.autocast(autocast);
    if (optimizer == "sgd") {
      optimizer_ = std::make_unique<optim::SGD>(
          model.parameters(),
          optim::SGDOptions{.lr = 0.1, .momentum = 0.9, .weight_decay = 1e-3, .nesterov = true});
    } else if (optimizer == "adamw") {
      optimizer_ =
          std::make_unique<optim::AdamW>(model.parameters(), optim::AdamWOptions{.lr = 0.01});
    } else {
      optimizer_ = std::make_unique<optim::Adam>(model.parameters(),
                                                 optim::AdamOptions{.lr = 0.01, .amsgrad = true});
    }
    scheduler_ = std::make_unique<optim::CosineAnnealingLR>(*optimizer_, 500);
    criterion_.accumulate_in(loss_sum);
  }

  /// One step is compute() and update().
  void compute() {
    ops::index_select(order_, counter_, picked_);
    const Tensor picked = picked_.view({kBatch});
    transforms_.apply_gathered(images_, picked, inputs_);
    ops::index_select(labels_, picked, targets_);
    optimizer_->zero_grad();
    loss = criterion_.forward(model.forward(inputs_), targets_);
    model.backward(criterion_.backward(), false);
    counter_.backend().advance(static_cast<std::int64_t*>(counter_.raw()));
  }
  void update() {
    optimizer_->step();
    scheduler_->step();
  }
  [[nodiscard]] RecordedStep recorded_step() {
    return {[this] { compute(); }, [this] { update(); }, nullptr};
  }
  /// With the description by which a device may do whole steps.
  [[nodiscard]] RecordedStep whole_step() {
    const std::shared_ptr<NetworkStep> network = nn::describe_step(model, criterion_);
    RecordedStep step = recorded_step();
    if (network == nullptr) return step;
    network->images = images_;
    network->labels = labels_;
    network->batches = order_;
    network->position = counter_;
    std::tie(network->scale, network->shift) = transforms_.scale_and_shift();
    step.network = network;
    return step;
  }
  /// Back to the first batch.
  void rewind() { counter_.zero_(); }
  [[nodiscard]] optim::Optimizer& optimizer() { return *optimizer_; }

  nn::Sequential model;
  Tensor loss;
  Tensor loss_sum;  // of all steps, float64

 private:
  Tensor images_, labels_, order_, counter_, picked_, inputs_, targets_;
  nn::Compose transforms_{{"to_float", nn::ToFloat{}}, {"ravel", nn::Ravel{}}};
  nn::CrossEntropyLoss criterion_;
  std::unique_ptr<optim::Optimizer> optimizer_;
  std::unique_ptr<optim::LRScheduler> scheduler_;
};

}  // namespace wick::testing
