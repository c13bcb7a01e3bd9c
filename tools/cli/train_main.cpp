// SPDX-License-Identifier: MIT
// The program `train`: trains a digit classifier, keeps checkpoints, resumes from them.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <optional>
#include <string>
#include <utility>

#include <unistd.h>

#include "core/backend.h"
#include "core/error.h"
#include "kernels/devices.h"
#include "serialize/background_saver.h"
#include "serialize/checkpoint.h"
#include "tools/cli/checkpoints.h"
#include "tools/cli/digit_net.h"
#include "tools/cli/evaluate.h"
#include "tools/cli/program.h"
#include "tools/cli/run_state.h"
#include "tools/cli/stop_signal.h"
#include "tools/cli/train_options.h"
#include "tools/cli/trainer.h"
#include "tools/data/open_dataset.h"
#include "tools/progress_bar.h"

namespace wick::tools {
namespace {

template <typename... Args>
void say(const char* pattern, Args... args) {
  std::printf(pattern, args...);
  std::fflush(stdout);
}

/// A whole training from options to the test's accuracy.
class Training {
 public:
  explicit Training(TrainOptions options) : options_(std::move(options)) {}
  int run();

 private:
  void load();
  void describe_run() const;
  EpochResult run_epoch(Trainer& trainer);
  void end_epoch(const EpochResult& result);
  void keep(const std::filesystem::path& path);
  int stopped(const Trainer& trainer, int signal);

  TrainOptions options_;
  DataSplit data_;
  TrainSplit split_;
  RunState run_;
  Tensor images_;  // of the training part, on the device
  Tensor labels_;
  BackgroundSaver saver_;
};

void Training::load() {
  (void)backend_for(options_.device);  // a device that is not there fails before long work
  set_num_threads(options_.threads);
  set_allow_tf32(options_.tf32);
  std::optional<Value> checkpoint;
  std::string name;
  if (options_.resume) {
    name = concat("'", options_.resume->string(), "'");
    checkpoint = wick::load(*options_.resume, kCpu);
    adopt_saved_config(options_, saved_config(*checkpoint, name));
  }
  prepare_checkpoint_dir(options_.checkpoint_dir);
  const TrainConfig& config = options_.config;
  data_ = open_dataset(config.data);
  split_ =
      split_training(data_.train.size(), config.val_split, static_cast<std::uint64_t>(config.seed));
  const std::int64_t steps = steps_for(split_.train.numel(), config.batch_size);
  run_ = new_run(config, data_.train, options_.device, steps);
  if (checkpoint) restore(run_, *checkpoint, name);
  images_ = data_.train.images.to(options_.device);
  labels_ = data_.train.labels.to(options_.device);
}

void Training::describe_run() const {
  const Dims& shape = run_.data.image_shape;
  std::int64_t parameters = 0;
  for (const ParameterPtr& parameter : run_.model->parameters()) {
    parameters += parameter->value.numel();
  }
  say("data    %s: %lld training images", run_.config.data.c_str(),
      static_cast<long long>(split_.train.numel()));
  if (split_.validation.numel() > 0) {
    say(", %lld for validation", static_cast<long long>(split_.validation.numel()));
  }
  say(", %lld for the test; %lld x %lld pixels, %zu classes\n",
      static_cast<long long>(data_.test.size()), static_cast<long long>(shape[1]),
      static_cast<long long>(shape[2]), run_.data.classes.size());
  say("model   %s, %lld parameters\n", describe(layer_sizes(*run_.model)).c_str(),
      static_cast<long long>(parameters));
  say("learns  by %s, learning rate %g, scheduler %s, batches of %lld, on %s%s\n",
      std::string(run_.optimizer->type_name()).c_str(), run_.config.lr,
      run_.config.scheduler.c_str(), static_cast<long long>(run_.config.batch_size),
      to_string(options_.device).c_str(),
      run_.config.autocast == "none" ? "" : (", autocast " + run_.config.autocast).c_str());
  if (run_.position.epoch > 0 || run_.position.step > 0) {
    say("resumes after epoch %lld, step %lld\n", static_cast<long long>(run_.position.epoch),
        static_cast<long long>(run_.position.step));
  }
}

EpochResult Training::run_epoch(Trainer& trainer) {
  ProgressBarOptions bar_options;
  bar_options.label = concat("Epoch ", run_.position.epoch + 1, "/", run_.config.epochs);
  bar_options.unit = "batch";
  bar_options.total = trainer.steps_per_epoch();
  bar_options.initial = run_.position.step;
  ask_terminal(bar_options, STDERR_FILENO);
  ProgressBar bar(std::cerr, bar_options);
  bar.set_note_name("loss");
  std::int64_t shown = run_.position.step;
  const EpochResult result = trainer.run_epoch([&](std::int64_t step, double loss_mean) {
    bar.advance(loss_mean, step - std::exchange(shown, step));
    return StopSignal::received() == 0 && std::isfinite(loss_mean);
  });
  bar.finish();
  if (!std::isfinite(result.loss_mean)) {
    // Nothing is saved, so that the checkpoints stay those of a run that can go on.
    throw ValueError(concat("the loss became ", result.loss_mean, " in ", bar_options.label,
                            "; a lower --lr may help"));
  }
  return result;
}

/// From a GPU, while the training goes on.
void Training::keep(const std::filesystem::path& path) {
  if (options_.device == kCpu) return save(checkpoint_of(run_), path);
  saver_.save(checkpoint_of(run_), path);
}

void Training::end_epoch(const EpochResult& result) {
  RunPosition& position = run_.position;
  say("epoch %lld: loss %.4f, %.0f samples/s", static_cast<long long>(position.epoch),
      result.loss_mean, static_cast<double>(result.samples) / std::max(result.seconds, 1e-9));
  if (split_.validation.numel() > 0) {
    const Score score = evaluate(*run_.model, run_.transforms, images_, labels_,
                                 split_.validation.to(options_.device));
    say(", validation loss %.4f, accuracy %s", score.loss, accuracy_text(score).c_str());
  }
  // Before anything that can fail, so that an error has a line of its own.
  say("%s", "\n");
  const bool better = position.best_loss > result.loss_mean * 1.1;
  if (better) {
    position.best_loss = result.loss_mean;
    const auto path = epoch_checkpoint(options_.checkpoint_dir, position.epoch);
    keep(path);
    say("%s   %s\n", options_.device == kCpu ? "saved" : "saving", path.c_str());
  }
  keep(last_checkpoint(options_.checkpoint_dir));
}

int Training::stopped(const Trainer& trainer, int signal) {
  const auto path = last_checkpoint(options_.checkpoint_dir);
  if (run_.position.step > 0) keep(path);
  saver_.wait();
  std::cerr << "train: stopped in epoch " << run_.position.epoch + 1 << " after "
            << run_.position.step << " of " << trainer.steps_per_epoch()
            << " batches; go on with: tools/train --resume " << path.string() << std::endl;
  return 128 + signal;
}

int Training::run() {
  load();
  describe_run();
  Trainer trainer(run_, images_, labels_, split_, !options_.graph);
  const StopSignal stop;
  while (run_.position.epoch < run_.config.epochs) {
    const EpochResult result = run_epoch(trainer);
    if (run_.position.step == 0) end_epoch(result);
    const bool finished = run_.position.epoch >= run_.config.epochs;
    if (result.stopped && !finished) return stopped(trainer, StopSignal::received());
  }
  saver_.wait();
  const Score score = evaluate(*run_.model, run_.transforms, data_.test.images.to(options_.device),
                               data_.test.labels.to(options_.device));
  say("test accuracy %s\n", accuracy_text(score).c_str());
  return 0;
}

}  // namespace
}  // namespace wick::tools

int main(int argc, char** argv) {
  using namespace wick::tools;
  std::optional<TrainOptions> options;
  try {
    options = parse_train_options(argc, argv);
  } catch (const wick::Error& error) {
    return usage_error("train", error.what());
  }
  if (!options) return 0;
  return run_program("train", [&] { return Training(std::move(*options)).run(); });
}
