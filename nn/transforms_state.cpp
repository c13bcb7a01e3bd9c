// SPDX-License-Identifier: MIT
// A Compose as it stands in a checkpoint, and back.
#include "core/error.h"
#include "nn/transforms.h"

namespace wick::nn {
namespace {

Tensor to_tensor(const std::vector<double>& values) {
  return Tensor::from(values, Dims{static_cast<std::int64_t>(values.size())});
}

/// One element per channel; a plain number, or a tensor of any floating dtype and of any shape, as
/// torchvision keeps it.
std::vector<double> to_values(const Value& value) {
  if (value.kind() != Value::Kind::tensor) return {value.as_double()};
  return value.as_tensor().to(kCpu).to(DType::float64).to_vector<double>();
}

Value to_state(const Transform& transform) {
  Dict state{{"type", type_name(transform)}};
  if (const auto* const to_float = std::get_if<ToFloat>(&transform)) {
    state.set("scale", to_float->scale);
  }
  if (const auto* const normalize = std::get_if<Normalize>(&transform)) {
    state.set("mean", to_tensor(normalize->mean));
    state.set("std", to_tensor(normalize->std));
  }
  return state;
}

Transform to_transform(const Value& state) {
  const std::string& type = state.at("type").as_string();
  if (type == "ToFloat") return ToFloat{state.at("scale").as_double()};
  if (type == "Grayscale") return Grayscale{};
  if (type == "Normalize")
    return Normalize{to_values(state.at("mean")), to_values(state.at("std"))};
  if (type == "Ravel") return Ravel{};
  throw ValueError(
      concat("its type is '", type, "'; known are ToFloat, Grayscale, Normalize and Ravel"));
}

}  // namespace

Value Compose::state_dict() const {
  Dict state(Dict::Type::ordered_dict);
  for (const auto& [name, transform] : steps_) state.set(name, to_state(transform));
  return state;
}

Compose Compose::from_state(const Value& state) {
  if (state.kind() != Value::Kind::dict) {
    throw StateDictError(
        concat("Compose: its state is a ", state.kind_name(), ", not a dict of transforms"));
  }
  Compose result;
  for (const auto& [name, step] : state.as_dict()) {
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
