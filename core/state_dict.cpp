// SPDX-License-Identifier: MIT
#include "wick/core/state_dict.h"

#include "core/first_names.h"
#include "wick/core/error.h"

namespace wick {

StateDict StateDict::from_value(const Value& value) {
  if (value.kind() != Value::Kind::dict) {
    throw StateDictError(concat("a state dictionary must be a dict, got a ", value.kind_name()));
  }
  StateDict result;
  for (const auto& [key, item] : value.as_dict()) {
    if (key.kind() != Value::Kind::string) {
      throw StateDictError(
          concat("a state dictionary's keys must be str, got a ", key.kind_name()));
    }
    if (item.kind() != Value::Kind::tensor) {
      throw StateDictError(concat("state dictionary entry \"", key.as_string(),
                                  "\" must be a torch.Tensor, got a ", item.kind_name()));
    }
    result.set(key.as_string(), item.as_tensor());
  }
  if (const auto& attributes = value.as_dict().attributes()) {
    const Value* const metadata = attributes->find("_metadata");
    if (metadata != nullptr && metadata->kind() == Value::Kind::dict) {
      result.metadata_ = std::make_shared<Dict>(metadata->as_dict());
    }
  }
  return result;
}

Value StateDict::to_value() const {
  auto dict = std::make_shared<Dict>(Dict::Type::ordered_dict);
  for (const auto& [name, tensor] : entries_) dict->set(name, tensor);
  if (metadata_ != nullptr) {
    auto attributes = std::make_shared<Dict>();
    attributes->set("_metadata", Value(metadata_));
    dict->set_attributes(std::move(attributes));
  }
  return dict;
}

Value::Value(const StateDict& state) : Value(state.to_value()) {}

void StateDict::set(std::string name, Tensor tensor) {
  const auto [place, added] = index_.try_emplace(name, entries_.size());
  if (added) {
    entries_.emplace_back(std::move(name), std::move(tensor));
  } else {
    entries_[place->second].second = std::move(tensor);
  }
}

const Tensor* StateDict::find(std::string_view name) const {
  const auto place = index_.find(name);
  return place == index_.end() ? nullptr : &entries_[place->second].second;
}

const Tensor& StateDict::at(std::string_view name) const {
  const Tensor* const found = find(name);
  if (found != nullptr) return *found;
  const auto quoted = [](const Entry& entry) { return concat('"', entry.first, '"'); };
  throw StateDictError(concat("no tensor \"", name, "\" in the state dict; there are [",
                              first_names(entries_, quoted), "]"));
}

std::string describe_misfit(std::string_view name, const Tensor& given, const Tensor& wanted) {
  if (given.shape() != wanted.shape()) {
    return concat("\n  shape of \"", name, "\": the checkpoint has ", given.shape(), ", the model ",
                  wanted.shape());
  }
  if (!is_convertible(given.dtype(), wanted.dtype())) {
    return concat("\n  dtype of \"", name, "\": the checkpoint has ", given.dtype(),
                  ", which is not converted to the model's ", wanted.dtype());
  }
  // PyTorch warns and copies the real parts.
  if (is_complex(given.dtype()) && !is_complex(wanted.dtype())) {
    return concat("\n  dtype of \"", name, "\": the checkpoint has ", given.dtype(),
                  ", whose imaginary parts the model's ", wanted.dtype(), " would lose");
  }
  if (wanted.numel() != 0 && wanted.storage()->is_read_only()) {
    return concat("\n  \"", name,
                  "\": the model's tensor lies in read-only memory; use a clone() of it");
  }
  return {};
}

}  // namespace wick
