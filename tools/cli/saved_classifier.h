// SPDX-License-Identifier: MIT
// A trained network taken from a checkpoint, with the way its inputs are prepared.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/cli/activation.h"
#include "tools/cli/evaluate.h"
#include "tools/data/dataset.h"
#include "wick/nn/sequential.h"
#include "wick/nn/transforms.h"
#include "wick/serialize/load_options.h"

namespace wick::tools {

struct SavedClassifier {
  std::unique_ptr<nn::Sequential> model;
  nn::Compose transforms;
  bool default_transforms = false;   // the checkpoint keeps none
  std::optional<Dims> image_shape;   // (C, H, W) of its training, where the checkpoint keeps it
  std::vector<std::string> classes;  // as many as the model has outputs
  std::vector<std::string> notes;    // what was assumed, a clause each
};

/// Reads a checkpoint of the training program, or a file of any other program and format in which
/// load_foreign_model() finds a chain of linear layers. Where it keeps no transforms, bytes are
/// scaled to [0, 1] and flattened. `activation` stands between the layers; where it is not given,
/// ReLU does, as in the training program's networks, and for other files a note says so. `options`
/// are those of load_foreign_model(), and so are the errors; ValueError for an activation that the
/// training program's networks do not have.
[[nodiscard]] SavedClassifier load_classifier(const std::filesystem::path& path, Device device,
                                              std::optional<Activation> activation = {},
                                              const LoadOptions& options = {});

/// What a network thinks of an image.
struct Guess {
  std::size_t class_index = 0;
  double probability = 0;  // by softmax
};

/// Classifies one uint8 image (C, H, W). Grey images are taken by networks for colour and the other
/// way round where the transforms allow it. Throws ShapeError where the image has another size than
/// those of the training, and ValueError where the network's answer is not finite.
[[nodiscard]] Guess classify(SavedClassifier& classifier, const Tensor& image, Device device);

/// Scores a data set. Throws as classify() does.
[[nodiscard]] Score score(SavedClassifier& classifier, const Dataset& data, Device device);

/// Throws ShapeError where the classifier does not take images of a shape (C, H, W).
void require_image_shape(const SavedClassifier& classifier, const Dims& shape);

}  // namespace wick::tools
