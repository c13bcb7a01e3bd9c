// SPDX-License-Identifier: MIT
// A short list of dimension sizes or strides, and the checked arithmetic on it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wick/core/compiler.h"

namespace wick {

/// The sizes or the strides (in elements) of a tensor's dimensions. Up to six of them live inside
/// the object, so that handling tensors in a training step allocates nothing.
class WICK_API Dims {
 public:
  Dims() = default;
  Dims(std::initializer_list<std::int64_t> values);
  explicit Dims(std::span<const std::int64_t> values);
  Dims(std::size_t count, std::int64_t value);

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] const std::int64_t* data() const noexcept {
    return size_ <= kInline ? inline_.data() : heap_.data();
  }
  [[nodiscard]] std::int64_t* data() noexcept {
    return size_ <= kInline ? inline_.data() : heap_.data();
  }
  [[nodiscard]] std::int64_t operator[](std::size_t i) const noexcept { return data()[i]; }
  [[nodiscard]] std::int64_t& operator[](std::size_t i) noexcept { return data()[i]; }
  [[nodiscard]] const std::int64_t* begin() const noexcept { return data(); }
  [[nodiscard]] const std::int64_t* end() const noexcept { return data() + size_; }
  [[nodiscard]] std::int64_t* begin() noexcept { return data(); }
  [[nodiscard]] std::int64_t* end() noexcept { return data() + size_; }
  [[nodiscard]] std::int64_t back() const noexcept { return data()[size_ - 1]; }

  void push_back(std::int64_t value);
  void erase(std::size_t index);
  void insert(std::size_t index, std::int64_t value);

  friend WICK_API bool operator==(const Dims& a, const Dims& b) noexcept;

 private:
  WICK_HIDDEN static constexpr std::size_t kInline = 6;
  std::size_t size_ = 0;
  std::array<std::int64_t, kInline> inline_{};
  std::vector<std::int64_t> heap_;  // holds all of them once there are more than kInline
};

/// Prints "[2, 3]".
WICK_API std::ostream& operator<<(std::ostream& out, const Dims& dims);

/// torch.Tensor.flatten: dimensions `first` to `last` as one; these may count from the end. Throws
/// IndexError for dimensions that the shape does not have, and ShapeError where they are not in
/// order; both name `operation`.
[[nodiscard]] WICK_API Dims flattened_shape(const Dims& shape, std::int64_t first,
                                            std::int64_t last, std::string_view operation);

/// As Python prints a tuple: "(2, 3)", "(2,)", "()".
[[nodiscard]] WICK_API std::string python_tuple(const Dims& dims);

/// The number of elements: the product of the sizes, 1 for no dimensions.
/// Throws ShapeError for a negative size or a product that overflows 63 bits.
[[nodiscard]] WICK_API std::int64_t element_count(std::span<const std::int64_t> shape);

/// Strides of a row-major (C-contiguous) tensor: the last dimension has stride 1; sizes of 0 count
/// as 1, as in PyTorch. Throws ShapeError on overflow.
[[nodiscard]] WICK_API Dims contiguous_strides(std::span<const std::int64_t> shape);

/// True where the elements lie in row-major order without gaps (PyTorch's is_contiguous: strides
/// of dimensions of size 1 do not matter, and a tensor without elements is contiguous).
[[nodiscard]] WICK_API bool is_contiguous(std::span<const std::int64_t> shape,
                                          std::span<const std::int64_t> strides) noexcept;

/// One past the highest element that the layout reaches, counted from its first one: 0 for no
/// elements, else 1 + sum((size - 1) * stride). Throws ShapeError for a negative size or stride,
/// differing ranks, or overflow.
[[nodiscard]] WICK_API std::int64_t layout_extent(std::span<const std::int64_t> shape,
                                                  std::span<const std::int64_t> strides);

/// Turns a possibly negative dimension into [0, rank). Throws IndexError that names `operation`.
[[nodiscard]] WICK_API std::size_t wrap_dim(std::int64_t dim, std::size_t rank,
                                            std::string_view operation);

}  // namespace wick
