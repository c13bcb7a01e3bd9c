// SPDX-License-Identifier: MIT
// A trained network taken from a checkpoint, with the way its inputs are prepared.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nn/sequential.h"
#include "nn/transforms.h"

namespace wick::tools {

struct SavedClassifier {
  std::unique_ptr<nn::Sequential> model;
  nn::Compose transforms;
  bool default_transforms = false;   // the checkpoint keeps none
  std::optional<Dims> image_shape;   // (C, H, W) of its training, where the checkpoint keeps it
  std::vector<std::string> classes;  // as many as the model has outputs
};

/// Reads a checkpoint of the training program; a dict with the model's state dictionary under
/// 'model', 'model_state_dict' or 'state_dict', and transforms under 'tfs' or not; or a state
/// dictionary by itself, as PyTorch's save them. Where it keeps no transforms, bytes are scaled to
/// [0, 1] and flattened. Throws what load() throws, and StateDictError where the file holds no
/// chain of linear layers.
[[nodiscard]] SavedClassifier load_classifier(const std::filesystem::path& path, Device device);

/// What a network thinks of an image.
struct Guess {
  std::size_t class_index = 0;
  double probability = 0;  // by softmax
};

/// Classifies one uint8 image (C, H, W). Grey images are taken by networks for colour and the other
/// way round where the transforms allow it. Throws ShapeError where the image has another size than
/// those of the training.
[[nodiscard]] Guess classify(SavedClassifier& classifier, const Tensor& image, Device device);

/// Throws ShapeError where the classifier does not take images of a shape (C, H, W).
void require_image_shape(const SavedClassifier& classifier, const Dims& shape);

}  // namespace wick::tools
