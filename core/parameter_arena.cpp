// SPDX-License-Identifier: MIT
#include "wick/core/parameter_arena.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "wick/core/error.h"

namespace wick {

/// The two allocations that a move has made. Parameters keep it, so that those of equal memory are
/// known to have nothing but zeros between them; it does not keep the memory.
struct ArenaMemory {
  std::weak_ptr<Storage> values;
  std::weak_ptr<Storage> gradients;
};

std::int64_t arena_padded(std::int64_t count, DType dtype) noexcept {
  constexpr std::size_t kAlignment = 64;
  const auto unit = static_cast<std::int64_t>(kAlignment / size_of(dtype));
  return (count + unit - 1) / unit * unit;
}

namespace {

std::vector<NamedParameter> numbered(const std::vector<ParameterPtr>& parameters) {
  std::vector<NamedParameter> result;
  result.reserve(parameters.size());
  for (const ParameterPtr& parameter : parameters) {
    result.emplace_back(std::to_string(result.size()), parameter);
  }
  return result;
}

void require_alike(const std::vector<NamedParameter>& parameters) {
  std::unordered_set<const Parameter*> seen;
  std::unordered_set<std::string_view> names;
  for (const auto& [name, parameter] : parameters) {
    if (parameter == nullptr || !parameter->value.defined()) {
      throw ValueError(concat("ParameterArena: parameter \"", name, "\" is undefined"));
    }
    if (!seen.insert(parameter.get()).second) {
      throw ValueError(concat("ParameterArena: parameter \"", name, "\" appears twice"));
    }
    if (!names.insert(name).second) {
      throw ValueError(concat("ParameterArena: two parameters are called \"", name, "\""));
    }
    const Tensor& first = parameters.front().second->value;
    const Tensor& value = parameter->value;
    if (value.dtype() != first.dtype() || value.device() != first.device()) {
      throw ValueError(concat("ParameterArena: parameters must share one dtype and device, got ",
                              first, " and, for \"", name, "\", ", value));
    }
  }
}

bool lies_at(const Parameter& parameter, const std::shared_ptr<Storage>& values,
             const std::shared_ptr<Storage>& gradients, std::int64_t offset) noexcept {
  return parameter.value.storage() == values && parameter.grad.storage() == gradients &&
         parameter.value.offset() == offset && parameter.grad.offset() == offset;
}

Tensor view_of(const Tensor& flat, const Dims& shape, std::int64_t offset) {
  return flat.as_strided(shape, contiguous_strides(shape), flat.offset() + offset);
}

}  // namespace

ParameterArena::ParameterArena(std::vector<NamedParameter> parameters) {
  require_alike(parameters);
  entries_.reserve(parameters.size());
  for (auto& [name, parameter] : parameters) {
    entries_.push_back({std::move(name), std::move(parameter), 0});
  }
  take_memory();
}

ParameterArena::ParameterArena(const std::vector<ParameterPtr>& parameters)
    : ParameterArena(numbered(parameters)) {}

void ParameterArena::take_memory() {
  Offsets offsets;
  offsets.reserve(entries_.size());
  std::int64_t size = 0;
  for (const Entry& entry : entries_) {
    const Tensor& value = entry.parameter->value;
    offsets.push_back(size);
    size += arena_padded(value.numel(), value.dtype());
  }
  Tensor values;
  Tensor gradients;
  if (entries_.empty()) {
    values = gradients = Tensor::zeros({0});
  } else {
    if (!lie_in_order(offsets)) move(offsets, size);
    const Parameter& first = *entries_.front().parameter;
    values = first.value.as_strided({size}, {1}, first.value.offset());
    gradients = first.grad.as_strided({size}, {1}, first.grad.offset());
  }
  // Nothing throws from here on.
  for (std::size_t i = 0; i < entries_.size(); ++i) entries_[i].offset = offsets[i];
  size_ = size;
  values_ = std::move(values);
  gradients_ = std::move(gradients);
}

// Whether an arena has put them here, one behind the other.
bool ParameterArena::lie_in_order(const Offsets& offsets) const noexcept {
  const Parameter& first = *entries_.front().parameter;
  const ArenaMemory* const memory = first.arena_memory.get();
  if (memory == nullptr) return false;
  const std::shared_ptr<Storage> values = memory->values.lock();
  const std::shared_ptr<Storage> gradients = memory->gradients.lock();
  if (values == nullptr || gradients == nullptr) return false;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Parameter& each = *entries_[i].parameter;
    if (each.arena_memory.get() != memory || !each.value.is_contiguous() ||
        !lies_at(each, values, gradients, first.value.offset() + offsets[i])) {
      return false;
    }
  }
  return true;
}

void ParameterArena::move(const Offsets& offsets, std::int64_t size) const {
  const Tensor& first = entries_.front().parameter->value;
  const Tensor values = Tensor::zeros({size}, first.dtype(), first.device());
  const Tensor gradients = Tensor::zeros({size}, first.dtype(), first.device());
  const auto memory =
      std::make_shared<const ArenaMemory>(ArenaMemory{values.storage(), gradients.storage()});
  struct Part {
    Tensor value;
    Tensor gradient;
  };
  std::vector<Part> parts;
  parts.reserve(entries_.size());
  // First everything that may throw.
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Parameter& parameter = *entries_[i].parameter;
    const Dims& shape = parameter.value.shape();
    parts.push_back({view_of(values, shape, offsets[i]), view_of(gradients, shape, offsets[i])});
    parts.back().value.copy_(parameter.value);
    if (parameter.has_grad) parts.back().gradient.copy_(parameter.grad);
  }
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    Parameter& parameter = *entries_[i].parameter;
    parameter.value = std::move(parts[i].value);
    parameter.grad = std::move(parts[i].gradient);
    parameter.arena_memory = memory;
  }
}

std::size_t ParameterArena::index_of(std::string_view name) const {
  const auto found = std::ranges::find(entries_, name, &Entry::name);
  if (found != entries_.end()) return static_cast<std::size_t>(found - entries_.begin());
  std::string known;
  for (std::size_t i = 0; i < std::min<std::size_t>(entries_.size(), 8); ++i) {
    known = concat(known, i == 0 ? "" : ", ", entries_[i].name);
  }
  if (entries_.size() > 8) known += " ...";
  throw IndexError(concat("ParameterArena: there is no parameter \"", name, "\"; there are ",
                          entries_.empty() ? "none" : known));
}

Tensor ParameterArena::zeros() const {
  return Tensor::zeros({size_}, values_.dtype(), values_.device());
}

Tensor ParameterArena::part(const Tensor& flat, std::size_t index) const {
  if (index >= entries_.size()) {
    throw IndexError(
        concat("ParameterArena: there is no parameter ", index, "; there are ", entries_.size()));
  }
  if (flat.shape() != Dims{size_}) {
    throw ShapeError(
        concat("ParameterArena: a flat tensor of it has shape (", size_, "), got ", flat));
  }
  return view_of(flat, entries_[index].parameter->value.shape(), entries_[index].offset);
}

bool ParameterArena::is_current() const noexcept {
  return std::ranges::all_of(entries_, [this](const Entry& entry) {
    return lies_at(*entry.parameter, values_.storage(), gradients_.storage(),
                   values_.offset() + entry.offset);
  });
}

bool ParameterArena::refresh() {
  if (is_current()) return false;
  std::vector<NamedParameter> parameters;
  for (const Entry& entry : entries_) parameters.emplace_back(entry.name, entry.parameter);
  require_alike(parameters);
  const std::shared_ptr<Storage> before = values_.storage();
  take_memory();
  return values_.storage() != before;
}

}  // namespace wick
