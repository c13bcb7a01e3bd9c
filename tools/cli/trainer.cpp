// SPDX-License-Identifier: MIT
// The training loop.
#include "tools/cli/trainer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/backend.h"
#include "core/error.h"
#include "core/ops.h"

namespace wick::tools {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

std::int64_t steps_for(std::int64_t count, std::int64_t batch_size) {
  return count / batch_size + (count % batch_size != 0 ? 1 : 0);
}

Trainer::Trainer(RunState& run, Tensor images, Tensor labels, TrainSplit split)
    : run_(run),
      images_(std::move(images)),
      labels_(std::move(labels)),
      train_(std::move(split.train)),
      steps_(steps_for(train_.numel(), run.config.batch_size)) {
  if (run_.position.step >= std::max<std::int64_t>(steps_, 1)) {
    throw StateDictError(concat("the checkpoint is after step ", run_.position.step,
                                " of an epoch, which has ", steps_));
  }
  const Device device = images_.device();
  const std::int64_t count = train_.numel();
  const std::int64_t rows = std::min(run.config.batch_size, count);
  const std::int64_t features = element_count(run_.transforms.output_shape(run_.data.image_shape));
  permutation_ = Tensor::empty({count}, DType::int64);
  shuffled_ = Tensor::empty({count}, DType::int64);
  order_ = device == kCpu ? shuffled_ : Tensor::empty({count}, DType::int64, device);
  inputs_ = Tensor::empty({rows, features}, DType::float32, device);
  targets_ = Tensor::empty({rows}, DType::int64, device);
}

void Trainer::shuffle() {
  run_.generator.randperm(permutation_);
  ops::index_select(train_, permutation_, shuffled_);
  if (order_.device() != kCpu) order_.copy_(shuffled_);
}

double Trainer::step(std::int64_t begin, std::int64_t size) {
  const Tensor picked = order_.slice(0, begin, begin + size);
  const Tensor inputs = inputs_.slice(0, 0, size);
  const Tensor targets = targets_.slice(0, 0, size);
  run_.transforms.apply_gathered(images_, picked, inputs);
  ops::index_select(labels_, picked, targets);

  run_.optimizer->zero_grad();
  const Tensor logits = run_.model->forward(inputs);
  const Tensor loss = criterion_.forward(logits, targets);
  run_.model->backward(criterion_.backward(), false);
  run_.optimizer->step();
  if (run_.scheduler) run_.scheduler->step();

  float value = 0;
  loss.backend().copy_to_host(&value, loss.raw(), sizeof value);
  return value;
}

EpochResult Trainer::run_epoch(const AfterStep& after_step) {
  const Generator before = run_.generator;
  shuffle();
  RunPosition& position = run_.position;
  const std::int64_t count = train_.numel();
  const std::int64_t batch = run_.config.batch_size;
  EpochResult result;
  const double start = now();
  while (position.step < steps_ && !result.stopped) {
    const std::int64_t begin = position.step * batch;
    const std::int64_t size = std::min(batch, count - begin);
    position.loss_sum += step(begin, size) * static_cast<double>(size);
    ++position.step;
    result.samples += size;
    result.loss_mean = position.loss_sum / static_cast<double>(begin + size);
    result.stopped = !after_step(position.step, result.loss_mean);
  }
  result.seconds = now() - start;
  if (position.step < steps_) {
    run_.generator = before;
    return result;
  }
  // A stop behind the last step is one between two epochs.
  ++position.epoch;
  position.step = 0;
  position.loss_sum = 0;
  return result;
}

}  // namespace wick::tools
