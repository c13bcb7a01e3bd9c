// SPDX-License-Identifier: MIT
// The program `predict`: classifies images by a checkpoint.
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tools/cli/activation.h"
#include "tools/cli/checkpoints.h"
#include "tools/cli/command_line.h"
#include "tools/cli/device_option.h"
#include "tools/cli/evaluate.h"
#include "tools/cli/option_conflicts.h"
#include "tools/cli/program.h"
#include "tools/cli/saved_classifier.h"
#include "tools/data/image_file.h"
#include "tools/data/open_dataset.h"
#include "tools/printable.h"
#include "wick/core/error.h"
#include "wick/kernels/devices.h"

namespace wick::tools {
namespace {

constexpr const char* kAbout =
    "Classifies images by the network in a checkpoint: one of tools/train, or any file in\n"
    "which linear layers in a chain are found (torch.save, safetensors, shards, .npz). Prints\n"
    "a line for each image, \"file: class (probability)\", or the accuracy on the test part\n"
    "of a data set. What is assumed about other programs' files is said on stderr.\n";

constexpr const char* kExamples =
    "Examples:\n"
    "  tools/predict checkpoints/model_dnn_1.tar seven.png three.png\n"
    "  tools/predict checkpoints/model_dnn_1.tar --data mnist\n"
    "  tools/predict model.safetensors --activation tanh seven.png\n";

struct PredictOptions {
  std::string checkpoint;
  std::vector<std::string> images;
  std::string data;
  std::string device = "cpu";
  std::string activation;
  int threads = 1;
  bool no_verify = false;
};

/// Prints a line per image; false where one could not be classified.
bool classify_files(SavedClassifier& classifier, const std::vector<std::string>& files,
                    Device device) {
  bool all_good = true;
  for (const std::string& file : files) {
    try {
      // The size is compared before anything is decoded.
      const Tensor image =
          read_image(file, [&](const Dims& shape) { require_image_shape(classifier, shape); });
      const Guess guess = [&] {
        try {
          return classify(classifier, image, device);
        } catch (const ValueError& error) {
          throw ValueError(concat(file, ": ", error.what()));
        }
      }();
      if (std::ferror(stdout) != 0) flush_output();  // nobody sees the rest
      std::printf("%s: %s (%.4f)\n", plain_name(file).c_str(),
                  plain_name(classifier.classes[guess.class_index]).c_str(), guess.probability);
    } catch (const Error& error) {
      std::fflush(stdout);
      std::cerr << "predict: " << message_line(message_of(error, {})) << std::endl;
      all_good = false;
    }
  }
  return all_good;
}

void score_dataset(SavedClassifier& classifier, const std::string& data, Device device) {
  const Dataset test = open_dataset(data).test;
  const Dims& shape = test.images.shape();
  try {
    require_image_shape(classifier, {shape[1], shape[2], shape[3]});
  } catch (const ShapeError& error) {
    throw ShapeError(concat("each image of '", data, "' ", error.what()));
  }
  if (test.class_names != classifier.classes) {
    throw ValueError(concat("'", data, "' has ", test.class_names.size(),
                            " classes, the checkpoint ", classifier.classes.size(),
                            ", or they have other names"));
  }
  std::printf("test accuracy %s\n", accuracy_text(score(classifier, test, device)).c_str());
}

int predict(const PredictOptions& options) {
  const Device device = parse_device_option(options.device);
  require_device(device);
  set_num_threads(options.threads);
  require_no_folder("CHECKPOINT", options.checkpoint);
  std::optional<Activation> activation;
  if (!options.activation.empty()) activation = Activation::from_name(options.activation);
  SavedClassifier classifier =
      load_classifier(options.checkpoint, device, activation, {.verify = !options.no_verify});
  for (const std::string& note : classifier.notes) {
    std::cerr << "predict: " << message_line(concat('\'', options.checkpoint, "': ", note))
              << std::endl;
  }
  const bool all_good = classify_files(classifier, options.images, device);
  if (!options.data.empty()) score_dataset(classifier, options.data, device);
  return all_good ? 0 : kFailure;
}

/// What is wrong with the arguments and shows without opening a file.
void check_arguments(const PredictOptions& options, const std::set<std::string>& given) {
  if (options.images.empty() && options.data.empty()) {
    throw ValueError("nothing to classify: give images or --data");
  }
  refuse_useless(given, predict_conflicts(parse_device_option(options.device)));
  if (options.activation.empty()) return;
  try {
    (void)Activation::from_name(options.activation);
  } catch (const Error& error) {
    throw ValueError(concat("--activation: ", error.what()));
  }
}

void add_options(CommandLine& line, PredictOptions& options) {
  line.add("CHECKPOINT", &options.checkpoint, "", "a file with a trained network").required();
  line.add("IMAGE", &options.images, "", concat("images to classify, ", image_kinds()));
  line.add("--data", &options.data, "DIR", "as for tools/train: score its test part");
  line.add("--device", &options.device, "NAME", "cpu, cuda or cuda:N").show_default();
  line.add("--activation", &options.activation, "NAME",
           "between the linear layers of another program's file: " + Activation::names() +
               "; relu where it is not given");
  line.add("--threads", &options.threads, "N", "of the CPU").whole(1, 1024).show_default();
  line.flag("--no-verify", options.no_verify, kNoVerifyHelp);
}

int predict_main(int argc, char** argv) {
  PredictOptions options;
  try {
    CommandLine line("predict", kAbout, kExamples, 24);
    add_options(line, options);
    if (const auto text = line.parse(argc, argv)) return show_text("predict", *text);
    check_arguments(options, line.given());
  } catch (const Error& error) {
    return usage_error("predict", error.what());
  }
  return run_reading_program("predict", [&] { return predict(options); });
}

}  // namespace
}  // namespace wick::tools

int main(int argc, char** argv) {
  using namespace wick::tools;
  return run_main("predict", predict_main, argc, argv);
}
