// SPDX-License-Identifier: MIT
#include "bindings/c/foreign_memory.h"

#include <cstdint>
#include <utility>

#include "bindings/c/objects.h"
#include "wick/c/tensor.h"
#include "wick/core/backend.h"

namespace wick::c {
namespace {

// What an element's address is a multiple of.
std::size_t alignment_of(DType dtype) {
  const std::size_t bytes = size_of(dtype);
  return is_complex(dtype) ? bytes / 2 : bytes;
}

}  // namespace

ForeignOwner::~ForeignOwner() {
  if (!is_taken_ || !give_back_) return;
  try {
    // The owner of the memory knows nothing of the work that is still to be done with it.
    if (device_.type == DeviceType::cuda) backend_for(device_).synchronize();
    give_back_();
  } catch (...) {  // NOLINT(bugprone-empty-catch): there is nobody to tell
  }
}

std::shared_ptr<const void> borrowed() {
  return {nullptr, [](const void* /*nothing*/) {}};
}

Tensor tensor_over_memory(void* data, const Dims& shape, const Dims& strides, DType dtype,
                          Device device, std::shared_ptr<const void> owner) {
  if (device.type == DeviceType::meta) throw DeviceError("the device meta has no memory");
  (void)element_count(shape);  // it throws for what is no shape
  const auto elements = static_cast<std::uint64_t>(layout_extent(shape, strides));
  if (elements > static_cast<std::uint64_t>(PTRDIFF_MAX) / size_of(dtype)) {
    throw ShapeError(concat("shape ", shape, " with strides ", strides, " of ", dtype,
                            " is larger than any memory"));
  }
  if (reinterpret_cast<std::uintptr_t>(data) % alignment_of(dtype) != 0) {
    throw ValueError(concat("the address ", data, " is not aligned to the ", alignment_of(dtype),
                            " bytes of ", dtype, "; copy the elements"));
  }
  auto storage = std::make_shared<Storage>(data, elements * size_of(dtype), backend_for(device),
                                           std::move(owner));
  return {std::move(storage), dtype, shape, strides, 0};
}

}  // namespace wick::c

using namespace wick;
using namespace wick::c;

wick_status wick_tensor_from_memory(void* data, const int64_t* shape, const int64_t* strides,
                                    size_t dims, wick_dtype dtype, const char* device,
                                    wick_release release, void* context, wick_tensor** result) {
  return call(__func__, [&] {
    const Result<TensorEntry> to(result);
    const Dims sizes = dims_of(shape, dims, "shape");
    const Dims steps =
        strides == nullptr ? contiguous_strides(sizes) : dims_of(strides, dims, "strides");
    const Device place = device_of(device);
    std::function<void()> give_back;
    if (release != nullptr) give_back = [release, context] { release(context); };
    const auto owner = std::make_shared<ForeignOwner>(place, std::move(give_back));
    put(to, tensor_over_memory(data, sizes, steps, dtype_of_number(dtype), place, owner));
    owner->take_over();
  });
}
