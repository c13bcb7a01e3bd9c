// SPDX-License-Identifier: MIT
// DLPack, by which libraries lend each other tensors: https://dmlc.github.io/dlpack. The structures
// are those of its C interface, versions 1.x.
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "bindings/c/foreign_memory.h"
#include "bindings/c/objects.h"
#include "wick/c/tensor.h"

namespace {

struct DlDevice {
  std::int32_t type;
  std::int32_t index;
};
constexpr std::int32_t kDlCpu = 1;
constexpr std::int32_t kDlCuda = 2;
constexpr std::int32_t kDlCudaHost = 3;  // memory of the host that CUDA has pinned

struct DlDataType {
  std::uint8_t code;
  std::uint8_t bits;
  std::uint16_t lanes;
};

struct DlTensor {
  void* data;
  DlDevice device;
  std::int32_t dims;
  DlDataType dtype;
  std::int64_t* shape;
  std::int64_t* strides;  // in elements; null: row-major
  std::uint64_t byte_offset;
};

struct DlVersion {
  std::uint32_t major;
  std::uint32_t minor;
};
constexpr std::uint32_t kDlMajor = 1;
constexpr std::uint32_t kDlMinor = 1;
constexpr std::uint64_t kDlReadOnly = 1;

}  // namespace

struct DLManagedTensor {
  DlTensor tensor;
  void* context;
  void (*deleter)(DLManagedTensor* self);
};

struct DLManagedTensorVersioned {
  DlVersion version;
  void* context;
  void (*deleter)(DLManagedTensorVersioned* self);
  std::uint64_t flags;
  DlTensor tensor;
};

namespace {

using namespace wick;
using namespace wick::c;

struct Row {
  std::uint8_t code;
  std::uint8_t bits;
  DType dtype;
};
constexpr auto kRows = std::to_array<Row>({
    {0, 8, DType::int8},
    {0, 16, DType::int16},
    {0, 32, DType::int32},
    {0, 64, DType::int64},
    {1, 8, DType::uint8},
    {1, 16, DType::uint16},
    {1, 32, DType::uint32},
    {1, 64, DType::uint64},
    {2, 16, DType::float16},
    {2, 32, DType::float32},
    {2, 64, DType::float64},
    {4, 16, DType::bfloat16},
    {5, 32, DType::complex32},
    {5, 64, DType::complex64},
    {5, 128, DType::complex128},
    {6, 8, DType::boolean},
    {10, 8, DType::float8_e4m3fn},
    {11, 8, DType::float8_e4m3fnuz},
    {12, 8, DType::float8_e5m2},
    {13, 8, DType::float8_e5m2fnuz},
    {14, 8, DType::float8_e8m0fnu},
});

DType dtype_from(const DlDataType& given) {
  for (const Row& row : kRows) {
    if (row.code == given.code && row.bits == given.bits && given.lanes == 1) return row.dtype;
  }
  throw DTypeError(concat("there is no dtype for DLPack's code ", int{given.code}, " with ",
                          int{given.bits}, " bits and ", given.lanes, " lanes"));
}

DlDataType dtype_to(DType dtype) {
  for (const Row& row : kRows) {
    if (row.dtype == dtype) return {row.code, row.bits, 1};
  }
  throw DTypeError(concat("DLPack has no dtype ", dtype));
}

Device device_from(const DlDevice& given) {
  if (given.type == kDlCpu || given.type == kDlCudaHost) return kCpu;
  if (given.type == kDlCuda) return {DeviceType::cuda, given.index};
  throw DeviceError(concat("wick drives no devices of DLPack's type ", given.type,
                           "; bring the tensor to the CPU first"));
}

DlDevice device_to(Device device) {
  switch (device.type) {
    case DeviceType::cpu: return {kDlCpu, 0};
    case DeviceType::cuda: return {kDlCuda, device.index};
    default: break;
  }
  throw DeviceError(concat("a tensor on ", device, " has no elements that could be lent"));
}

template <typename Managed>
void take(Managed* managed, wick_tensor** result) {
  const Result<TensorEntry> to(result);
  require(managed, "managed");
  if constexpr (std::is_same_v<Managed, DLManagedTensorVersioned>) {
    if (managed->version.major != kDlMajor) {
      throw ValueError(concat("the tensor is of version ", managed->version.major, ".",
                              managed->version.minor, " of DLPack, and wick knows 1.x"));
    }
    if ((managed->flags & kDlReadOnly) != 0) {
      throw ValueError("the tensor is read-only, and wick's can be written to; copy it");
    }
  }
  const DlTensor& given = managed->tensor;
  if (given.dims < 0) throw ShapeError(concat("a tensor has no ", given.dims, " dimensions"));
  const auto dims = static_cast<std::size_t>(given.dims);
  const Dims shape = dims_of(given.shape, dims, "shape");
  Dims strides = given.strides == nullptr ? contiguous_strides(shape)
                                          : dims_of(given.strides, dims, "strides");
  for (std::size_t i = 0; i < dims; ++i) {
    if (strides[i] >= 0) continue;
    if (shape[i] > 1) {
      throw ValueError(concat("the stride ", strides[i],
                              " is negative, which wick's tensors have not; copy the tensor"));
    }
    strides[i] = 1;  // it says nothing where there is nothing to step to
  }
  const Device device = device_from(given.device);
  const auto owner = std::make_shared<ForeignOwner>([managed] {
    if (managed->deleter != nullptr) managed->deleter(managed);
  });
  auto* const data = static_cast<std::byte*>(given.data);
  // Where there are no elements, the address may be anything.
  const bool is_empty = element_count(shape) == 0;
  void* const first = is_empty ? nullptr : data + given.byte_offset;
  const DType dtype = dtype_from(given.dtype);
  require_usable(first, dtype, device);
  put(to, Tensor::from_blob(first, shape, dtype, kept_by(owner, std::move(strides), device)));
  owner->take_over();
}

// What is lent: the structure, and all that it points to.
template <typename Managed>
struct Loan {
  Managed managed{};
  Tensor tensor;
  Dims shape;
  Dims strides;
};

template <typename Managed>
void lend(wick_tensor* tensor, Managed** result) {
  *require(result, "result") = nullptr;
  auto loan = std::make_unique<Loan<Managed>>();
  loan->tensor = Pinned<TensorEntry>(tensor, "tensor")->tensor;
  loan->shape = loan->tensor.shape();
  loan->strides = loan->tensor.strides();
  Managed& managed = loan->managed;
  if constexpr (std::is_same_v<Managed, DLManagedTensorVersioned>) {
    managed.version = {kDlMajor, kDlMinor};
  }
  managed.tensor = {.data = nullptr,
                    .device = device_to(loan->tensor.device()),
                    .dims = static_cast<std::int32_t>(loan->shape.size()),
                    .dtype = dtype_to(loan->tensor.dtype()),
                    .shape = loan->shape.data(),
                    .strides = loan->strides.data(),
                    .byte_offset = 0};
  managed.tensor.data = loan->tensor.numel() == 0 ? nullptr : loan->tensor.raw();
  managed.context = loan.get();
  managed.deleter = [](Managed* self) { delete static_cast<Loan<Managed>*>(self->context); };
  *result = &loan.release()->managed;
}

}  // namespace

wick_status wick_tensor_from_dlpack(DLManagedTensor* managed, wick_tensor** result) {
  return call(__func__, [&] { take(managed, result); });
}

wick_status wick_tensor_from_dlpack_versioned(DLManagedTensorVersioned* managed,
                                              wick_tensor** result) {
  return call(__func__, [&] { take(managed, result); });
}

wick_status wick_tensor_to_dlpack(wick_tensor* tensor, DLManagedTensor** result) {
  return call(__func__, [&] { lend(tensor, result); });
}

wick_status wick_tensor_to_dlpack_versioned(wick_tensor* tensor,
                                            DLManagedTensorVersioned** result) {
  return call(__func__, [&] { lend(tensor, result); });
}
