// SPDX-License-Identifier: MIT
// Rebuilds a classifier from a checkpoint.
#include "tools/cli/saved_classifier.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "tools/cli/digit_net.h"
#include "tools/cli/foreign_model.h"
#include "tools/cli/saved_transforms.h"
#include "tools/cli/train_config.h"
#include "tools/data/file_name.h"
#include "wick/core/error.h"
#include "wick/core/random.h"

namespace wick::tools {
namespace {

constexpr const char* kNoAnswer =
    "the network's answer is no finite number, so that no class can be told";

/// True for a checkpoint of the training program: it keeps the configuration of its run.
bool is_of_training_program(const Value& checkpoint) {
  const Value* const config = checkpoint.as_dict().find("config");
  if (config == nullptr || config->kind() != Value::Kind::dict) return false;
  try {
    (void)config_from(config->as_dict());
    return true;
  } catch (const Error&) {
    return false;
  }
}

std::unique_ptr<nn::Sequential> build(const nn::LinearChain& chain, Activation activation) {
  auto model = std::make_unique<nn::Sequential>();
  Generator generator;  // its numbers are overwritten
  for (std::size_t i = 0; i < chain.layers.size(); ++i) {
    const nn::LinearLayer& layer = chain.layers[i];
    const std::string number = std::to_string(i + 1);
    nn::LinearOptions options;
    options.bias = layer.bias.defined();
    model->add<nn::Linear>("layer" + number, layer.weight.size(1), layer.weight.size(0), generator,
                           options);
    if (i + 1 < chain.layers.size()) activation.add_to(*model, "activation" + number);
  }
  model->load_state_dict(nn::numbered_state(chain));
  model->eval();
  return model;
}

void set_transforms(SavedClassifier& classifier, const Value& checkpoint, bool own) {
  try {
    classifier.transforms = saved_transforms(checkpoint);
  } catch (const Error& error) {
    if (own) throw;
    // Another program's entry of that name.
    classifier.notes.push_back(concat("its transforms are not understood: ", error.what()));
  }
  if (!classifier.transforms.empty()) return;
  classifier.transforms = {{"to_float", nn::ToFloat{}}, {"ravel", nn::Ravel{}}};
  classifier.default_transforms = true;
  classifier.notes.emplace_back("it keeps no transforms; bytes are scaled to [0, 1]");
}

bool is_sequence(const Value* value) {
  return value != nullptr &&
         (value->kind() == Value::Kind::list || value->kind() == Value::Kind::tuple);
}

/// Three sizes; empty for anything else.
std::optional<Dims> image_shape_of(const Dict& data) {
  const Value* const shape = data.find("image_shape");
  if (!is_sequence(shape) || shape->as_sequence().size() != 3) return {};
  Dims sizes;
  for (const Value& size : shape->as_sequence()) {
    if (size.kind() != Value::Kind::integer || size.as_int() < 1 || size.as_int() > 1 << 20) {
      return {};
    }
    sizes.push_back(size.as_int());
  }
  return sizes;
}

std::vector<std::string> classes_of(const Dict& data) {
  const Value* const classes = data.find("classes");
  if (!is_sequence(classes)) return {};
  std::vector<std::string> names;
  for (const Value& name : classes->as_sequence()) {
    if (name.kind() != Value::Kind::string) return {};
    names.push_back(file_name_of(name.as_string()));
  }
  return names;
}

/// What the training program notes about its data. Other programs may have an entry of that name
/// too: what is of another kind, or does not fit the network, is left out.
void read_data_notes(SavedClassifier& classifier, const Value& checkpoint) {
  const std::vector<std::int64_t> sizes = layer_sizes(*classifier.model);
  const Value* const data = checkpoint.as_dict().find("data");
  if (data != nullptr && data->kind() == Value::Kind::dict) {
    const auto shape = image_shape_of(data->as_dict());
    if (shape && element_count(classifier.transforms.output_shape(*shape)) == sizes.front()) {
      classifier.image_shape = shape;
    }
    classifier.classes = classes_of(data->as_dict());
  }
  const auto outputs = static_cast<std::size_t>(sizes.back());
  if (classifier.classes.size() == outputs) return;
  classifier.classes.clear();
  for (std::size_t i = 0; i < outputs; ++i) classifier.classes.push_back(std::to_string(i));
}

std::string size_text(const Dims& shape) {
  return concat(shape[2], " x ", shape[1]);
}

/// The channels that the network wants of an image (C, H, W).
std::int64_t wanted_channels(const SavedClassifier& classifier, const Dims& shape) {
  if (classifier.image_shape) {
    return shape[0] == 1 && (*classifier.image_shape)[0] == 3 ? 3 : shape[0];
  }
  if (!classifier.default_transforms) return shape[0];
  const std::int64_t inputs = layer_sizes(*classifier.model).front();
  const std::int64_t pixels = shape[1] * shape[2];
  if (inputs == pixels) return 1;
  return inputs == 3 * pixels ? 3 : shape[0];
}

struct Prepared {
  Tensor images;
  nn::Compose transforms;
};

/// Images (N, C, H, W) of a shape that the classifier takes, with the channels it wants or with
/// transforms that make them so.
Prepared match_channels(const SavedClassifier& classifier, const Tensor& images) {
  const Dims& shape = images.shape();
  const std::int64_t wanted = wanted_channels(classifier, {shape[1], shape[2], shape[3]});
  Prepared prepared{images, classifier.transforms};
  if (wanted > shape[1]) {
    prepared.images = Tensor::empty({shape[0], wanted, shape[2], shape[3]}, images.dtype());
    for (std::int64_t c = 0; c < wanted; ++c) {
      prepared.images.slice(1, c, c + 1).copy_(images.slice(1, 0, 1));
    }
  } else if (wanted < shape[1]) {
    prepared.transforms = {
        {"to_float", nn::ToFloat{}}, {"grayscale", nn::Grayscale{}}, {"ravel", nn::Ravel{}}};
  }
  return prepared;
}

}  // namespace

SavedClassifier load_classifier(const std::filesystem::path& path, Device device,
                                std::optional<Activation> activation, const LoadOptions& options) {
  ForeignModel found = load_foreign_model(path, options);
  const bool own = is_of_training_program(found.checkpoint);
  if (own && activation && *activation != Activation::relu()) {
    throw ValueError(concat("--activation is ", activation->name(), ", but ", path,
                            " is of tools/train, whose networks have relu; leave it out"));
  }
  SavedClassifier classifier;
  classifier.notes = std::move(found.notes);
  if (!own && !activation && found.chain.layers.size() > 1) {
    classifier.notes.emplace_back(
        "its layers are taken to have ReLU between them (--activation says otherwise)");
  }
  classifier.model = build(found.chain, activation.value_or(Activation::relu()));
  classifier.model->to(device);
  set_transforms(classifier, found.checkpoint, own);
  read_data_notes(classifier, found.checkpoint);
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
  const std::int64_t channels = wanted_channels(classifier, shape);
  const std::int64_t features =
      element_count(classifier.transforms.output_shape({channels, shape[1], shape[2]}));
  if (features != inputs) {
    throw ShapeError(concat("is ", size_text(shape), " pixels of ", shape[0],
                            shape[0] == 1 ? " channel" : " channels", ", ", features,
                            " numbers; the model takes ", inputs));
  }
}

Guess classify(SavedClassifier& classifier, const Tensor& image, Device device) {
  require_image_shape(classifier, image.shape());
  Prepared prepared = match_channels(classifier, image.unsqueeze(0));
  const Tensor inputs = prepared.transforms.apply(prepared.images.to(device));
  const Tensor logits = classifier.model->forward(inputs.reshape({1, -1})).to(kCpu);
  const std::vector<float> scores = logits.to_vector<float>();
  const auto best = std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (const float score : scores) sum += std::exp(static_cast<double>(score) - *best);
  if (!std::isfinite(sum)) throw ValueError(kNoAnswer);
  return {static_cast<std::size_t>(best - scores.begin()), 1.0 / sum};
}

Score score(SavedClassifier& classifier, const Dataset& data, Device device) {
  const Dims& shape = data.images.shape();
  require_image_shape(classifier, {shape[1], shape[2], shape[3]});
  Prepared prepared = match_channels(classifier, data.images);
  const Score result = evaluate(*classifier.model, prepared.transforms, prepared.images.to(device),
                                data.labels.to(device));
  if (std::isnan(result.loss)) throw ValueError(kNoAnswer);
  return result;
}

}  // namespace wick::tools
