// SPDX-License-Identifier: MIT
// A Compose as it stands in a checkpoint, and back.
#include <memory>
#include <utility>

#include "wick/core/error.h"
#include "wick/core/state_dict.h"
#include "wick/nn/transforms.h"

namespace wick::nn {
namespace {

Tensor to_tensor(const std::vector<double>& values) {
  return Tensor::from(values, Dims{static_cast<std::int64_t>(values.size())});
}

/// One element per channel; a plain number, or a tensor of any floating dtype and of any shape, as
/// torchvision keeps it.
std::vector<double> to_values(const Value& value) {
  if (value.kind() != Value::Kind::tensor) return {value.as_double()};
  const Tensor& tensor = value.as_tensor();
  if (is_complex(tensor.dtype())) {
    throw DTypeError(concat("means and deviations must be real numbers, not ", tensor.dtype()));
  }
  return tensor.to(kCpu).to(DType::float64).to_vector<double>();
}

Value describe(const Transform& transform) {
  Dict description{{"type", type_name(transform)}};
  if (const auto* const to_float = std::get_if<ToFloat>(&transform)) {
    description.set("scale", to_float->scale);
  }
  if (const auto* const normalize = std::get_if<Normalize>(&transform)) {
    description.set("mean", to_tensor(normalize->mean));
    description.set("std", to_tensor(normalize->std));
  }
  return description;
}

Transform to_transform(const Value& description) {
  const std::string& type = description.at("type").as_string();
  if (type == "ToFloat") return ToFloat{description.at("scale").as_double()};
  if (type == "Grayscale") return Grayscale{};
  if (type == "Normalize")
    return Normalize{to_values(description.at("mean")), to_values(description.at("std"))};
  if (type == "Ravel") return Ravel{};
  throw ValueError(
      concat("its type is '", type, "'; known are ToFloat, Grayscale, Normalize and Ravel"));
}

}  // namespace

Value Compose::state_dict() const {
  StateDict state;
  auto metadata = std::make_shared<Dict>(Dict::Type::ordered_dict);
  metadata->set("", Dict{{"version", 1}});
  state.set_metadata(std::move(metadata));
  return state.to_value();
}

void Compose::load_state_dict(const Value& state) const {
  if (state.kind() != Value::Kind::dict) {
    throw StateDictError(
        concat("Compose::load_state_dict: wants a dict, got a ", state.kind_name()));
  }
  if (state.as_dict().empty()) return;
  std::string keys;
  for (const auto& [key, value] : state.as_dict()) {
    if (!keys.empty()) keys += ", ";
    keys += key.kind() == Value::Kind::string ? '"' + key.as_string() + '"'
                                              : concat("one of kind ", key.kind_name());
  }
  throw StateDictError(
      concat("Compose::load_state_dict: unexpected keys: ", keys,
             "; image transforms have no state (Compose::from_value takes a description)"));
}

Value Compose::to_value() const {
  Dict description(Dict::Type::ordered_dict);
  for (const auto& [name, transform] : steps_) description.set(name, describe(transform));
  return description;
}

Compose Compose::from_value(const Value& value) {
  if (value.kind() != Value::Kind::dict) {
    throw StateDictError(
        concat("Compose: its description is a ", value.kind_name(), ", not a dict of transforms"));
  }
  Compose result;
  for (const auto& [name, step] : value.as_dict()) {
    try {
      result.add(name.as_string(), to_transform(step));
    } catch (const Error& error) {
      const bool named = name.kind() == Value::Kind::string;
      throw StateDictError(concat(
          "Compose: cannot rebuild the transform ",
          named ? "'" + name.as_string() + "'" : "under a key that is no str", ": ", error.what()));
    }
  }
  return result;
}

}  // namespace wick::nn
