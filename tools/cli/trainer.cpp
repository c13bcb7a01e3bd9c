// SPDX-License-Identifier: MIT
// The training loop.
#include "tools/cli/trainer.h"

#include <algorithm>
#include <chrono>
#include <tuple>
#include <utility>

#include "nn/network_step.h"
#include "tools/cli/evaluate.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/core/ops.h"

namespace wick::tools {
namespace {

// Steps between two looks at the loss. On the CPU it is there anyway; a GPU would have to wait.
constexpr std::int64_t kStepsPerLook = 100;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

std::int64_t steps_for(std::int64_t count, std::int64_t batch_size) {
  return count / batch_size + (count % batch_size != 0 ? 1 : 0);
}

Trainer::Trainer(RunState& run, Tensor images, Tensor labels, TrainSplit split, bool whole_steps)
    : run_(run),
      images_(std::move(images)),
      labels_(std::move(labels)),
      whole_steps_(whole_steps),
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
  full_steps_ = rows == 0 ? 0 : count / rows;
  batches_ = order_.slice(0, 0, full_steps_ * rows).view({full_steps_, rows});
  at_ = Tensor::zeros({1}, DType::int64, device);
  loss_sum_ = Tensor::zeros({}, DType::float64, device);
  criterion_.accumulate_in(loss_sum_);
  if (run_.config.clip_grad_norm > 0) clipped_ = run_.model->parameters();
  picked_row_ = Tensor::empty({1, rows}, DType::int64, device);
  full_.picked = picked_row_.view({rows});
  full_.inputs = Tensor::empty({rows, features}, DType::float32, device);
  full_.targets = Tensor::empty({rows}, DType::int64, device);
  const std::int64_t rest = count - full_steps_ * rows;
  last_ = {order_.slice(0, count - rest), full_.inputs.slice(0, 0, rest),
           full_.targets.slice(0, 0, rest)};
}

void Trainer::shuffle() {
  run_.generator.randperm(permutation_);
  ops::index_select(train_, permutation_, shuffled_);
  if (order_.device() != kCpu) order_.copy_(shuffled_);
  at_.fill_(static_cast<double>(run_.position.step));
}

void Trainer::compute(const Batch& batch) {
  run_.transforms.apply_gathered(images_, batch.picked, batch.inputs);
  ops::index_select(labels_, batch.picked, batch.targets);
  run_.optimizer->zero_grad();
  (void)criterion_.forward(run_.model->forward(batch.inputs), batch.targets);
  run_.model->backward(criterion_.backward(), false);
  if (!clipped_.empty()) clipper_.clip(clipped_, run_.config.clip_grad_norm);
}

void Trainer::update() {
  run_.optimizer->step();
  if (run_.scheduler) run_.scheduler->step();
}

RecordedStep Trainer::full_batch_step() {
  return {[this] {
            ops::index_select(batches_, at_, picked_row_);
            compute(full_);
            at_.backend().advance(static_cast<std::int64_t*>(at_.raw()));
          },
          [this] { update(); }, network()};
}

std::shared_ptr<const NetworkStep> Trainer::network() const {
  if (!whole_steps_ || images_.size(1) != 1 || !clipped_.empty()) return nullptr;
  const std::shared_ptr<NetworkStep> step = nn::describe_step(*run_.model, criterion_);
  if (step == nullptr) return nullptr;
  step->images = images_;
  step->labels = labels_;
  step->batches = batches_;
  step->position = at_;
  std::tie(step->scale, step->shift) = run_.transforms.scale_and_shift();
  return step;
}

double Trainer::take_loss_sum() const {
  double sum = 0;
  loss_sum_.backend().copy_to_host(&sum, loss_sum_.raw(), sizeof sum);
  loss_sum_.zero_();
  return sum;
}

double Trainer::present_loss() const {
  constexpr std::int64_t kMost = 500;
  const std::int64_t rows = std::min({run_.config.batch_size, train_.numel(), kMost});
  return evaluate(*run_.model, run_.transforms, images_, labels_, order_.slice(0, 0, rows)).loss;
}

EpochResult Trainer::run_epoch(const AfterStep& after_step) {
  const Generator before = run_.generator;
  shuffle();
  RunPosition& position = run_.position;
  const std::int64_t count = train_.numel();
  const std::int64_t batch = run_.config.batch_size;
  // Anew in each epoch: what happens in between may give the layers other memory.
  const auto recording = images_.backend().record(full_batch_step());
  const std::int64_t per_look = images_.device() == kCpu ? 1 : kStepsPerLook;
  EpochResult result;
  const double start = now();
  while (position.step < steps_ && !result.stopped) {
    const std::int64_t begin = position.step * batch;
    // Up to the next multiple, so that a resumed run looks where the other one did.
    const std::int64_t steps = std::min(per_look - position.step % per_look,
                                        std::max<std::int64_t>(full_steps_ - position.step, 1));
    const std::int64_t samples = std::min(steps * batch, count - begin);
    if (position.step >= full_steps_) {
      compute(last_);
      update();
    } else {
      recording->replay(steps);
    }
    position.loss_sum +=
        take_loss_sum() * (static_cast<double>(samples) / static_cast<double>(steps));
    position.step += steps;
    result.samples += samples;
    result.loss_mean = position.loss_sum / static_cast<double>(begin + samples);
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
