// SPDX-License-Identifier: MIT
// The program `predict`: classifies images by a checkpoint.
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "core/error.h"
#include "kernels/devices.h"
#include "tools/cli/evaluate.h"
#include "tools/cli/program.h"
#include "tools/cli/saved_classifier.h"
#include "tools/data/open_dataset.h"
#include "tools/data/png_file.h"

namespace wick::tools {
namespace {

constexpr const char* kAbout =
    "Classifies images by the network in a checkpoint: one of tools/train, or one that\n"
    "torch.save wrote, with linear layers in a chain. Prints a line for each PNG file,\n"
    "\"file: class (probability)\", or the accuracy on the test part of a data set.\n";

constexpr const char* kExamples =
    "Examples:\n"
    "  tools/predict checkpoints/model_dnn_2.tar seven.png three.png\n"
    "  tools/predict checkpoints/model_dnn_2.tar --data mnist\n";

struct PredictOptions {
  std::string checkpoint;
  std::vector<std::string> images;
  std::string data;
  std::string device = "cpu";
  int threads = 1;
};

/// Prints a line per image; false where one could not be classified.
bool classify_files(SavedClassifier& classifier, const std::vector<std::string>& files,
                    Device device) {
  bool all_good = true;
  for (const std::string& file : files) {
    try {
      const Tensor image = read_png(file);
      const Guess guess = [&] {
        try {
          return classify(classifier, image, device);
        } catch (const ShapeError& error) {
          throw ShapeError(concat(file, ": ", error.what()));
        }
      }();
      std::printf("%s: %s (%.4f)\n", file.c_str(), classifier.classes[guess.class_index].c_str(),
                  guess.probability);
    } catch (const Error& error) {
      std::fflush(stdout);
      std::cerr << "predict: " << error.what() << std::endl;
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
  const Score score = evaluate(*classifier.model, classifier.transforms, test.images.to(device),
                               test.labels.to(device));
  std::printf("test accuracy %s\n", accuracy_text(score).c_str());
}

int predict(const PredictOptions& options) {
  const Device device = Device::parse(options.device);
  (void)backend_for(device);
  set_num_threads(options.threads);
  SavedClassifier classifier = load_classifier(options.checkpoint, device);
  if (classifier.default_transforms) {
    std::cerr << "predict: '" << options.checkpoint
              << "' keeps no transforms; bytes are scaled to [0, 1]" << std::endl;
  }
  const bool all_good = classify_files(classifier, options.images, device);
  if (!options.data.empty()) score_dataset(classifier, options.data, device);
  return all_good ? 0 : kFailure;
}

}  // namespace
}  // namespace wick::tools

int main(int argc, char** argv) {
  using namespace wick::tools;
  PredictOptions options;
  CLI::App app(kAbout, "predict");
  app.footer(kExamples);
  app.get_formatter()->column_width(24);
  app.add_option("CHECKPOINT", options.checkpoint, "a file of tools/train or of torch.save")
      ->type_name("")
      ->required();
  app.add_option("PNG", options.images, "images to classify")->type_name("");
  app.add_option("--data", options.data, "as for tools/train: score its test part")
      ->type_name("DIR");
  app.add_option("--device", options.device, "cpu, cuda or cuda:N")
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--threads", options.threads, "of the CPU")
      ->type_name("N")
      ->check(CLI::Range(1, 1024).description(""))
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::cout << app.help();
    return 0;
  } catch (const CLI::ParseError& error) {
    return usage_error("predict", error.what());
  }
  if (options.images.empty() && options.data.empty()) {
    return usage_error("predict", "nothing to classify: give PNG files or --data");
  }
  return run_program("predict", [&] { return predict(options); });
}
