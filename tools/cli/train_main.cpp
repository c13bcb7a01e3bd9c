// SPDX-License-Identifier: MIT
// The program `train`: trains a digit classifier, keeps checkpoints, resumes from them.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "tools/cli/checkpoints.h"
#include "tools/cli/data_place.h"
#include "tools/cli/device_option.h"
#include "tools/cli/digit_net.h"
#include "tools/cli/divergence.h"
#include "tools/cli/evaluate.h"
#include "tools/cli/init_from.h"
#include "tools/cli/learning.h"
#include "tools/cli/option_conflicts.h"
#include "tools/cli/program.h"
#include "tools/cli/run_state.h"
#include "tools/cli/stop_signal.h"
#include "tools/cli/train_options.h"
#include "tools/cli/trainer.h"
#include "tools/data/open_dataset.h"
#include "tools/printable.h"
#include "tools/progress_bar.h"
#include "wick/core/containers.h"
#include "wick/core/error.h"
#include "wick/kernels/devices.h"
#include "wick/kernels/flush_denormal.h"
#include "wick/serialize/any_file.h"
#include "wick/serialize/background_saver.h"
#include "wick/serialize/checkpoint.h"

namespace wick::tools {
namespace {

// What cannot be printed is noticed by flush_output(), where it does no harm.
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
  InitialModel load_initial();
  void claim_checkpoint_dir();
  int train();
  [[nodiscard]] ValueError out_of_memory(const std::string& details) const;
  void split_data();
  void describe_run() const;
  EpochResult run_epoch(Trainer& trainer);
  void require_sound(double loss_mean, const Trainer& trainer, std::int64_t epoch) const;
  void require_finite(double loss, const char* name, std::int64_t epoch) const;
  [[noreturn]] void refuse_to_save(const std::string& found, std::int64_t epoch) const;
  void end_epoch(const Trainer& trainer, const EpochResult& result);
  void keep(const std::filesystem::path& path);
  void keep_last();
  int stopped(const Trainer& trainer, const EpochResult& result, int signal);
  void say_stopped(const Trainer& trainer);
  void require_output(const Trainer& trainer);

  TrainOptions options_;
  DataSplit data_;
  TrainSplit split_;
  RunState run_;
  Tensor images_;  // of the training part, on the device
  Tensor labels_;
  std::vector<std::string> start_notes_;         // of --init and --resume
  std::vector<std::filesystem::path> replaced_;  // another run's checkpoints, until the first save
  BackgroundSaver saver_;
};

void Training::load() {
  require_device(options_.device);  // one that is not there fails before long work
  set_num_threads(options_.threads);
  set_allow_tf32(options_.tf32);
  std::optional<HeldValue> checkpoint;  // it may contain itself
  std::optional<InitialModel> initial;
  std::string name;
  if (options_.resume) {
    require_no_folder("--resume", *options_.resume);
    name = concat("'", options_.resume->string(), "'");
    // Of any format, so that one that keeps no run is refused for that.
    checkpoint.emplace(load_any(*options_.resume, kCpu, {.verify = !options_.no_verify}));
    adopt_saved_config(options_, saved_config(checkpoint->get(), name));
  }
  if (options_.init) initial = load_initial();
  claim_checkpoint_dir();
  TrainConfig& config = options_.config;
  set_flush_denormal(config.flush_denormal);
  data_ = open_dataset(config.data);
  split_data();
  prepare_checkpoint_dir(options_.checkpoint_dir);
  config.data_from_here = data_from(options_.checkpoint_dir, config.data);
  const std::int64_t steps = steps_for(split_.train.numel(), config.batch_size);
  run_ = new_run(config, data_.train, options_.device, steps);
  if (checkpoint) start_notes_ = restore(run_, checkpoint->get(), name, steps);
  if (initial) start_notes_ = start_from(run_, *initial);
  images_ = data_.train.images.to(options_.device);
  labels_ = data_.train.labels.to(options_.device);
}

InitialModel Training::load_initial() {
  const std::filesystem::path& path = *options_.init;
  TrainConfig& config = options_.config;
  if (may_overwrite(options_.checkpoint_dir, path)) {
    throw ValueError(concat("--init '", path.string(),
                            "' is a file that this run would overwrite; give another"
                            " --checkpoint-dir"));
  }
  require_no_folder("--init", path);
  InitialModel initial = load_initial_model(path, {.verify = !options_.no_verify});
  if (!options_.given.contains("--model")) config.model = initial.hidden_sizes();
  check(config);
  refuse_useless(options_.given, conflicts_of(options_));
  return initial;
}

/// Before anything is written: no other run's checkpoints are lost without a word.
void Training::claim_checkpoint_dir() {
  const std::filesystem::path& folder = options_.checkpoint_dir;
  if (!options_.force) return require_no_other_run(folder, options_.resume);
  if (options_.resume && may_overwrite(folder, *options_.resume)) {
    throw ValueError(concat("--force has no effect with --resume '", options_.resume->string(),
                            "', which goes on with the run of its folder; leave it out"));
  }
  replaced_ = checkpoints_in(folder);
}

void Training::split_data() {
  const TrainConfig& config = options_.config;
  const std::int64_t count = data_.train.size();
  split_ = split_training(count, config.val_split, static_cast<std::uint64_t>(config.seed));
  if (config.val_split > 0 && split_.validation.numel() == 0 && !options_.resume) {
    throw ValueError(concat("--val-split ", config.val_split, " holds out none of ", count,
                            " training images; give ", 1.0 / static_cast<double>(count),
                            " or more, or leave it out"));
  }
}

void Training::describe_run() const {
  const Dims& shape = run_.data.image_shape;
  std::int64_t parameters = 0;
  for (const ParameterPtr& parameter : run_.model->parameters()) {
    parameters += parameter->value.numel();
  }
  say("data    %s: %lld training images", plain_name(run_.config.data).c_str(),
      static_cast<long long>(split_.train.numel()));
  if (split_.validation.numel() > 0) {
    say(", %lld for validation", static_cast<long long>(split_.validation.numel()));
  }
  say(", %lld for the test; %lld x %lld pixels, %zu classes\n",
      static_cast<long long>(data_.test.size()), static_cast<long long>(shape[1]),
      static_cast<long long>(shape[2]), run_.data.classes.size());
  say("model   %s, %lld parameters\n", describe(layer_sizes(*run_.model)).c_str(),
      static_cast<long long>(parameters));
  say("learns  by %s, learning rate %g, scheduler %s, batches of %lld, on %s%s%s\n",
      std::string(run_.optimizer->type_name()).c_str(), run_.config.lr,
      run_.config.scheduler.c_str(), static_cast<long long>(run_.config.batch_size),
      to_string(options_.device).c_str(),
      run_.config.autocast == "none" ? "" : (", autocast " + run_.config.autocast).c_str(),
      run_.config.clip_grad_norm == 0
          ? ""
          : concat(", gradients clipped to ", run_.config.clip_grad_norm).c_str());
  if (options_.init) say("starts  from %s:\n", plain_name(options_.init->string()).c_str());
  if (run_.position.epoch > 0 || run_.position.step > 0) {
    say("resumes after epoch %lld, step %lld\n", static_cast<long long>(run_.position.epoch),
        static_cast<long long>(run_.position.step));
  }
  for (const std::string& note : start_notes_) say("        %s\n", message_line(note).c_str());
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
  return result;
}

/// Throws where the run cannot go on. Called before anything is saved, so that the checkpoints stay
/// those of a run that can. `epoch` is the number that the progress bar shows.
void Training::require_sound(double loss_mean, const Trainer& trainer, std::int64_t epoch) const {
  require_finite(loss_mean, "loss", epoch);
  const std::string found = find_divergence(run_);
  if (!found.empty()) refuse_to_save(found, epoch);
  // Weights may be finite and too large for any image.
  require_finite(trainer.present_loss(), "loss under the new weights", epoch);
}

void Training::require_finite(double loss, const char* name, std::int64_t epoch) const {
  if (std::isfinite(loss)) return;
  refuse_to_save(concat("the ", name, " became ", std::isnan(loss) ? "nan" : concat(loss)), epoch);
}

void Training::refuse_to_save(const std::string& found, std::int64_t epoch) const {
  throw ValueError(concat(found, " in Epoch ", epoch, "/", run_.config.epochs,
                          "; a lower --lr may help (nothing was saved of this epoch)"));
}

/// From a GPU, while the training goes on.
void Training::keep(const std::filesystem::path& path) {
  std::erase(replaced_, path);  // from now on this run's
  if (options_.device == kCpu) return save(checkpoint_of(run_), path);
  saver_.save(checkpoint_of(run_), path);
}

void Training::end_epoch(const Trainer& trainer, const EpochResult& result) {
  RunPosition& position = run_.position;
  require_sound(result.loss_mean, trainer, position.epoch);
  say("epoch %lld: loss %.4f, %.0f samples/s", static_cast<long long>(position.epoch),
      result.loss_mean, static_cast<double>(result.samples) / std::max(result.seconds, 1e-9));
  std::optional<double> validation_loss;
  if (split_.validation.numel() > 0) {
    const Score score = evaluate(*run_.model, run_.transforms, images_, labels_,
                                 split_.validation.to(options_.device));
    say(", validation loss %.4f, accuracy %s", score.loss, accuracy_text(score).c_str());
    validation_loss = score.loss;
  }
  // Before anything that can fail, so that an error has a line of its own.
  say("%s", "\n");
  if (validation_loss) require_finite(*validation_loss, "validation loss", position.epoch);
  const bool better = position.best_loss > result.loss_mean * 1.1;
  if (better) {
    position.best_loss = result.loss_mean;
    const auto path = numbered_checkpoint(options_.checkpoint_dir, run_.file_number());
    keep(path);
    say("%s   %s\n", options_.device == kCpu ? "saved" : "saving",
        plain_name(path.string()).c_str());
  }
  keep_last();
}

/// Where the run stands. After the first save nothing is left of a run that --force replaces.
void Training::keep_last() {
  keep(last_checkpoint(options_.checkpoint_dir));
  if (replaced_.empty()) return;
  saver_.wait();
  for (const std::filesystem::path& old : std::exchange(replaced_, {})) {
    std::filesystem::remove(old);
  }
}

int Training::stopped(const Trainer& trainer, const EpochResult& result, int signal) {
  if (run_.position.step > 0) {
    require_sound(result.loss_mean, trainer, run_.position.epoch + 1);
    keep_last();
  }
  say_stopped(trainer);
  return 128 + signal;
}

void Training::say_stopped(const Trainer& trainer) {
  saver_.wait();
  std::cerr << "train: stopped in epoch " << run_.position.epoch + 1 << " after "
            << run_.position.step << " of " << trainer.steps_per_epoch()
            << " batches; go on with: tools/train --resume "
            << plain_name(last_checkpoint(options_.checkpoint_dir).string()) << std::endl;
}

/// Ends the run, which is saved, where nobody can see any more how it goes on.
void Training::require_output(const Trainer& trainer) {
  try {
    flush_output();
  } catch (const std::exception&) {
    say_stopped(trainer);
    throw;
  }
}

int Training::run() {
  try {
    return train();
  } catch (const OutOfMemoryError& error) {
    throw out_of_memory(concat(" than ", error.requested(), " bytes"));
  } catch (const std::bad_alloc&) {
    throw out_of_memory("");
  }
}

ValueError Training::out_of_memory(const std::string& details) const {
  const TrainConfig& config = options_.config;
  return ValueError(concat("out of memory, with --model ", to_text(to_dict(config).at("model")),
                           " and --batch-size ", config.batch_size, "; smaller ones take less",
                           details));
}

int Training::train() {
  load();
  describe_run();
  flush_output();
  Trainer trainer(run_, images_, labels_, split_, !options_.graph);
  const StopSignal stop;
  while (run_.position.epoch < run_.config.epochs) {
    const EpochResult result = run_epoch(trainer);
    if (run_.position.step == 0) {
      end_epoch(trainer, result);
    } else {
      require_finite(result.loss_mean, "loss", run_.position.epoch + 1);
    }
    const bool finished = run_.position.epoch >= run_.config.epochs;
    if (result.stopped && !finished) return stopped(trainer, result, StopSignal::received());
    if (!finished) require_output(trainer);
  }
  saver_.wait();
  const Score score = evaluate(*run_.model, run_.transforms, data_.test.images.to(options_.device),
                               data_.test.labels.to(options_.device));
  say("test accuracy %s\n", accuracy_text(score).c_str());
  return 0;
}

// Other programs' objects are refused in a file of --resume, and not in one of --init.
std::string remedy_words(Remedy remedy) {
  if (remedy != Remedy::placeholders) return {};
  return "where a state dictionary lies beside it, a new run starts from that by --init";
}

int train_main(int argc, char** argv) {
  std::optional<TrainOptions> options;
  try {
    options = parse_train_options(argc, argv);
  } catch (const Error& error) {
    return usage_error("train", error.what());
  }
  if (!options) return run_program("train", [] { return 0; });  // its help is printed
  const auto train = [&] { return Training(std::move(*options)).run(); };
  return run_reading_program("train", train, remedy_words);
}

}  // namespace
}  // namespace wick::tools

int main(int argc, char** argv) {
  using namespace wick::tools;
  return run_main("train", train_main, argc, argv);
}
