// SPDX-License-Identifier: MIT
// Parameters in flat memory: one tensor of all values, one of all gradients.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/core/parameter.h"

namespace wick {

/// The next multiple of 64 bytes, in elements: where a parameter of an arena may begin.
[[nodiscard]] WICK_API std::int64_t arena_padded(std::int64_t count, DType dtype) noexcept;

/// Puts parameters one behind the other into two flat tensors, their values into one and their
/// gradients into the other, so that what concerns all of them is one pass: an optimizer's step, a
/// norm, a copy, a sum over machines.
///
///   ParameterArena arena(model.named_parameters());
///   optim::Adam optimizer(model.parameters());   // finds them there and leaves them there
///   arena.part(arena.gradients(), "fc1.weight")  // is the parameter's gradient
///
/// Each parameter begins at a multiple of 64 bytes; between them are zeros, which stay zeros under
/// every update. All have one dtype and one device. Parameters that already lie one behind the
/// other, in this order, in an arena's memory are not moved. Others are: their numbers do not
/// change, but tensors taken from them before no longer share their storage. If something moves
/// them later (Module::to, an arena of another order), this arena still refers to the old memory:
/// check is_current(), call refresh().
///
/// The parameters are shared with the model; the memory lives as long as anything that is in it.
/// Thread safety: none.
class WICK_API ParameterArena {
 public:
  /// A parameter and its place.
  struct Entry {
    std::string name;
    ParameterPtr parameter;
    std::int64_t offset;  // of its first element in a flat tensor
  };

  /// Throws ValueError for a parameter that is null, has no value or appears twice, for two of one
  /// name, and for several dtypes or devices; then nothing has been moved.
  explicit ParameterArena(std::vector<NamedParameter> parameters);
  /// The names are "0", "1" ...
  explicit ParameterArena(const std::vector<ParameterPtr>& parameters);

  [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }
  /// The place in entries(). Throws IndexError that lists some of the names that there are.
  [[nodiscard]] std::size_t index_of(std::string_view name) const;

  /// Elements of a flat tensor, with those between the parameters.
  [[nodiscard]] std::int64_t size() const noexcept { return size_; }
  /// (size()), float32 for an arena of nothing.
  [[nodiscard]] const Tensor& values() const noexcept { return values_; }
  /// The part of a parameter whose has_grad is false means nothing.
  [[nodiscard]] const Tensor& gradients() const noexcept { return gradients_; }
  /// A new flat tensor of zeros in the same layout, for what is kept of each parameter.
  [[nodiscard]] Tensor zeros() const;

  /// One parameter's part of a flat tensor of this layout, in the parameter's shape; shares memory.
  /// Throws ShapeError for a tensor that is not (size()), and IndexError.
  [[nodiscard]] Tensor part(const Tensor& flat, std::size_t index) const;
  [[nodiscard]] Tensor part(const Tensor& flat, std::string_view name) const {
    return part(flat, index_of(name));
  }

  /// Whether the parameters still lie here.
  [[nodiscard]] bool is_current() const noexcept;
  /// Where they do not, does what the constructor does; throws as it does. Returns whether the
  /// memory is another one now. Offsets and shapes of the parameters are the same afterwards unless
  /// somebody has given them other shapes or another dtype.
  bool refresh();

 private:
  using Offsets = std::vector<std::int64_t>;
  void take_memory();
  [[nodiscard]] bool lie_in_order(const Offsets& offsets) const noexcept;
  void move(const Offsets& offsets, std::int64_t size) const;

  std::vector<Entry> entries_;
  std::int64_t size_ = 0;
  Tensor values_;
  Tensor gradients_;
};

}  // namespace wick
