// SPDX-License-Identifier: MIT
// Makes, saves and restores training runs.
#include "tools/cli/run_state.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "tools/cli/digit_net.h"
#include "tools/cli/divergence.h"
#include "tools/cli/learning.h"
#include "tools/cli/saved_transforms.h"
#include "tools/data/checksum.h"
#include "tools/data/file_name.h"
#include "wick/core/error.h"

namespace wick::tools {
namespace {

constexpr const char* kInitHint = "a new run starts from its weights by --init";

/// Mean and deviation of all prepared numbers, by the images' histogram.
nn::Normalize measure(const Dataset& train, nn::Compose prepare) {
  // In slices, so that no second copy of the images is needed.
  constexpr std::int64_t kSlice = 1024;
  double sum = 0;
  double squares = 0;
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < train.size(); i += kSlice) {
    const Tensor part = prepare.apply(train.images.slice(0, i, std::min(i + kSlice, train.size())));
    const float* const values = part.data<float>();
    for (std::int64_t k = 0; k < part.numel(); ++k) {
      sum += values[k];
      squares += static_cast<double>(values[k]) * values[k];
    }
    count += part.numel();
  }
  const double mean = sum / static_cast<double>(count);
  const double variance = squares / static_cast<double>(count) - mean * mean;
  return {{mean}, {variance > 0 ? std::sqrt(variance) : 1.0}};
}

nn::Compose make_transforms(const TrainConfig& config, const Dataset& train) {
  nn::Compose transforms{{"to_float", nn::ToFloat{}}};
  if (!config.color) transforms.add("grayscale", nn::Grayscale{});
  if (config.normalize) transforms.add("normalize", measure(train, transforms));
  transforms.add("ravel", nn::Ravel{});
  return transforms;
}

Dict to_dict(const DataIdentity& data) {
  List shape;
  for (const std::int64_t size : data.image_shape) shape.items.emplace_back(size);
  List classes;
  for (const std::string& name : data.classes) {
    classes.items.emplace_back(text_of_file_name(name));
  }
  return Dict{{"image_shape", std::move(shape)},
              {"train_count", data.train_count},
              {"checksum", data.checksum},
              {"classes", std::move(classes)}};
}

/// Every difference of two identities, in words.
std::string differences(const Dict& saved, const Dict& now) {
  std::string text;
  for (const auto& [key, value] : now) {
    const Value& there = saved.at(key);
    if (there == value) continue;
    text += concat(text.empty() ? "" : "; ", key.as_string(), " is ", to_text(value),
                   ", there it is ", to_text(there));
  }
  return text;
}

/// "fc1.weight", as earlier versions have it, to "layer1.weight".
StateDict with_present_names(const StateDict& state) {
  const auto is_old = [](const auto& entry) { return entry.first.starts_with("fc"); };
  if (!std::ranges::all_of(state, is_old)) return state;
  StateDict renamed;
  for (const auto& [name, tensor] : state) renamed.set("layer" + name.substr(2), tensor);
  return renamed;
}

void require_epochs_left(std::int64_t epochs, const RunPosition& position) {
  const bool in_the_middle = position.step > 0;
  if (position.epoch + (in_the_middle ? 1 : 0) <= epochs) return;
  throw StateDictError(concat("--epochs is ", epochs, ", but ", position.epoch,
                              in_the_middle ? " and a part of the next" : "",
                              " are done; give the number of all epochs together"));
}

/// The optimizer and the schedule. Where a schedule that depends on the number of epochs gets
/// another one, the `steps` that are done are taken anew with it: the recursive formulas lead from
/// the rates of the old one to none of the new one's. Returns what is to be said of that.
std::vector<std::string> restore_learning(RunState& run, const Value& checkpoint,
                                          std::int64_t steps) {
  const std::int64_t saved_epochs = checkpoint.at("config").at("epochs").as_int();
  const bool same_rates =
      saved_epochs == run.config.epochs || !depends_on_epochs(run.config.scheduler);
  if (same_rates) {
    run.optimizer->load_state_dict(checkpoint.at("opt"));
    if (run.scheduler) run.scheduler->load_state_dict(checkpoint.at("scheduler"));
    return {};
  }
  const double first_rate = run.optimizer->lr();
  run.optimizer->load_state_dict(checkpoint.at("opt"));
  run.optimizer->set_lr(first_rate);
  for (std::int64_t i = 0; i < steps; ++i) run.scheduler->step();
  return {concat("--scheduler ", run.config.scheduler, " goes on at the rates of a run of ",
                 run.config.epochs, " epochs, with ", run.optimizer->lr(), "; it began as one of ",
                 saved_epochs)};
}

}  // namespace

DataIdentity identify(const Dataset& train) {
  const Dims& shape = train.images.shape();
  DataIdentity identity;
  identity.image_shape = {shape[1], shape[2], shape[3]};
  identity.train_count = train.size();
  identity.checksum = crc32_of(train.labels, crc32_of(train.images));
  identity.classes = train.class_names;
  return identity;
}

RunState new_run(const TrainConfig& config, const Dataset& train, Device device,
                 std::int64_t steps_per_epoch) {
  RunState run;
  run.config = config;
  run.data = identify(train);
  run.transforms = make_transforms(config, train);
  run.generator.manual_seed(static_cast<std::uint64_t>(config.seed));
  std::vector<std::int64_t> sizes = {
      element_count(run.transforms.output_shape(run.data.image_shape))};
  sizes.insert(sizes.end(), config.model.begin(), config.model.end());
  sizes.push_back(static_cast<std::int64_t>(run.data.classes.size()));
  run.model = make_digit_net(sizes, run.generator);
  run.model->to(device);
  if (config.autocast == "bfloat16") run.model->autocast(DType::bfloat16);
  run.optimizer = make_optimizer(config, run.model->parameters());
  run.scheduler = make_scheduler(config, *run.optimizer, steps_per_epoch);
  return run;
}

Value checkpoint_of(const RunState& run) {
  Dict checkpoint;
  checkpoint.set("tfs", run.transforms.state_dict());
  checkpoint.set("opt", run.optimizer->state_dict());
  checkpoint.set("model", run.model->state_dict().to_value());
  checkpoint.set("transforms", run.transforms.to_value());
  checkpoint.set("scheduler", run.scheduler ? run.scheduler->state_dict() : Value());
  checkpoint.set("generator", run.generator.get_state());
  checkpoint.set("epoch", run.position.epoch);
  checkpoint.set("step", run.position.step);
  checkpoint.set("loss_sum", run.position.loss_sum);
  checkpoint.set("best_loss", run.position.best_loss);
  checkpoint.set("first_number", run.first_number);
  checkpoint.set("config", to_dict(run.config));
  checkpoint.set("data", to_dict(run.data));
  return checkpoint;
}

const Dict& saved_config(const Value& checkpoint, const std::string& name) {
  if (checkpoint.kind() != Value::Kind::dict || !checkpoint.contains("config") ||
      checkpoint.at("config").kind() != Value::Kind::dict) {
    throw StateDictError(
        concat(name, ": keeps no configuration of a run, so that none can be resumed from it; ",
               kInitHint));
  }
  return checkpoint.at("config").as_dict();
}

std::vector<std::string> restore(RunState& run, const Value& checkpoint, const std::string& name,
                                 std::int64_t steps_per_epoch) {
  for (const char* const part : {"epoch", "step", "loss_sum", "best_loss", "generator", "data"}) {
    if (checkpoint.contains(part)) continue;
    throw StateDictError(
        concat(name, ": has no '", part, "', so that no run can be resumed from it; ", kInitHint));
  }
  try {
    const std::string other = differences(checkpoint.at("data").as_dict(), to_dict(run.data));
    if (!other.empty()) throw StateDictError("the data is not that of the checkpoint: " + other);
    RunPosition position;
    position.epoch = checkpoint.at("epoch").as_int();
    position.step = checkpoint.at("step").as_int();
    position.loss_sum = checkpoint.at("loss_sum").as_double();
    position.best_loss = checkpoint.at("best_loss").as_double();
    if (position.epoch < 0 || position.step < 0) {
      throw StateDictError(
          concat("epoch ", position.epoch, ", step ", position.step, " is no place in a run"));
    }
    require_epochs_left(run.config.epochs, position);
    run.transforms = saved_transforms(checkpoint);
    run.model->load_state_dict(with_present_names(StateDict::from_value(checkpoint.at("model"))));
    std::vector<std::string> notes =
        restore_learning(run, checkpoint, position.epoch * steps_per_epoch + position.step);
    run.generator.set_state(checkpoint.at("generator").as_tensor().to(kCpu));
    run.position = position;
    run.first_number =
        checkpoint.contains("first_number") ? checkpoint.at("first_number").as_int() : 1;
    if (const std::string diverged = find_divergence(run); !diverged.empty()) {
      throw StateDictError(concat("the run has diverged: ", diverged,
                                  "; resume from an earlier checkpoint, with a lower --lr"));
    }
    return notes;
  } catch (const Error& error) {
    throw StateDictError(concat("cannot resume from ", name, ": ", error.what()));
  }
}

}  // namespace wick::tools
