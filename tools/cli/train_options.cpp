// SPDX-License-Identifier: MIT
// Parses the command line of the training program.
#include "tools/cli/train_options.h"

#include <algorithm>
#include <iostream>
#include <sstream>
#include <vector>

#include "tools/cli/command_line.h"
#include "tools/cli/data_place.h"
#include "tools/cli/device_option.h"
#include "tools/cli/learning.h"
#include "tools/cli/option_conflicts.h"
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

void add_data(CommandLine& line, TrainConfig& config) {
  line.group("Data");
  line.add("--data", &config.data, "DIR",
           "a folder with MNIST's four IDX files, gzip or plain;\n"
           "or with train/<class>/*.png and test/<class>/*.png, or\n"
           "*.jpg; or the word synthetic, for digits drawn on the spot");
  line.add("--val-split", &config.val_split, "SHARE",
           "of the training images: held out, evaluated each epoch");
  line.flag("--normalize", config.normalize, "shift and scale inputs to mean 0, deviation 1");
  line.flag("--color", config.color, "keep colours instead of going to grey");
}

/// Options whose text is not yet their value.
struct Texts {
  std::string model = "32";
  std::string milestones;
  double weight_decay = 0;
};

void add_learning(CommandLine& line, TrainConfig& config, Texts& texts) {
  line.group("Model and learning");
  line.add("--model", &texts.model, "SIZES", "of the hidden layers, as in 512,512");
  line.add("--epochs", &config.epochs, "N", "passes over the training images");
  line.add("--batch-size", &config.batch_size, "N", "images per step");
  line.add("--optimizer", &config.optimizer, "NAME",
           "sgd, adam, adamw, rmsprop, adagrad, nadam, radam or\nadamax")
      .one_of(optimizer_names());
  line.add("--lr", &config.lr, "RATE", "learning rate at the start");
  line.add("--momentum", &config.momentum, "X", "of sgd and rmsprop");
  line.flag("--nesterov", config.nesterov, "Nesterov's momentum, of sgd");
  line.add("--weight-decay", &texts.weight_decay, "X", "(default: 0; 0.01 of adamw)")
      .hide_default();
  line.add("--scheduler", &config.scheduler, "NAME",
           "of the learning rate. none: stays; step: times GAMMA every\n"
           "N epochs; multistep: at each milestone; exponential: a\n"
           "little in each step, to GAMMA in an epoch; over all steps\n"
           "to 0: linear, polynomial, cosine; restarts: cosine again\n"
           "and again, N epochs each; onecycle: up to RATE and down")
      .one_of(scheduler_names());
  line.add("--step-size", &config.step_size, "N", "epochs of step and restarts");
  line.add("--gamma", &config.gamma, "GAMMA", "factor of step, multistep and exponential");
  line.add("--milestones", &texts.milestones, "EPOCHS", "of multistep, as in 3,5").hide_default();
  line.add("--power", &config.power, "X", "of polynomial");
  line.add("--clip-grad-norm", &config.clip_grad_norm, "X",
           "gradients whose norm is larger are scaled down; 0: never");
  line.add("--autocast", &config.autocast, "DTYPE",
           "none or bfloat16: operands of matrix products are rounded\nto it; weights, "
           "gradients and checkpoints stay float32")
      .one_of({"none", "bfloat16"});
  line.add("--seed", &config.seed, "N", "of weights and shuffles: the same seed, the same run");
}

void add_machine(CommandLine& line, TrainOptions& options, std::string& device) {
  line.group("Machine");
  line.add("--device", &device, "NAME", "cpu, cuda or cuda:N");
  line.flag("--tf32", options.tf32,
            "matrix products on a GPU may round their operands to TF32:\nfaster, not as exact");
  line.flag("--graph", options.graph,
            "on a GPU: steps of a small network by a CUDA graph, too, in\n"
            "place of the kernel for whole steps; to compare them");
  line.add("--threads", &options.threads, "N", "of the CPU; results do not depend on them")
      .whole(1, 1024);
}

/// Options that name files.
struct Files {
  std::string checkpoint_dir;
  std::string resume;
  std::string init;
};

void add_checkpoints(CommandLine& line, TrainOptions& options, Files& files) {
  line.group("Checkpoints");
  line.add("--checkpoint-dir", &files.checkpoint_dir, "DIR",
           "made where it is missing\n(default: checkpoints, or the folder of --resume)");
  line.flag("--force", options.force,
            "replace the checkpoints of another run in that folder:\n"
            "they go when this run saves its first");
  line.add("--resume", &files.resume, "FILE",
           "go on from a checkpoint; what other options leave open\n"
           "is taken from it. With --epochs N, until there are N in\n"
           "all, though the run may be over. linear, polynomial,\n"
           "cosine and onecycle, whose rates depend on N, go on at\n"
           "the rates of a run of N epochs; the others as if N had\n"
           "been given at the start, bit for bit");
  line.add("--init", &files.init, "FILE",
           "begin a new run with the weights in a file of any program: a\n"
           "checkpoint, a state dictionary, safetensors; and with the state\n"
           "of its optimizer, where it fits. Gives --model");
  line.flag("--no-verify", options.no_verify, concat("of --resume and --init: ", kNoVerifyHelp));
}

/// What options say in text, as values.
void take_texts(TrainOptions& options, const Texts& texts) {
  TrainConfig& config = options.config;
  config.model = parse_numbers("--model", texts.model, "sizes, as in 512,512");
  if (options.given.contains("--milestones")) {
    config.milestones =
        parse_numbers("--milestones", texts.milestones, "numbers of epochs, as in 3,5");
  }
  if (options.given.contains("--weight-decay")) config.weight_decay = texts.weight_decay;
  config.data = absolute_data(config.data);
}

void take_files(TrainOptions& options, const Files& files) {
  if (!files.resume.empty()) options.resume = files.resume;
  if (!files.init.empty()) options.init = files.init;
  if (options.resume && options.init) {
    throw ValueError("--resume goes on with a run, --init begins one: give one of them");
  }
  if (files.checkpoint_dir.empty()) {
    const std::filesystem::path beside = std::filesystem::path(files.resume).parent_path();
    options.checkpoint_dir = files.resume.empty() ? "checkpoints" : beside.empty() ? "." : beside;
  } else {
    options.checkpoint_dir = files.checkpoint_dir;
  }
}

}  // namespace

std::optional<TrainOptions> parse_train_options(int argc, const char* const* argv) {
  TrainOptions options;
  Texts texts;
  Files files;
  std::string device = "cpu";
  CommandLine line("train", kAbout, kExamples, 24);
  line.show_defaults();
  add_data(line, options.config);
  add_learning(line, options.config, texts);
  add_machine(line, options, device);
  add_checkpoints(line, options, files);
  if (const auto text = line.parse(argc, argv)) {
    std::cout << *text;
    return std::nullopt;
  }
  options.given = line.given();
  take_texts(options, texts);
  options.device = parse_device_option(device);
  take_files(options, files);
  if (!options.resume) {
    check(options.config);
    refuse_useless(options.given, conflicts_of(options));
  }
  return options;
}

void adopt_saved_config(TrainOptions& options, const Dict& saved) {
  // Complete, or an error; with what its version did not know.
  const TrainConfig there = config_from(saved);
  const Dict complete = to_dict(there);
  const Dict wanted = to_dict(options.config);
  Dict merged = complete;
  std::string differences;
  for (const std::string& option : options.given) {
    const Value* const here = wanted.find(field_of(option));
    if (here == nullptr) continue;  // no part of the configuration
    const Value& saved_value = complete.at(field_of(option));
    // Other words for the same data are no difference; its content is compared later.
    const bool free = option == "--data" || option == "--epochs";
    if (!free && *here != saved_value) {
      differences += concat(differences.empty() ? "" : "; ", option, " is ", to_text(*here),
                            ", there it is ", to_text(saved_value));
    }
    merged.set(field_of(option), *here);
  }
  if (!differences.empty()) {
    throw ValueError(concat("--resume '", options.resume->string(),
                            "' is a checkpoint of another"
                            " run: ",
                            differences,
                            " (leave options out to take the checkpoint's,"
                            " or begin a new run with its weights by --init)"));
  }
  options.config = config_from(merged);
  check(options.config);
  refuse_useless(options.given, conflicts_of(options));
  if (!options.given.contains("--data")) {
    options.config.data = find_saved_data(there, *options.resume);
  }
}

}  // namespace wick::tools
