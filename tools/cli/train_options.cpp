// SPDX-License-Identifier: MIT
// Parses the command line of the training program by CLI11.
#include "tools/cli/train_options.h"

#include <algorithm>
#include <charconv>
#include <iostream>
#include <sstream>
#include <type_traits>
#include <vector>

#include <CLI/CLI.hpp>

#include "tools/cli/device_option.h"
#include "tools/cli/learning.h"
#include "tools/cli/program.h"
#include "wick/core/error.h"

namespace wick::tools {
namespace {

constexpr const char* kAbout =
    "Trains a network of linear layers and ReLUs to classify images.\n\n"
    "Writes model_dnn_<epoch>.tar, counted from 0, whenever the mean loss has fallen by a\n"
    "tenth, and last.tar after each epoch and on Ctrl-C. torch.load(FILE, weights_only=True)\n"
    "opens both; --resume goes on from either, and ends with the same bits as a run\n"
    "that was never stopped.";

constexpr const char* kExamples =
    "Examples:\n"
    "  tools/train --data synthetic\n"
    "  tools/train --data mnist --model 512,512 --epochs 10 --val-split 0.1\n"
    "  tools/train --resume checkpoints/last.tar\n"
    "  tools/train --data mnist --init model.pt --checkpoint-dir finer\n";

/// Turns "--batch-size" into "batch_size".
std::string field_of(std::string option) {
  option.erase(0, 2);
  std::replace(option.begin(), option.end(), '-', '_');
  return option;
}

std::optional<std::int64_t> parse_whole(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// CLI11 by itself lets numbers beyond 64 bits pass.
CLI::Validator whole_number() {
  return {[](std::string& text) {
            return parse_whole(text) ? "" : concat("'", text, "' is no whole number");
          },
          ""};
}

/// What of CLI11's message fits on one line.
std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

/// The numbers of "512,512"; `what` they are.
std::vector<std::int64_t> parse_numbers(const char* option, const std::string& text,
                                        const char* what) {
  std::vector<std::int64_t> sizes;
  std::istringstream parts(text + ',');  // so that "32," has an empty last part, as it should
  for (std::string part; std::getline(parts, part, ',');) {
    const std::optional<std::int64_t> size = parse_whole(part);
    if (!size) throw ValueError(concat(option, " is ", text, "; it must be ", what));
    sizes.push_back(*size);
  }
  return sizes;
}

/// The options of a group on the help page, which are also fields of the configuration.
class Fields {
 public:
  Fields(CLI::App& app, std::vector<CLI::Option*>& all) : app_(app), all_(all) {}
  void begin(const char* group) { group_ = group; }
  template <typename T>
  CLI::Option* option(const char* name, T& value, const char* type, const char* about) {
    CLI::Option* const it = app_.add_option(name, value, about)->type_name(type)->group(group_);
    if constexpr (std::is_integral_v<T>) it->check(whole_number());
    all_.push_back(it);
    return it;
  }
  void flag(const char* name, bool& value, const char* about) {
    all_.push_back(app_.add_flag(name, value, about)->group(group_));
  }

 private:
  CLI::App& app_;
  std::vector<CLI::Option*>& all_;
  const char* group_ = "";
};

void add_data(Fields& fields, TrainConfig& config) {
  fields.begin("Data");
  fields.option("--data", config.data, "DIR",
                "a folder with MNIST's four IDX files, gzip or plain;\n"
                "or with train/<class>/*.png and test/<class>/*.png;\n"
                "or the word synthetic, for digits drawn on the spot");
  fields.option("--val-split", config.val_split, "SHARE",
                "of the training images: held out, evaluated each epoch");
  fields.flag("--normalize", config.normalize, "shift and scale inputs to mean 0, deviation 1");
  fields.flag("--color", config.color, "keep colours instead of going to grey");
}

/// Options whose text is not yet their value.
struct Texts {
  std::string model = "32";
  std::string milestones;
  double weight_decay = 0;
};

void add_learning(Fields& fields, TrainConfig& config, Texts& texts) {
  fields.begin("Model and learning");
  fields.option("--model", texts.model, "SIZES", "of the hidden layers, as in 512,512");
  fields.option("--epochs", config.epochs, "N", "passes over the training images");
  fields.option("--batch-size", config.batch_size, "N", "images per step");
  fields
      .option("--optimizer", config.optimizer, "NAME",
              "sgd, adam, adamw, rmsprop, adagrad, nadam, radam or\nadamax")
      ->check(CLI::IsMember(optimizer_names()).description(""));
  fields.option("--lr", config.lr, "RATE", "learning rate at the start");
  fields.option("--momentum", config.momentum, "X", "of sgd and rmsprop");
  fields.flag("--nesterov", config.nesterov, "Nesterov's momentum, of sgd");
  fields.option("--weight-decay", texts.weight_decay, "X", "(default: 0; 0.01 of adamw)")
      ->always_capture_default(false)
      ->default_str("");
  fields
      .option("--scheduler", config.scheduler, "NAME",
              "of the learning rate. none: stays; step: times GAMMA every\n"
              "N epochs; multistep: at each milestone; exponential: a\n"
              "little in each step, to GAMMA in an epoch; over all steps\n"
              "to 0: linear, polynomial, cosine; restarts: cosine again\n"
              "and again, N epochs each; onecycle: up to RATE and down")
      ->check(CLI::IsMember(scheduler_names()).description(""));
  fields.option("--step-size", config.step_size, "N", "epochs of step and restarts");
  fields.option("--gamma", config.gamma, "GAMMA", "factor of step, multistep and exponential");
  fields.option("--milestones", texts.milestones, "EPOCHS", "of multistep, as in 3,5")
      ->always_capture_default(false)
      ->default_str("");
  fields.option("--power", config.power, "X", "of polynomial");
  fields.option("--clip-grad-norm", config.clip_grad_norm, "X",
                "gradients whose norm is larger are scaled down; 0: never");
  fields
      .option("--autocast", config.autocast, "DTYPE",
              "none or bfloat16: operands of matrix products are rounded\nto it; weights, "
              "gradients and checkpoints stay float32")
      ->check(CLI::IsMember({"none", "bfloat16"}).description(""));
  fields.option("--seed", config.seed, "N", "of weights and shuffles: the same seed, the same run");
}

void parse(CLI::App& app, int argc, const char* const* argv) {
  try {
    refuse_empty_arguments(argc, argv);
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    throw;
  } catch (const CLI::ParseError& error) {
    throw ValueError(first_line(error.what()));
  }
}

}  // namespace

std::optional<TrainOptions> parse_train_options(int argc, const char* const* argv) {
  TrainOptions options;
  TrainConfig& config = options.config;
  Texts texts;
  std::string device = "cpu";
  std::string checkpoint_dir;
  std::string resume;
  std::string init;

  CLI::App app(kAbout, "train");
  app.footer(kExamples);
  app.get_formatter()->column_width(24);
  app.option_defaults()->always_capture_default();
  std::vector<CLI::Option*> all;
  Fields fields(app, all);
  add_data(fields, config);
  add_learning(fields, config, texts);
  app.add_option("--device", device, "cpu, cuda or cuda:N")->type_name("NAME")->group("Machine");
  app.add_flag("--tf32", options.tf32,
               "matrix products on a GPU may round their operands to TF32:\nfaster, not as exact")
      ->group("Machine");
  app.add_flag("--graph", options.graph,
               "on a GPU: steps of a small network by a CUDA graph, too, in\n"
               "place of the kernel for whole steps; to compare them")
      ->group("Machine");
  app.add_option("--threads", options.threads, "of the CPU; results do not depend on them")
      ->type_name("N")
      ->check(whole_number())
      ->group("Machine");
  app.add_option("--checkpoint-dir", checkpoint_dir,
                 "made where it is missing\n(default: checkpoints, or the folder of --resume)")
      ->type_name("DIR")
      ->group("Checkpoints");
  app.add_option("--resume", resume,
                 "go on from a checkpoint; what other options leave open\nis taken from it")
      ->type_name("FILE")
      ->group("Checkpoints");
  app.add_option("--init", init,
                 "begin a new run with the weights in a file of any program: a\n"
                 "checkpoint, a state dictionary, safetensors; and with the state\n"
                 "of its optimizer, where it fits. Gives --model")
      ->type_name("FILE")
      ->group("Checkpoints");
  app.add_flag("--no-verify", options.no_verify, concat("of --resume and --init: ", kNoVerifyHelp))
      ->group("Checkpoints");

  try {
    parse(app, argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::cout << app.help();
    return std::nullopt;
  }
  for (const CLI::Option* const option : all) {
    if (option->count() > 0) options.given.insert(field_of(option->get_name()));
  }
  config.model = parse_numbers("--model", texts.model, "sizes, as in 512,512");
  if (options.given.contains("milestones")) {
    config.milestones =
        parse_numbers("--milestones", texts.milestones, "numbers of epochs, as in 3,5");
  }
  if (options.given.contains("weight_decay")) config.weight_decay = texts.weight_decay;
  if (options.threads < 1 || options.threads > 1024) {
    throw ValueError(concat("--threads is ", options.threads, "; it must be 1 to 1024"));
  }
  options.device = parse_device_option(device);
  if (!resume.empty()) options.resume = resume;
  if (!init.empty()) options.init = init;
  if (options.resume && options.init) {
    throw ValueError("--resume goes on with a run, --init begins one: give one of them");
  }
  if (checkpoint_dir.empty()) {
    const std::filesystem::path beside = std::filesystem::path(resume).parent_path();
    options.checkpoint_dir = resume.empty() ? "checkpoints" : beside.empty() ? "." : beside;
  } else {
    options.checkpoint_dir = checkpoint_dir;
  }
  if (!options.resume) check(config);
  return options;
}

void adopt_saved_config(TrainOptions& options, const Dict& saved) {
  // Complete, or an error; with what its version did not know.
  const Dict complete = to_dict(config_from(saved));
  const Dict given = to_dict(options.config);
  Dict merged = complete;
  std::string differences;
  const std::string& scheduler = complete.at("scheduler").as_string();
  // One that is not known is refused below.
  const auto& known = scheduler_names();
  const bool may_change_epochs = std::find(known.begin(), known.end(), scheduler) == known.end() ||
                                 !depends_on_epochs(scheduler);
  for (const std::string& field : options.given) {
    const Value& wanted = given.at(field);
    const Value& there = complete.at(field);
    // Other words for the same data are no difference; its content is compared later.
    const bool free = field == "data" || (field == "epochs" && may_change_epochs);
    if (!free && wanted != there) {
      std::string option = "--" + field;
      std::replace(option.begin(), option.end(), '_', '-');
      differences += concat(differences.empty() ? "" : "; ", option, " is ", to_text(wanted),
                            ", there it is ", to_text(there));
    }
    merged.set(field, wanted);
  }
  if (!differences.empty()) {
    throw ValueError(concat("the checkpoint is of another run: ", differences,
                            " (leave options out to take the checkpoint's)"));
  }
  options.config = config_from(merged);
  check(options.config);
}

}  // namespace wick::tools
