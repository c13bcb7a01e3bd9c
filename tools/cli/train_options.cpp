// SPDX-License-Identifier: MIT
// Parses the command line of the training program by CLI11.
#include "tools/cli/train_options.h"

#include <algorithm>
#include <iostream>

#include <CLI/CLI.hpp>

#include "core/error.h"

namespace wick::tools {
namespace {

constexpr const char* kAbout =
    "Trains a network of linear layers and ReLUs to classify images.\n\n"
    "Writes model_dnn_<epoch>.tar whenever the mean loss has fallen by a tenth, and last.tar "
    "after\n"
    "each epoch and on Ctrl-C. torch.load(FILE, weights_only=True) opens both; --resume goes on\n"
    "from either, and ends with the same bits as a run that was never stopped.";

constexpr const char* kExamples =
    "Examples:\n"
    "  tools/train --data synthetic\n"
    "  tools/train --data mnist --model 512,512 --epochs 10 --val-split 0.1\n"
    "  tools/train --resume checkpoints/last.tar\n";

/// Turns "--batch-size" into "batch_size".
std::string field_of(std::string option) {
  option.erase(0, 2);
  std::replace(option.begin(), option.end(), '-', '_');
  return option;
}

/// What of CLI11's message fits on one line.
std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

std::optional<TrainOptions> parse_train_options(int argc, const char* const* argv) {
  TrainOptions options;
  TrainConfig& config = options.config;
  std::string device = "cpu";
  std::string checkpoint_dir;
  std::string resume;
  double weight_decay = 0;

  CLI::App app(kAbout, "train");
  app.footer(kExamples);
  app.option_defaults()->always_capture_default();
  std::vector<CLI::Option*> fields;
  const auto field = [&](CLI::Option* option, const char* group) {
    option->group(group);
    fields.push_back(option);
    return option;
  };
  field(app.add_option("--data", config.data,
                       "folder with MNIST's four IDX files (gzip or plain), folder with "
                       "train/<class>/*.png and test/<class>/*.png, or the word synthetic")
            ->type_name("DIR"),
        "Data");
  field(app.add_option("--val-split", config.val_split,
                       "share of the training images that is held out and evaluated each epoch")
            ->type_name("SHARE"),
        "Data");
  field(app.add_flag("--normalize", config.normalize,
                     "shift and scale inputs to mean 0 and deviation 1"),
        "Data");
  field(app.add_flag("--color", config.color, "keep colours instead of going to grey"), "Data");

  field(app.add_option("--model", config.model, "sizes of the hidden layers, as in 512,512")
            ->delimiter(',')
            ->type_name("SIZES")
            ->expected(1),
        "Model and learning");
  field(
      app.add_option("--epochs", config.epochs, "passes over the training images")->type_name("N"),
      "Model and learning");
  field(app.add_option("--batch-size", config.batch_size, "images per step")->type_name("N"),
        "Model and learning");
  field(app.add_option("--optimizer", config.optimizer, "sgd, adam or adamw")
            ->check(CLI::IsMember({"sgd", "adam", "adamw"}))
            ->type_name("NAME"),
        "Model and learning");
  field(app.add_option("--lr", config.lr, "learning rate at the start")->type_name("RATE"),
        "Model and learning");
  field(app.add_option("--momentum", config.momentum, "momentum of sgd")->type_name("X"),
        "Model and learning");
  field(app.add_flag("--nesterov", config.nesterov, "Nesterov's momentum of sgd"),
        "Model and learning");
  CLI::Option* const decay = field(
      app.add_option("--weight-decay", weight_decay, "weight decay (default: 0, or 0.01 of adamw)")
          ->always_capture_default(false)
          ->default_str("")
          ->type_name("X"),
      "Model and learning");
  field(app.add_option("--scheduler", config.scheduler,
                       "none: constant rate; step: times GAMMA every N epochs; cosine: falls to 0 "
                       "along half a cosine over all steps")
            ->check(CLI::IsMember({"none", "step", "cosine"}))
            ->type_name("NAME"),
        "Model and learning");
  field(app.add_option("--step-size", config.step_size, "epochs between two drops of step")
            ->type_name("N"),
        "Model and learning");
  field(app.add_option("--gamma", config.gamma, "factor of each drop of step")->type_name("GAMMA"),
        "Model and learning");
  field(app.add_option("--seed", config.seed,
                       "seed of weights and shuffles; the same seed gives the same run")
            ->type_name("N"),
        "Model and learning");

  app.add_option("--device", device, "cpu, cuda or cuda:N")->type_name("NAME")->group("Machine");
  app.add_option("--threads", options.threads, "threads of the CPU; results do not depend on them")
      ->type_name("N")
      ->group("Machine");
  app.add_option("--checkpoint-dir", checkpoint_dir,
                 "folder for checkpoints, made where it is missing (default: checkpoints, or the "
                 "folder of --resume)")
      ->type_name("DIR")
      ->group("Checkpoints");
  app.add_option("--resume", resume,
                 "go on from a checkpoint; options that are not given are taken from it")
      ->type_name("FILE")
      ->group("Checkpoints");

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::cout << app.help();
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    throw ValueError(first_line(error.what()));
  }
  for (const CLI::Option* const option : fields) {
    if (option->count() > 0) options.given.insert(field_of(option->get_name()));
  }
  if (decay->count() > 0) config.weight_decay = weight_decay;
  if (options.threads < 1 || options.threads > 1024) {
    throw ValueError(concat("--threads is ", options.threads, "; it must be 1 to 1024"));
  }
  options.device = Device::parse(device);
  if (!resume.empty()) options.resume = resume;
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
  (void)config_from(saved);  // complete, or an error
  const Dict given = to_dict(options.config);
  Dict merged = saved;
  std::string differences;
  for (const std::string& field : options.given) {
    const Value& wanted = given.at(field);
    const Value& there = saved.at(field);
    // Other words for the same data are no difference; its content is compared later.
    const bool free =
        field == "data" || (field == "epochs" && saved.at("scheduler") != Value("cosine"));
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
