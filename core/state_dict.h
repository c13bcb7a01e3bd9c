// SPDX-License-Identifier: MIT
// Ordered names and tensors: what a model is made of, and what a checkpoint keeps of it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/core/keyed_hash.h"
#include "wick/core/value.h"

namespace wick {

/// PyTorch's state_dict of a module: an OrderedDict of tensors. The tensors share their storage
/// with the module they come from.
class WICK_API StateDict {
 public:
  using Entry = std::pair<std::string, Tensor>;

  StateDict() = default;
  /// Throws StateDictError where the value is no dict of str to torch.Tensor.
  [[nodiscard]] static StateDict from_value(const Value& value);
  /// An OrderedDict, with `_metadata` where there is some.
  [[nodiscard]] Value to_value() const;

  /// Appends, or overwrites where the name is there.
  void set(std::string name, Tensor tensor);
  [[nodiscard]] const Tensor* find(std::string_view name) const;
  /// Throws StateDictError that names it and the names there are.
  [[nodiscard]] const Tensor& at(std::string_view name) const;
  [[nodiscard]] const Tensor& operator[](std::string_view name) const { return at(name); }
  [[nodiscard]] bool contains(std::string_view name) const { return find(name) != nullptr; }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] auto begin() const noexcept { return entries_.begin(); }
  [[nodiscard]] auto end() const noexcept { return entries_.end(); }

  /// PyTorch's `_metadata`: module name ("" for the root) to its format version, in order.
  [[nodiscard]] const std::shared_ptr<Dict>& metadata() const noexcept { return metadata_; }
  void set_metadata(std::shared_ptr<Dict> metadata) { metadata_ = std::move(metadata); }

 private:
  std::vector<Entry> entries_;
  NameMap<std::size_t> index_;
  std::shared_ptr<Dict> metadata_;
};

/// Why a checkpoint's tensor cannot be copied to a model's of that name (a shape, an opaque dtype,
/// complex for real): a line for a StateDictError's list, with its line break in front, or empty.
[[nodiscard]] WICK_API std::string describe_misfit(std::string_view name, const Tensor& given,
                                                   const Tensor& wanted);

}  // namespace wick
