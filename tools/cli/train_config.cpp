// SPDX-License-Identifier: MIT
// The configuration of a run as a dictionary, and its checks.
#include "tools/cli/train_config.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "tools/cli/learning.h"
#include "tools/cli/names.h"
#include "tools/data/file_name.h"
#include "wick/core/error.h"

namespace wick::tools {
namespace {

constexpr std::int64_t kLargestLayer = 1 << 20;
constexpr std::int64_t kLargestCount = std::int64_t{1} << 31;

void require(bool good, const char* option, const auto& value, std::string_view wanted) {
  if (!good) throw ValueError(concat(option, " is ", value, "; it must be ", wanted));
}

void require_known(const char* option, const std::string& name,
                   const std::vector<std::string>& names) {
  require(std::find(names.begin(), names.end(), name) != names.end(), option, name, one_of(names));
}

List list_of(const std::vector<std::int64_t>& numbers) {
  List list;
  for (const std::int64_t number : numbers) list.items.emplace_back(number);
  return list;
}

std::vector<std::int64_t> numbers_in(const Value& list) {
  std::vector<std::int64_t> numbers;
  for (const Value& number : list.as_sequence()) numbers.push_back(number.as_int());
  return numbers;
}

}  // namespace

Dict to_dict(const TrainConfig& config) {
  Dict dict;
  dict.set("data", text_of_file_name(config.data));
  dict.set("model", list_of(config.model));
  dict.set("epochs", config.epochs);
  dict.set("batch_size", config.batch_size);
  dict.set("optimizer", config.optimizer);
  dict.set("lr", config.lr);
  dict.set("momentum", config.momentum);
  dict.set("nesterov", config.nesterov);
  dict.set("weight_decay", config.weight_decay ? Value(*config.weight_decay) : Value());
  dict.set("scheduler", config.scheduler);
  dict.set("step_size", config.step_size);
  dict.set("gamma", config.gamma);
  dict.set("milestones", list_of(config.milestones));
  dict.set("power", config.power);
  dict.set("clip_grad_norm", config.clip_grad_norm);
  dict.set("autocast", config.autocast);
  dict.set("seed", config.seed);
  dict.set("val_split", config.val_split);
  dict.set("normalize", config.normalize);
  dict.set("color", config.color);
  dict.set("flush_denormal", config.flush_denormal);
  dict.set("data_from_here", text_of_file_name(config.data_from_here));
  return dict;
}

TrainConfig config_from(const Dict& dict) {
  TrainConfig config;
  try {
    config.data = file_name_of(dict.at("data").as_string());
    config.model = numbers_in(dict.at("model"));
    config.epochs = dict.at("epochs").as_int();
    config.batch_size = dict.at("batch_size").as_int();
    config.optimizer = dict.at("optimizer").as_string();
    config.lr = dict.at("lr").as_double();
    config.momentum = dict.at("momentum").as_double();
    config.nesterov = dict.at("nesterov").as_bool();
    const Value& weight_decay = dict.at("weight_decay");
    if (!weight_decay.is_none()) config.weight_decay = weight_decay.as_double();
    config.scheduler = dict.at("scheduler").as_string();
    config.step_size = dict.at("step_size").as_int();
    config.gamma = dict.at("gamma").as_double();
    if (const Value* const milestones = dict.find("milestones")) {
      config.milestones = numbers_in(*milestones);
    }
    if (const Value* const power = dict.find("power")) config.power = power->as_double();
    if (const Value* const norm = dict.find("clip_grad_norm")) {
      config.clip_grad_norm = norm->as_double();
    }
    if (const Value* const autocast = dict.find("autocast"))
      config.autocast = autocast->as_string();
    config.seed = dict.at("seed").as_int();
    config.val_split = dict.at("val_split").as_double();
    config.normalize = dict.at("normalize").as_bool();
    config.color = dict.at("color").as_bool();
    // A run that began without goes on without, to the same bits.
    const Value* const flush = dict.find("flush_denormal");
    config.flush_denormal = flush != nullptr && flush->as_bool();
    if (const Value* const from_here = dict.find("data_from_here")) {
      config.data_from_here = file_name_of(from_here->as_string());
    }
  } catch (const ValueError& error) {
    throw StateDictError(concat("the saved configuration is not complete: ", error.what()));
  }
  return config;
}

void check(const TrainConfig& config) {
  require(!config.data.empty(), "--data", "missing",
          "a folder with MNIST's files or images, or the word synthetic");
  require(!config.model.empty(), "--model", "empty", "one or more hidden sizes, as in 512,512");
  for (const std::int64_t size : config.model) {
    require(size >= 1 && size <= kLargestLayer, "--model", size, "sizes from 1 to 1048576");
  }
  require(config.epochs >= 0 && config.epochs <= kLargestCount, "--epochs", config.epochs,
          "a whole number from 0 on");
  require(config.batch_size >= 1 && config.batch_size <= kLargestCount, "--batch-size",
          config.batch_size, "a whole number from 1 on");
  require(std::isfinite(config.lr) && config.lr > 0, "--lr", config.lr, "a positive number");
  require_known("--optimizer", config.optimizer, optimizer_names());
  require_known("--scheduler", config.scheduler, scheduler_names());
  require(config.momentum >= 0 && config.momentum < 1, "--momentum", config.momentum,
          "at least 0 and less than 1");
  if (config.weight_decay) {
    require(std::isfinite(*config.weight_decay) && *config.weight_decay >= 0, "--weight-decay",
            *config.weight_decay, "a number from 0 on");
  }
  require(config.step_size >= 1, "--step-size", config.step_size, "a whole number from 1 on");
  require(config.gamma > 0 && config.gamma <= 1, "--gamma", config.gamma,
          "more than 0 and at most 1");
  for (const std::int64_t milestone : config.milestones) {
    require(milestone >= 1 && milestone <= kLargestCount, "--milestones", milestone,
            "numbers of epochs, as in 3,5");
  }
  require(std::isfinite(config.power) && config.power > 0, "--power", config.power,
          "a positive number");
  require(std::isfinite(config.clip_grad_norm) && config.clip_grad_norm >= 0, "--clip-grad-norm",
          config.clip_grad_norm, "a number from 0 on");
  require(config.autocast == "none" || config.autocast == "bfloat16", "--autocast", config.autocast,
          "none or bfloat16");
  require(config.seed >= 0, "--seed", config.seed, "a whole number from 0 on");
  require(config.val_split >= 0 && config.val_split < 1, "--val-split", config.val_split,
          "at least 0 and less than 1");
  if (config.scheduler == "multistep" && config.milestones.empty()) {
    throw ValueError("--scheduler multistep needs --milestones, as in 3,5");
  }
}

std::string to_text(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::none: return "the default";
    case Value::Kind::boolean: return value.as_bool() ? "yes" : "no";
    case Value::Kind::integer: return concat(value.as_int());
    case Value::Kind::real: return concat(value.as_double());
    case Value::Kind::string: return value.as_string();
    case Value::Kind::list:
    case Value::Kind::tuple: {
      std::string text;
      for (const Value& item : value.as_sequence()) {
        if (!text.empty()) text += ',';
        text += to_text(item);
      }
      return text;
    }
    default: return concat("a ", value.kind_name());
  }
}

}  // namespace wick::tools
