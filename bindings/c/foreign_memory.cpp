// SPDX-License-Identifier: MIT
#include "bindings/c/foreign_memory.h"

#include <cstdint>
#include <utility>

#include "bindings/c/objects.h"
#include "wick/c/tensor.h"

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
    give_back_();
  } catch (...) {  // NOLINT(bugprone-empty-catch): there is nobody to tell
  }
}

BlobOptions kept_by(std::shared_ptr<ForeignOwner> owner, Dims strides, Device device) {
  return {.strides = std::move(strides),
          .deleter = [owner = std::move(owner)](void* /*data*/) {},
          .device = device};
}

void require_usable(const void* data, DType dtype, Device device) {
  if (device.type == DeviceType::meta) throw DeviceError("the device meta has no memory");
  if (reinterpret_cast<std::uintptr_t>(data) % alignment_of(dtype) != 0) {
    throw ValueError(concat("the address ", data, " is not aligned to the ", alignment_of(dtype),
                            " bytes of ", dtype, "; copy the elements"));
  }
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
    const auto owner = std::make_shared<ForeignOwner>(std::move(give_back));
    const DType of = dtype_of_number(dtype);
    require_usable(data, of, place);
    put(to, Tensor::from_blob(data, sizes, of, kept_by(owner, steps, place)));
    owner->take_over();
  });
}
