// SPDX-License-Identifier: MIT
#include "wick/core/tensor.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "core/overlap.h"
#include "wick/core/backend.h"
#include "wick/core/backend/memory.h"
#include "wick/core/error.h"

namespace wick {

Tensor::Tensor(std::shared_ptr<Storage> storage, DType dtype, Dims shape, Dims strides,
               std::int64_t offset)
    : storage_(std::move(storage)),
      shape_(std::move(shape)),
      strides_(std::move(strides)),
      offset_(offset),
      numel_(element_count(shape_)),
      dtype_(dtype) {
  if (storage_ == nullptr) throw ValueError("Tensor: the storage is null");
  const auto capacity = static_cast<std::int64_t>(storage_->bytes() / size_of(dtype));
  const std::int64_t extent = layout_extent(shape_, strides_);
  // Without an element nothing is outside, wherever the offset points.
  const bool outside = numel_ != 0 && (offset > capacity || extent > capacity - offset);
  if (offset < 0 || outside) {
    throw ShapeError(concat("Tensor: shape ", shape_, " with strides ", strides_, " at offset ",
                            offset, " reaches outside a storage of ", capacity, " elements"));
  }
}

// -- Creation -------------------------------------------------------------------------------------

Tensor Tensor::empty(const Dims& shape, DType dtype, Device device) {
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(element_count(shape), static_cast<std::int64_t>(size_of(dtype)),
                             &bytes)) {
    throw ShapeError(
        concat("a tensor of shape ", shape, " and ", dtype, ": its bytes overflow 63 bits"));
  }
  Backend& backend = backend_for(device);
  try {
    return {std::make_shared<Storage>(static_cast<std::size_t>(bytes), backend), dtype, shape,
            contiguous_strides(shape), 0};
  } catch (const OutOfMemoryError& error) {
    throw OutOfMemoryError(concat("a tensor of shape ", shape, " and ", dtype, ": ", error.what()),
                           error.requested(), error.free(), error.total());
  }
}

Tensor Tensor::empty_like(const Tensor& other) {
  return empty(other.shape(), other.dtype(), other.device());
}

Tensor Tensor::zeros_like(const Tensor& other) {
  return zeros(other.shape(), other.dtype(), other.device());
}

Tensor Tensor::ones_like(const Tensor& other) {
  return ones(other.shape(), other.dtype(), other.device());
}

Tensor Tensor::zeros(const Dims& shape, DType dtype, Device device) {
  Tensor result = empty(shape, dtype, device);
  result.zero_();
  return result;
}

Tensor Tensor::ones(const Dims& shape, DType dtype, Device device) {
  return full(shape, 1.0, dtype, device);
}

Tensor Tensor::full(const Dims& shape, double value, DType dtype, Device device) {
  Tensor result = empty(shape, dtype, device);
  result.fill_(value);
  return result;
}

Tensor Tensor::arange(std::int64_t count, DType dtype, Device device) {
  if (count < 0) throw ValueError(concat("Tensor::arange: count ", count, " is negative"));
  Tensor result = empty({count}, DType::int64);
  auto* const data = result.data<std::int64_t>();
  for (std::int64_t i = 0; i < count; ++i) data[i] = i;
  return result.to(dtype).to(device);
}

// -- What it is -----------------------------------------------------------------------------------

void Tensor::require_defined(const char* operation) const {
  if (!defined()) throw ValueError(concat(operation, ": the tensor is undefined"));
}

std::int64_t Tensor::size(std::int64_t dim) const {
  return shape_[wrap_dim(dim, shape_.size(), "Tensor::size")];
}

Device Tensor::device() const {
  require_defined("Tensor::device");
  return storage_->device();
}

Backend& Tensor::backend() const {
  require_defined("Tensor::backend");
  return storage_->backend();
}

void* Tensor::raw() const {
  require_defined("Tensor::raw");
  // Without elements the offset may point behind the storage.
  if (storage_->data() == nullptr || numel_ == 0) return storage_->data();
  return static_cast<std::byte*>(storage_->data()) +
         static_cast<std::size_t>(offset_) * size_of(dtype_);
}

void Tensor::require_dtype(DType wanted, const char* operation) const {
  require_defined(operation);
  if (dtype_ != wanted) {
    require_numbers(dtype_, operation);
    throw DTypeError(concat(operation, ": asked for ", wanted, " elements of ", *this,
                            "; convert with to(DType) first"));
  }
}

void Tensor::require_elements(const char* operation) const {
  if (storage_->device() == kMeta) {
    throw DeviceError(concat(operation, ": ", *this, " has a shape but no elements"));
  }
}

StridedRef Tensor::strided() const {
  return {raw(), dtype_, shape_, strides_};
}

std::string Tensor::description() const {
  if (!defined()) return "Tensor(undefined)";
  return concat("Tensor(", dtype_, ' ', shape_, ' ', device(), ')');
}

void Tensor::read_one(DType wanted, void* host, const char* operation) const {
  require_dtype(wanted, operation);
  copy_bytes_to_host(host);  // one element is contiguous
}

Tensor Tensor::element(std::initializer_list<std::int64_t> index) const {
  if (index.size() != shape_.size()) {
    throw IndexError(concat("Tensor::at: ", index.size(), " indices for ", *this));
  }
  Tensor result = *this;
  for (const std::int64_t i : index) {
    const std::int64_t size = result.size(0);
    if (i < -size || i >= size) {
      throw IndexError(concat("Tensor::at: index ", i, " is out of range for dimension ",
                              dim() - result.dim(), " of ", *this));
    }
    result = result.select(0, i);
  }
  return result;
}

// -- Copies ---------------------------------------------------------------------------------------

Tensor Tensor::contiguous() const {
  require_defined("Tensor::contiguous");
  return is_contiguous() ? *this : clone();
}

Tensor Tensor::clone() const {
  require_defined("Tensor::clone");
  Tensor result = empty(shape_, dtype_, device());
  result.copy_(*this);
  return result;
}

Tensor Tensor::to(Device device) const {
  require_defined("Tensor::to");
  if (device == this->device()) return *this;
  Tensor result = empty(shape_, dtype_, device);
  result.copy_(*this);
  return result;
}

Tensor Tensor::to(DType dtype) const {
  require_defined("Tensor::to");
  if (dtype == dtype_) return *this;
  require_numbers(dtype_, "Tensor::to");
  require_numbers(dtype, "Tensor::to");
  Tensor result = empty(shape_, dtype, device());
  result.copy_(*this);
  return result;
}

// -- Writing --------------------------------------------------------------------------------------

void Tensor::copy_bytes_from_host(const void* host) const {
  if (numel_ == 0) return;
  storage_->bump_version();
  backend().copy_from_host(raw(), host, nbytes());
}

void Tensor::copy_bytes_to_host(void* host) const {
  if (numel_ != 0) backend().copy_to_host(host, raw(), nbytes());
}

void Tensor::copy_(const Tensor& source) const {
  require_defined("Tensor::copy_");
  source.require_defined("Tensor::copy_");
  if (shape_ != source.shape_) {
    throw ShapeError(concat("Tensor::copy_: cannot copy ", source, " into ", *this));
  }
  if (dtype_ != source.dtype_) {
    require_numbers(dtype_, "Tensor::copy_");
    require_numbers(source.dtype_, "Tensor::copy_");
  }
  if (numel_ == 0) return;
  require_no_internal_overlap("Tensor::copy_", *this);
  if (device() == source.device()) {
    switch (overlap_of(*this, source)) {
      case Overlap::partial: detail::refuse_overlap("Tensor::copy_", *this, source);
      case Overlap::same:
        if (dtype_ == source.dtype_) return;
        break;
      case Overlap::none: break;
    }
    storage_->bump_version();
    backend().copy_strided(strided(), source.strided());
    return;
  }
  storage_->bump_version();
  // Between devices the bytes travel contiguous and unconverted: straight where there is a way,
  // else through host memory.
  const Tensor from = source.contiguous();
  if (device().type != DeviceType::cpu && from.device().type != DeviceType::cpu) {
    const Tensor here =
        is_contiguous() && dtype_ == from.dtype_ ? *this : empty(shape_, from.dtype_, device());
    if (backend().copy_from_peer(here.raw(), from.backend(), from.raw(), from.nbytes())) {
      if (here.storage_ != storage_) backend().copy_strided(strided(), here.strided());
      return;
    }
  }
  if (from.device() == kCpu && is_contiguous() && dtype_ == from.dtype_) {
    copy_bytes_from_host(from.raw());
    return;
  }
  if (device() == kCpu && is_contiguous() && dtype_ == from.dtype_) {
    from.copy_bytes_to_host(raw());
    return;
  }
  const Tensor host = empty(shape_, from.dtype_, kCpu);
  from.copy_bytes_to_host(host.raw());
  const Tensor here = empty(shape_, from.dtype_, device());
  here.copy_bytes_from_host(host.raw());
  backend().copy_strided(strided(), here.strided());
}

void Tensor::fill_(double value) const {
  require_defined("Tensor::fill_");
  if (value != 0 || std::signbit(value)) require_numbers(dtype_, "Tensor::fill_");
  if (numel_ == 0) return;
  storage_->bump_version();
  // One converted element, repeated by strides of zero. Opaque dtypes have a zero: bytes of 0.
  const Tensor element =
      is_opaque(dtype_) ? zeros({}, dtype_, device()) : scalar(value).to(dtype_).to(device());
  backend().copy_strided(strided(), {element.raw(), dtype_, shape_, Dims(shape_.size(), 0)});
}

void Tensor::zero_() const {
  require_defined("Tensor::zero_");
  if (numel_ == 0) return;
  if (is_contiguous()) {
    storage_->bump_version();
    backend().zero(raw(), nbytes());
  } else {
    fill_(0.0);
  }
}

// -- Free functions -------------------------------------------------------------------------------

bool bitwise_equal(const Tensor& a, const Tensor& b) {
  if (a.defined() != b.defined() || a.dtype() != b.dtype() || a.shape() != b.shape()) return false;
  if (a.numel() == 0) return true;
  const Tensor left = a.to(kCpu).contiguous();
  const Tensor right = b.to(kCpu).contiguous();
  return std::memcmp(left.raw(), right.raw(), left.nbytes()) == 0;
}

}  // namespace wick
