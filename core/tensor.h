// SPDX-License-Identifier: MIT
// A tensor: a layout (shape, strides, offset) over shared storage.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/core/device.h"
#include "wick/core/dims.h"
#include "wick/core/dtype.h"
#include "wick/core/storage.h"

namespace wick {

class Backend;
class Generator;
struct StridedRef;

/// Marks the end of a dimension in slice().
inline constexpr std::int64_t kEnd = INT64_MAX;

/// See Tensor::from_blob().
struct BlobOptions {
  /// In elements; none: row-major without gaps.
  std::optional<Dims> strides{};
  /// Called once with the address, when the last tensor over the memory goes, in whatever thread
  /// that is; for memory of a GPU, after the work of that thread's stream. Empty: the memory is the
  /// caller's, who keeps it for as long as any tensor lies in it.
  std::function<void(void*)> deleter{};
  /// Where the memory is.
  Device device = kCpu;
};

/// A value that shares its storage: copying a Tensor copies the handle, as in PyTorch; clone()
/// copies the elements. A default-constructed tensor is undefined: it has no storage, and every
/// call but defined() and assignment throws ValueError.
///
/// Thread safety: as for std::shared_ptr; writing elements that another thread uses needs a lock
/// of the caller's.
class WICK_API Tensor {
 public:
  Tensor() = default;
  /// Lays a shape over existing storage; strides in elements, offset in elements.
  /// Throws ShapeError where the layout reaches outside the storage.
  Tensor(std::shared_ptr<Storage> storage, DType dtype, Dims shape, Dims strides,
         std::int64_t offset);

  // -- Creation ---------------------------------------------------------------------------------

  /// Uninitialised elements.
  [[nodiscard]] static Tensor empty(const Dims& shape, DType dtype = DType::float32,
                                    Device device = kCpu);
  [[nodiscard]] static Tensor zeros(const Dims& shape, DType dtype = DType::float32,
                                    Device device = kCpu);
  [[nodiscard]] static Tensor ones(const Dims& shape, DType dtype = DType::float32,
                                   Device device = kCpu);
  /// `value` converted to `dtype`.
  [[nodiscard]] static Tensor full(const Dims& shape, double value, DType dtype = DType::float32,
                                   Device device = kCpu);
  /// 0, 1, ..., count - 1.
  [[nodiscard]] static Tensor arange(std::int64_t count, DType dtype = DType::int64,
                                     Device device = kCpu);
  /// Copies `values` in row-major order. Throws ShapeError where the count differs.
  template <typename T>
  [[nodiscard]] static Tensor from(std::span<const T> values, const Dims& shape,
                                   Device device = kCpu);
  template <typename T>
  [[nodiscard]] static Tensor from(const std::vector<T>& values, const Dims& shape,
                                   Device device = kCpu) {
    return from(std::span<const T>(values), shape, device);
  }
  template <typename T>
  [[nodiscard]] static Tensor from(std::initializer_list<T> values, const Dims& shape,
                                   Device device = kCpu) {
    return from(std::span<const T>(values.begin(), values.size()), shape, device);
  }
  /// A one-dimensional tensor of the values.
  template <typename T>
  [[nodiscard]] static Tensor from(std::initializer_list<T> values) {
    return from(values, Dims{static_cast<std::int64_t>(values.size())});
  }
  /// torch.from_blob: a tensor over memory of yours, which is neither copied nor aligned: `data` is
  /// the address of its first element. Of const memory the tensor is read-only: whatever function
  /// of wick would write to it throws ValueError, and data() is for reading. Throws ShapeError for
  /// a negative size or stride or for strides of another length than the shape's, ValueError for a
  /// null address of some elements, DeviceError where there is no such device; then the deleter is
  /// not called.
  ///
  ///   auto pixels = std::make_shared<std::vector<float>>(784);
  ///   Tensor x = Tensor::from_blob(pixels->data(), {1, 784}, {.deleter = [pixels](void*) {}});
  template <typename T>
  requires(!std::is_void_v<T>) [[nodiscard]] static Tensor
      from_blob(T* data, const Dims& shape, const BlobOptions& options = {}) {
    return from_blob_of(data, std::is_const_v<T>, nullptr, shape, dtype_of<std::remove_const_t<T>>,
                        options);
  }
  /// The same for memory without a type.
  [[nodiscard]] static Tensor from_blob(void* data, const Dims& shape, DType dtype,
                                        const BlobOptions& options = {}) {
    return from_blob_of(data, false, nullptr, shape, dtype, options);
  }
  [[nodiscard]] static Tensor from_blob(const void* data, const Dims& shape, DType dtype,
                                        const BlobOptions& options = {}) {
    return from_blob_of(data, true, nullptr, shape, dtype, options);
  }
  /// The same, with ShapeError where the elements reach outside the span.
  template <typename T, std::size_t Extent>
  [[nodiscard]] static Tensor from_blob(std::span<T, Extent> data, const Dims& shape,
                                        const BlobOptions& options = {}) {
    const std::size_t count = data.size();
    return from_blob_of(data.data(), std::is_const_v<T>, &count, shape,
                        dtype_of<std::remove_const_t<T>>, options);
  }
  /// All elements of the span, in one dimension.
  template <typename T, std::size_t Extent>
  [[nodiscard]] static Tensor from_blob(std::span<T, Extent> data) {
    return from_blob(data, Dims{static_cast<std::int64_t>(data.size())});
  }
  /// A tensor without dimensions that holds one element.
  template <typename T>
  [[nodiscard]] static Tensor scalar(T value, Device device = kCpu) {
    return from(std::span<const T>(&value, 1), Dims{}, device);
  }
  /// torch.empty_like and its like: the shape, dtype and device of `other`; contiguous.
  [[nodiscard]] static Tensor empty_like(const Tensor& other);
  [[nodiscard]] static Tensor zeros_like(const Tensor& other);
  [[nodiscard]] static Tensor ones_like(const Tensor& other);
  /// torch.rand and torch.randn: numbers of [0, 1), and of N(0, 1), from the default generator of
  /// the device (default_generator() in core/random.h). float32 or float64.
  [[nodiscard]] static Tensor rand(const Dims& shape, DType dtype = DType::float32,
                                   Device device = kCpu);
  [[nodiscard]] static Tensor randn(const Dims& shape, DType dtype = DType::float32,
                                    Device device = kCpu);
  /// torch.empty(shape).uniform_(low, high, generator): the same numbers. float32 or float64. A
  /// generator on the CPU serves every device, and its numbers are copied there; one on another
  /// device serves tensors of that device only (DeviceError).
  [[nodiscard]] static Tensor uniform(const Dims& shape, double low, double high,
                                      Generator& generator, DType dtype = DType::float32,
                                      Device device = kCpu);
  /// torch.empty(shape).normal_(mean, deviation, generator); else as uniform().
  [[nodiscard]] static Tensor normal(const Dims& shape, double mean, double deviation,
                                     Generator& generator, DType dtype = DType::float32,
                                     Device device = kCpu);

  // -- What it is -------------------------------------------------------------------------------

  [[nodiscard]] bool defined() const noexcept { return storage_ != nullptr; }
  [[nodiscard]] const Dims& shape() const noexcept { return shape_; }
  [[nodiscard]] const Dims& strides() const noexcept { return strides_; }
  /// Of the first element, in elements from the start of the storage. Where there is no element, it
  /// may lie behind the storage, as in PyTorch: `zeros({3, 4}).slice(0, 3).slice(1, 2)` has 14.
  [[nodiscard]] std::int64_t offset() const noexcept { return offset_; }
  [[nodiscard]] std::int64_t dim() const noexcept {
    return static_cast<std::int64_t>(shape_.size());
  }
  /// Size of one dimension; negative ones count from the last.
  [[nodiscard]] std::int64_t size(std::int64_t dim) const;
  [[nodiscard]] std::int64_t numel() const noexcept { return numel_; }
  /// Bytes of its elements (not of the storage behind it).
  [[nodiscard]] std::size_t nbytes() const noexcept {
    return static_cast<std::size_t>(numel_) * size_of(dtype_);
  }
  [[nodiscard]] DType dtype() const noexcept { return dtype_; }
  [[nodiscard]] Device device() const;
  [[nodiscard]] Backend& backend() const;
  [[nodiscard]] const std::shared_ptr<Storage>& storage() const noexcept { return storage_; }
  [[nodiscard]] bool is_contiguous() const noexcept {
    return wick::is_contiguous(shape_, strides_);
  }
  /// PyTorch's flag, kept for checkpoints. wick itself does not look at it: backward passes are
  /// explicit.
  [[nodiscard]] bool requires_grad() const noexcept { return requires_grad_; }
  Tensor& set_requires_grad(bool value) noexcept {
    requires_grad_ = value;
    return *this;
  }

  // -- Elements ---------------------------------------------------------------------------------

  /// Address of the first element, in the device's memory; of the storage where there is none.
  [[nodiscard]] void* raw() const;
  /// Typed address of the first element. Throws DTypeError where T is another dtype and
  /// DeviceError where the tensor is not on the CPU.
  template <typename T>
  [[nodiscard]] T* data() const;
  /// One element, wherever the tensor is. For tests and small things: each call may cross the bus.
  /// Throws DTypeError where T is another dtype, as item() and to_vector() do, and IndexError.
  template <typename T>
  [[nodiscard]] T at(std::initializer_list<std::int64_t> index) const;
  /// The only element. Throws ShapeError where there are more or none.
  template <typename T>
  [[nodiscard]] T item() const;
  /// All elements in row-major order, copied to the host.
  template <typename T>
  [[nodiscard]] std::vector<T> to_vector() const;

  // -- Views: they share this tensor's storage --------------------------------------------------

  /// Another shape over the same elements; one size may be -1. Throws ShapeError where the counts
  /// differ or the strides do not allow it (then reshape() or contiguous() helps).
  [[nodiscard]] Tensor view(const Dims& shape) const;
  /// Elements [start, stop) of a dimension, each `step`-th; negative positions count from the end,
  /// positions outside are clamped, as in Python.
  [[nodiscard]] Tensor slice(std::int64_t dim, std::int64_t start, std::int64_t stop = kEnd,
                             std::int64_t step = 1) const;
  /// One position of a dimension, which goes away.
  [[nodiscard]] Tensor select(std::int64_t dim, std::int64_t index) const;
  [[nodiscard]] Tensor operator[](std::int64_t index) const { return select(0, index); }
  [[nodiscard]] Tensor transpose(std::int64_t dim0, std::int64_t dim1) const;
  /// The transpose of a matrix; itself with fewer dimensions, ShapeError with more.
  [[nodiscard]] Tensor t() const;
  /// The dimensions in another order.
  [[nodiscard]] Tensor permute(const Dims& order) const;
  [[nodiscard]] Tensor unsqueeze(std::int64_t dim) const;
  /// Without its dimensions of size 1; or without one of them, which stays where its size is
  /// another.
  [[nodiscard]] Tensor squeeze() const;
  [[nodiscard]] Tensor squeeze(std::int64_t dim) const;
  /// torch.Tensor.expand: a view in which dimensions of size 1, and new ones in front, are repeated
  /// to fill `shape`; a size of -1 stays as it is. Nobody writes to such a tensor. Throws
  /// ShapeError.
  [[nodiscard]] Tensor expand(const Dims& shape) const;
  /// Any layout over the same storage; strides and offset in elements.
  [[nodiscard]] Tensor as_strided(const Dims& shape, const Dims& strides,
                                  std::int64_t offset) const;

  // -- Copies -----------------------------------------------------------------------------------

  /// A view where possible, else a contiguous copy.
  [[nodiscard]] Tensor reshape(const Dims& shape) const;
  /// Dimensions `start` to `end` as one; these may count from the end. A tensor without dimensions
  /// becomes one of one element.
  [[nodiscard]] Tensor flatten(std::int64_t start = 0, std::int64_t end = -1) const;
  /// This tensor where it is contiguous, else a contiguous copy.
  [[nodiscard]] Tensor contiguous() const;
  /// A contiguous copy on the same device.
  [[nodiscard]] Tensor clone() const;
  /// This tensor where it is there already, else a copy. Throws DeviceError where the device does
  /// not exist.
  [[nodiscard]] Tensor to(Device device) const;
  /// This tensor where it has the dtype already, else a converted copy. Floats go to integers by
  /// truncation; to bool as `!= 0`; complex to real drops the imaginary part; to float16, bfloat16
  /// and float8 by rounding to nearest even; integers wrap: as PyTorch. On the CPU that includes
  /// floats that do not fit the integer, for which PyTorch has what x86-64's instructions give.
  /// Throws DTypeError from or to an opaque dtype (is_opaque()), which has no numbers.
  [[nodiscard]] Tensor to(DType dtype) const;

  // -- Writing: the storage is shared, so every view sees it ------------------------------------

  // Where the result would depend on the order of the work, they throw ValueError: where the
  // tensor's own elements share places in memory (it was expanded), and where the source shares
  // memory with it in another layout, as its own transpose does. fill_() and zero_() take any
  // layout.

  /// Copies from a tensor of the same shape, any dtype, any device. Throws DTypeError between two
  /// dtypes of which one is opaque.
  void copy_(const Tensor& source) const;
  /// `value` converted to the tensor's dtype; opaque ones take 0 only, which is bytes of 0.
  void fill_(double value) const;
  void zero_() const;
  /// See uniform() and normal().
  void uniform_(double low, double high, Generator& generator) const;
  void normal_(double mean, double deviation, Generator& generator) const;
  /// The same from the default generator of the tensor's device.
  void uniform_(double low = 0.0, double high = 1.0) const;
  void normal_(double mean = 0.0, double deviation = 1.0) const;

  /// How messages call it: "Tensor(float32 [2, 3] cpu)", or "Tensor(undefined)".
  [[nodiscard]] std::string description() const;

 private:
  [[nodiscard]] static Tensor from_blob_of(const void* data, bool is_const,
                                           const std::size_t* capacity, const Dims& shape,
                                           DType dtype, const BlobOptions& options);
  // The only element, to host memory.
  void read_one(DType wanted, void* host, const char* operation) const;
  void require_defined(const char* operation) const;
  [[nodiscard]] StridedRef strided() const;
  // Copies the contiguous elements from or to host memory.
  void copy_bytes_from_host(const void* host) const;
  void copy_bytes_to_host(void* host) const;
  void require_dtype(DType wanted, const char* operation) const;
  // Throws DeviceError for one on the device "meta", which may have any number of them.
  void require_elements(const char* operation) const;
  [[nodiscard]] Tensor element(std::initializer_list<std::int64_t> index) const;

  std::shared_ptr<Storage> storage_;
  Dims shape_;
  Dims strides_;
  std::int64_t offset_ = 0;
  std::int64_t numel_ = 0;
  DType dtype_ = DType::float32;
  bool requires_grad_ = false;
};

/// True where dtype, shape and every bit of every element agree. Strides, storage and device may
/// differ. NaNs are equal where their bits are.
[[nodiscard]] WICK_API bool bitwise_equal(const Tensor& a, const Tensor& b);

/// The elements, as PyTorch prints them: to_string() of core/print.h, which has options.
[[nodiscard]] WICK_API std::string to_string(const Tensor& tensor);
WICK_API std::ostream& operator<<(std::ostream& out, const Tensor& tensor);

// -- Templates ----------------------------------------------------------------------------------

template <typename T>
Tensor Tensor::from(std::span<const T> values, const Dims& shape, Device device) {
  if (element_count(shape) != static_cast<std::int64_t>(values.size())) {
    throw ShapeError(concat("Tensor::from: ", values.size(), " values do not fill shape ", shape));
  }
  Tensor result = empty(shape, dtype_of<T>, device);
  if constexpr (std::is_same_v<T, bool>) {
    static_assert(sizeof(bool) == 1);
  }
  result.copy_bytes_from_host(values.data());
  return result;
}

template <typename T>
T* Tensor::data() const {
  require_dtype(dtype_of<T>, "Tensor::data");
  if (device().type != DeviceType::cpu) {
    throw DeviceError(concat("Tensor::data: the elements of ", *this,
                             " cannot be addressed from the host; use to(kCpu) first"));
  }
  return static_cast<T*>(raw());
}

template <typename T>
T Tensor::item() const {
  require_defined("Tensor::item");
  if (numel_ != 1) throw ShapeError(concat("Tensor::item: needs exactly one element, got ", *this));
  T value{};
  read_one(dtype_of<T>, &value, "Tensor::item");
  return value;
}

template <typename T>
T Tensor::at(std::initializer_list<std::int64_t> index) const {
  require_dtype(dtype_of<T>, "Tensor::at");
  T value{};
  element(index).read_one(dtype_of<T>, &value, "Tensor::at");
  return value;
}

template <typename T>
std::vector<T> Tensor::to_vector() const {
  static_assert(!std::is_same_v<T, bool>, "use to_vector<std::uint8_t>() of to(DType::uint8)");
  require_dtype(dtype_of<T>, "Tensor::to_vector");
  require_elements("Tensor::to_vector");
  std::vector<T> values(static_cast<std::size_t>(numel_));
  contiguous().copy_bytes_to_host(values.data());
  return values;
}

}  // namespace wick
