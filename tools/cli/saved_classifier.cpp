// SPDX-License-Identifier: MIT
// Rebuilds a classifier from a checkpoint.
#include "tools/cli/saved_classifier.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "serialize/checkpoint.h"
#include "tools/cli/digit_net.h"

namespace wick::tools {
namespace {

/// The model's state dictionary in what a checkpoint holds.
const Value& find_model(const Value& checkpoint, const std::string& name) {
  if (checkpoint.kind() != Value::Kind::dict) {
    throw StateDictError(concat(name, ": holds a ", checkpoint.kind_name(),
                                ", not a state dictionary or a dict with a 'model'"));
  }
  for (const char* const key : {"model", "model_state_dict", "state_dict"}) {
    if (checkpoint.contains(key) && checkpoint.at(key).kind() == Value::Kind::dict) {
      return checkpoint.at(key);
    }
  }
  return checkpoint;
}

nn::Compose find_transforms(const Value& checkpoint) {
  if (!checkpoint.contains("tfs")) return {};
  const Value& state = checkpoint.at("tfs");
  return state.is_none() ? nn::Compose{} : nn::Compose::from_state(state);
}

/// What the training program notes about its data, where it is there.
void read_data_notes(SavedClassifier& classifier, const Value& checkpoint) {
  if (!checkpoint.contains("data") || checkpoint.at("data").kind() != Value::Kind::dict) return;
  const Value& data = checkpoint.at("data");
  if (data.contains("image_shape")) {
    Dims shape;
    for (const Value& size : data.at("image_shape").as_sequence()) shape.push_back(size.as_int());
    if (shape.size() == 3) classifier.image_shape = shape;
  }
  if (data.contains("classes")) {
    for (const Value& name : data.at("classes").as_sequence()) {
      classifier.classes.push_back(name.as_string());
    }
  }
}

std::string size_text(const Dims& shape) {
  return concat(shape[2], " x ", shape[1]);
}

/// Gives an image the channels that the network was trained with, where that is possible.
Tensor match_channels(const SavedClassifier& classifier, const Tensor& image) {
  if (!classifier.image_shape) return image;
  const std::int64_t wanted = (*classifier.image_shape)[0];
  if (image.size(0) != 1 || wanted != 3) return image;
  Tensor wide = Tensor::empty({3, image.size(1), image.size(2)}, image.dtype());
  for (std::int64_t c = 0; c < 3; ++c) wide[c].copy_(image[0]);
  return wide;
}

}  // namespace

SavedClassifier load_classifier(const std::filesystem::path& path, Device device) {
  const std::string name = concat("'", path.string(), "'");
  const Value checkpoint = load(path, kCpu);
  SavedClassifier classifier;
  classifier.model = rebuild_digit_net(StateDict::from_value(find_model(checkpoint, name)), name);
  classifier.model->to(device);
  classifier.transforms = find_transforms(checkpoint);
  if (classifier.transforms.empty()) {
    classifier.transforms = {{"to_float", nn::ToFloat{}}, {"ravel", nn::Ravel{}}};
    classifier.default_transforms = true;
  }
  read_data_notes(classifier, checkpoint);
  const auto outputs = static_cast<std::size_t>(layer_sizes(*classifier.model).back());
  if (classifier.classes.size() != outputs) {
    classifier.classes.clear();
    for (std::size_t i = 0; i < outputs; ++i) classifier.classes.push_back(std::to_string(i));
  }
  return classifier;
}

void require_image_shape(const SavedClassifier& classifier, const Dims& shape) {
  if (classifier.image_shape) {
    const Dims& wanted = *classifier.image_shape;
    if (shape[1] != wanted[1] || shape[2] != wanted[2]) {
      throw ShapeError(
          concat("is ", size_text(shape), " pixels; the model was trained on ", size_text(wanted)));
    }
  }
  const std::int64_t inputs = layer_sizes(*classifier.model).front();
  const std::int64_t features = element_count(classifier.transforms.output_shape(shape));
  if (features != inputs) {
    throw ShapeError(concat("is ", size_text(shape), " pixels of ", shape[0],
                            shape[0] == 1 ? " channel" : " channels", ", ", features,
                            " numbers; the model takes ", inputs));
  }
}

Guess classify(SavedClassifier& classifier, const Tensor& image, Device device) {
  const Tensor matched = match_channels(classifier, image);
  require_image_shape(classifier, matched.shape());
  const Tensor prepared = classifier.transforms.apply(matched.unsqueeze(0).to(device));
  const Tensor logits = classifier.model->forward(prepared.reshape({1, -1})).to(kCpu);
  const std::vector<float> scores = logits.to_vector<float>();
  const auto best = std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (const float score : scores) sum += std::exp(static_cast<double>(score) - *best);
  return {static_cast<std::size_t>(best - scores.begin()), 1.0 / sum};
}

}  // namespace wick::tools
