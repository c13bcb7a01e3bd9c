// SPDX-License-Identifier: MIT
// The tensors that share a storage with another one: other shapes, parts, orders.
#include <algorithm>
#include <utility>

#include "core/broadcast.h"
#include "wick/core/error.h"
#include "wick/core/tensor.h"

namespace wick {

namespace {

// Replaces one -1 by the size that the count asks for.
Dims infer_shape(const char* operation, const Dims& shape, const Tensor& tensor) {
  const std::int64_t numel = tensor.numel();
  Dims result = shape;
  std::int64_t* inferred = nullptr;
  std::int64_t known = 1;
  for (std::int64_t& size : result) {
    if (size == -1 && inferred == nullptr) {
      inferred = &size;
    } else if (size < 0 || __builtin_mul_overflow(known, size, &known)) {
      throw ShapeError(concat(operation, ": ", shape, " is no shape for ", tensor));
    }
  }
  if (inferred != nullptr && known != 0 && numel % known == 0) *inferred = numel / known;
  if (std::ranges::find(result, -1) != result.end() || element_count(result) != numel) {
    throw ShapeError(concat(operation, ": shape ", shape, " does not hold the ", numel,
                            " elements of ", tensor));
  }
  return result;
}

// Strides that give `shape` over the same elements without a copy; false where there are none.
// Walks groups of old dimensions that are contiguous among themselves, from the last backwards, and
// lets each run of new dimensions fill exactly one group. Dimensions of size 1, whose strides
// matter to nobody, get the ones that PyTorch gives them, so that checkpoints agree.
bool view_strides(const Dims& old_shape, const Dims& old_strides, const Dims& shape,
                  Dims& strides) {
  strides = contiguous_strides(shape);
  if (element_count(shape) == 0) {
    if (shape == old_shape) strides = old_strides;
    return true;
  }
  if (old_shape.empty()) return true;
  std::size_t next = shape.size();  // one past the new dimension to place
  std::int64_t base = old_strides.back();
  std::int64_t group = 1;
  for (std::size_t i = old_shape.size(); i-- > 0;) {
    group *= old_shape[i];
    if (i > 0 && (old_shape[i - 1] == 1 || old_strides[i - 1] == base * group)) continue;
    std::int64_t filled = 1;
    while (next > 0 && (filled < group || shape[next - 1] == 1)) {
      strides[next - 1] = base * filled;
      filled *= shape[next - 1];
      --next;
    }
    if (filled != group) return false;
    if (i > 0) base = old_strides[i - 1];
    group = 1;
  }
  return true;
}

}  // namespace

Tensor Tensor::view(const Dims& shape) const {
  require_defined("Tensor::view");
  const Dims wanted = infer_shape("Tensor::view", shape, *this);
  Dims strides;
  if (!view_strides(shape_, strides_, wanted, strides)) {
    throw ShapeError(concat("Tensor::view: the strides ", strides_, " of ", *this,
                            " do not allow shape ", wanted, "; use reshape()"));
  }
  return as_strided(wanted, strides, offset_);
}

Tensor Tensor::reshape(const Dims& shape) const {
  require_defined("Tensor::reshape");
  const Dims wanted = infer_shape("Tensor::reshape", shape, *this);
  Dims strides;
  if (view_strides(shape_, strides_, wanted, strides)) return as_strided(wanted, strides, offset_);
  return clone().view(wanted);
}

namespace {

// Of a tensor without elements, offset and strides are any numbers.
std::int64_t moved_offset(std::int64_t offset, std::int64_t steps, std::int64_t stride,
                          const char* operation) {
  std::int64_t distance = 0;
  if (__builtin_mul_overflow(steps, stride, &distance) ||
      __builtin_add_overflow(offset, distance, &offset)) {
    throw ShapeError(concat(operation, ": ", steps, " steps of stride ", stride,
                            " behind an offset overflow 63 bits"));
  }
  return offset;
}

}  // namespace

Tensor Tensor::slice(std::int64_t dim, std::int64_t start, std::int64_t stop,
                     std::int64_t step) const {
  require_defined("Tensor::slice");
  const std::size_t d = wrap_dim(dim, shape_.size(), "Tensor::slice");
  if (step < 1) throw ValueError(concat("Tensor::slice: step ", step, " is not positive"));
  const std::int64_t size = shape_[d];
  const auto clamp = [size](std::int64_t at) {
    return std::clamp<std::int64_t>(at < 0 ? at + size : at, 0, size);
  };
  const std::int64_t first = clamp(start);
  const std::int64_t length = std::max<std::int64_t>(clamp(stop) - first, 0);
  Dims shape = shape_;
  Dims strides = strides_;
  shape[d] = length / step + (length % step != 0 ? 1 : 0);
  // Where the product overflows, the dimension has one element at most and any stride will do.
  if (__builtin_mul_overflow(strides_[d], step, &strides[d])) strides[d] = strides_[d];
  // As in PyTorch an empty slice begins where it was asked for, maybe behind the storage.
  return as_strided(shape, strides, moved_offset(offset_, first, strides_[d], "Tensor::slice"));
}

Tensor Tensor::select(std::int64_t dim, std::int64_t index) const {
  require_defined("Tensor::select");
  const std::size_t d = wrap_dim(dim, shape_.size(), "Tensor::select");
  const std::int64_t size = shape_[d];
  if (index < -size || index >= size) {
    throw IndexError(concat("Tensor::select: index ", index, " is out of range for dimension ", d,
                            " of ", *this));
  }
  Dims shape = shape_;
  Dims strides = strides_;
  shape.erase(d);
  strides.erase(d);
  return as_strided(
      shape, strides,
      moved_offset(offset_, index < 0 ? index + size : index, strides_[d], "Tensor::select"));
}

Tensor Tensor::transpose(std::int64_t dim0, std::int64_t dim1) const {
  require_defined("Tensor::transpose");
  const std::size_t a = wrap_dim(dim0, shape_.size(), "Tensor::transpose");
  const std::size_t b = wrap_dim(dim1, shape_.size(), "Tensor::transpose");
  Dims shape = shape_;
  Dims strides = strides_;
  std::swap(shape[a], shape[b]);
  std::swap(strides[a], strides[b]);
  return as_strided(shape, strides, offset_);
}

Tensor Tensor::permute(const Dims& order) const {
  require_defined("Tensor::permute");
  Dims shape;
  Dims strides;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::size_t d = wrap_dim(order[i], shape_.size(), "Tensor::permute");
    for (std::size_t before = 0; before < i; ++before) {
      if (wrap_dim(order[before], shape_.size(), "Tensor::permute") == d) {
        throw ValueError(concat("Tensor::permute: ", order, " repeats a dimension"));
      }
    }
    shape.push_back(shape_[d]);
    strides.push_back(strides_[d]);
  }
  if (shape.size() != shape_.size()) {
    throw ShapeError(concat("Tensor::permute: ", order, " must name each dimension of ", *this));
  }
  return as_strided(shape, strides, offset_);
}

Tensor Tensor::unsqueeze(std::int64_t dim) const {
  require_defined("Tensor::unsqueeze");
  const std::size_t d = wrap_dim(dim, shape_.size() + 1, "Tensor::unsqueeze");
  Dims shape = shape_;
  Dims strides = strides_;
  std::int64_t stride = 1;
  // Where the product overflows, there is no element and any stride will do.
  if (d < shape.size() && __builtin_mul_overflow(shape[d], strides[d], &stride)) stride = 1;
  strides.insert(d, stride);
  shape.insert(d, 1);
  return as_strided(shape, strides, offset_);
}

Tensor Tensor::t() const {
  require_defined("Tensor::t");
  if (dim() > 2) {
    throw ShapeError(concat("Tensor::t: ", *this,
                            " has more than two dimensions; use transpose() or permute()"));
  }
  return dim() < 2 ? *this : transpose(0, 1);
}

Tensor Tensor::squeeze() const {
  require_defined("Tensor::squeeze");
  Dims shape;
  Dims strides;
  for (std::size_t d = 0; d < shape_.size(); ++d) {
    if (shape_[d] == 1) continue;
    shape.push_back(shape_[d]);
    strides.push_back(strides_[d]);
  }
  return as_strided(shape, strides, offset_);
}

Tensor Tensor::squeeze(std::int64_t dim) const {
  require_defined("Tensor::squeeze");
  // PyTorch takes 0 and -1 for a tensor without dimensions.
  const std::size_t d = wrap_dim(dim, std::max<std::size_t>(shape_.size(), 1), "Tensor::squeeze");
  if (shape_.empty() || shape_[d] != 1) return *this;
  return select(dim, 0);
}

Tensor Tensor::expand(const Dims& shape) const {
  require_defined("Tensor::expand");
  Dims wanted = shape;
  const std::size_t missing = shape.size() - std::min(shape.size(), shape_.size());
  for (std::size_t d = missing; d < wanted.size(); ++d) {
    if (wanted[d] == -1) wanted[d] = shape_[d - missing];
  }
  return as_strided(wanted, broadcast_strides("Tensor::expand", *this, wanted), offset_);
}

Tensor Tensor::flatten(std::int64_t start, std::int64_t end) const {
  require_defined("Tensor::flatten");
  return reshape(flattened_shape(shape_, start, end, "Tensor::flatten"));
}

Tensor Tensor::as_strided(const Dims& shape, const Dims& strides, std::int64_t offset) const {
  require_defined("Tensor::as_strided");
  Tensor result(storage_, dtype_, shape, strides, offset);
  result.requires_grad_ = requires_grad_;
  return result;
}

}  // namespace wick
