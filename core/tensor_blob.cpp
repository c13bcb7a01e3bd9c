// SPDX-License-Identifier: MIT
// Tensors over memory of others.
#include <utility>

#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/core/tensor.h"

namespace wick {
namespace {

// The owner of a GPU's memory knows nothing of the work that is still to be done with it.
void finish_work(Backend& backend) noexcept {
  if (backend.device().type != DeviceType::cuda) return;
  try {
    backend.synchronize();
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch): there is nobody to tell
  }
}

}  // namespace

Tensor Tensor::from_blob_of(const void* data, bool is_const, const std::size_t* capacity,
                            const Dims& shape, DType dtype, const BlobOptions& options) {
  // All checks first: the deleter is called only for memory that a tensor has taken over.
  const std::int64_t count = element_count(shape);
  Dims strides = options.strides ? *options.strides : contiguous_strides(shape);
  const std::int64_t extent = layout_extent(shape, strides);
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(extent, static_cast<std::int64_t>(size_of(dtype)), &bytes)) {
    throw ShapeError(concat("Tensor::from_blob: shape ", shape, " with strides ", strides, " of ",
                            dtype, " overflows 63 bits"));
  }
  if (capacity != nullptr && static_cast<std::size_t>(extent) > *capacity) {
    throw ShapeError(concat("Tensor::from_blob: shape ", shape, " with strides ", strides,
                            " reaches to element ", extent, " of a span of ", *capacity));
  }
  Backend& backend = backend_for(options.device);
  if (data == nullptr && count != 0 && options.device != kMeta) {
    throw ValueError(concat("Tensor::from_blob: the address of ", count, " elements is null"));
  }
  void* const address = const_cast<void*>(data);  // a read-only storage is not written to
  std::shared_ptr<const void> owner(data,
                                    [address, &backend, deleter = options.deleter](const void*) {
                                      if (!deleter) return;
                                      finish_work(backend);
                                      deleter(address);
                                    });
  const auto size = static_cast<std::size_t>(bytes);
  auto storage = is_const ? Storage::read_only(data, size, backend, std::move(owner))
                          : std::make_shared<Storage>(address, size, backend, std::move(owner));
  return {std::move(storage), dtype, shape, std::move(strides), 0};
}

}  // namespace wick
