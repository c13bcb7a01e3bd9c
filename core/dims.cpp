// SPDX-License-Identifier: MIT
#include "wick/core/dims.h"

#include <algorithm>
#include <ostream>
#include <string>

#include "wick/core/error.h"

namespace wick {
namespace {

[[noreturn]] void overflow(const char* what, std::span<const std::int64_t> shape) {
  throw ShapeError(concat(what, ": shape ", Dims(shape), " overflows 63 bits"));
}

}  // namespace

Dims::Dims(std::initializer_list<std::int64_t> values)
    : Dims(std::span<const std::int64_t>(values.begin(), values.size())) {}

Dims::Dims(std::span<const std::int64_t> values) : size_(values.size()) {
  if (size_ > kInline) {
    heap_.assign(values.begin(), values.end());
  } else {
    std::copy(values.begin(), values.end(), inline_.begin());
  }
}

Dims::Dims(std::size_t count, std::int64_t value) : size_(count) {
  if (size_ > kInline) {
    heap_.assign(count, value);
  } else {
    std::fill_n(inline_.begin(), count, value);
  }
}

void Dims::push_back(std::int64_t value) {
  insert(size_, value);
}

void Dims::erase(std::size_t index) {
  std::copy(begin() + index + 1, end(), begin() + index);
  if (size_ == kInline + 1) std::copy_n(heap_.begin(), kInline, inline_.begin());
  --size_;
  if (size_ > kInline) heap_.resize(size_);
}

void Dims::insert(std::size_t index, std::int64_t value) {
  if (size_ == kInline) {
    heap_.assign(inline_.begin(), inline_.end());
    heap_.push_back(0);
  } else if (size_ > kInline) {
    heap_.push_back(0);
  }
  ++size_;
  std::copy_backward(begin() + index, end() - 1, end());
  data()[index] = value;
}

Dims flattened_shape(const Dims& shape, std::int64_t first, std::int64_t last,
                     std::string_view operation) {
  if (shape.empty()) return {1};
  const std::size_t begin = wrap_dim(first, shape.size(), operation);
  const std::size_t end = wrap_dim(last, shape.size(), operation);
  if (begin > end) {
    throw ShapeError(concat(operation, ": start_dim ", first, " is behind end_dim ", last,
                            " in the shape ", shape));
  }
  Dims result;
  for (std::size_t i = 0; i <= begin; ++i) result.push_back(shape[i]);
  for (std::size_t i = begin + 1; i < shape.size(); ++i) {
    if (i <= end) {
      result[begin] *= shape[i];
    } else {
      result.push_back(shape[i]);
    }
  }
  return result;
}

std::string python_tuple(const Dims& dims) {
  std::string text = "(";
  for (std::size_t i = 0; i < dims.size(); ++i) text += concat(i == 0 ? "" : ", ", dims[i]);
  return text + (dims.size() == 1 ? ",)" : ")");
}

bool operator==(const Dims& a, const Dims& b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

std::ostream& operator<<(std::ostream& out, const Dims& dims) {
  std::string text = "[";
  for (std::size_t i = 0; i < dims.size(); ++i) text += concat(i == 0 ? "" : ", ", dims[i]);
  return out << text + ']';
}

std::int64_t element_count(std::span<const std::int64_t> shape) {
  std::int64_t count = 1;
  // A zero anywhere makes the count zero, but the other sizes must be valid all the same.
  bool zero = false;
  for (const std::int64_t size : shape) {
    if (size < 0) throw ShapeError(concat("shape ", Dims(shape), " has a negative size"));
    if (size == 0) {
      zero = true;
    } else if (__builtin_mul_overflow(count, size, &count)) {
      overflow("element count", shape);
    }
  }
  return zero ? 0 : count;
}

Dims contiguous_strides(std::span<const std::int64_t> shape) {
  Dims strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) {
    const std::int64_t size = std::max<std::int64_t>(shape[i], 1);
    if (__builtin_mul_overflow(strides[i], size, &strides[i - 1])) overflow("strides", shape);
  }
  return strides;
}

bool is_contiguous(std::span<const std::int64_t> shape,
                   std::span<const std::int64_t> strides) noexcept {
  if (std::ranges::find(shape, 0) != shape.end()) return true;
  std::int64_t expected = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    if (shape[i] == 1) continue;
    if (strides[i] != expected) return false;
    expected *= shape[i];
  }
  return true;
}

std::int64_t layout_extent(std::span<const std::int64_t> shape,
                           std::span<const std::int64_t> strides) {
  if (shape.size() != strides.size()) {
    throw ShapeError(concat("shape ", Dims(shape), " and strides ", Dims(strides),
                            " have different numbers of dimensions"));
  }
  const std::int64_t count = element_count(shape);
  std::int64_t last = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (strides[i] < 0) throw ShapeError(concat("strides ", Dims(strides), ": negative stride"));
    std::int64_t reach = 0;
    if (count != 0 && (__builtin_mul_overflow(shape[i] - 1, strides[i], &reach) ||
                       __builtin_add_overflow(last, reach, &last))) {
      throw ShapeError(
          concat("shape ", Dims(shape), " with strides ", Dims(strides), " overflows 63 bits"));
    }
  }
  if (count == 0) return 0;
  if (__builtin_add_overflow(last, 1, &last)) overflow("layout", shape);
  return last;
}

std::size_t wrap_dim(std::int64_t dim, std::size_t rank, std::string_view operation) {
  const auto signed_rank = static_cast<std::int64_t>(rank);
  if (dim < -signed_rank || dim >= signed_rank) {
    const std::string range =
        rank == 0 ? "" : concat("; expected ", -signed_rank, " to ", signed_rank - 1);
    throw IndexError(concat(operation, ": dimension ", dim, " is out of range for a tensor of ",
                            rank, " dimension(s)", range));
  }
  return static_cast<std::size_t>(dim < 0 ? dim + signed_rank : dim);
}

}  // namespace wick
