// SPDX-License-Identifier: MIT
#include "wick/core/dtype.h"

#include <array>
#include <ostream>

namespace wick {
namespace {

struct Info {
  std::string_view name;
  std::size_t size;
};

// In the order of the enumeration.
constexpr std::array<Info, kDTypeCount> kInfo = {{
    {"float32", 4},
    {"float64", 8},
    {"float16", 2},
    {"bfloat16", 2},
    {"float8_e4m3fn", 1},
    {"float8_e5m2", 1},
    {"float8_e4m3fnuz", 1},
    {"float8_e5m2fnuz", 1},
    {"float8_e8m0fnu", 1},
    {"uint8", 1},
    {"int8", 1},
    {"int16", 2},
    {"int32", 4},
    {"int64", 8},
    {"uint16", 2},
    {"uint32", 4},
    {"uint64", 8},
    {"bool", 1},
    {"complex32", 4},
    {"complex64", 8},
    {"complex128", 16},
    {"int1", 1},
    {"int2", 1},
    {"int3", 1},
    {"int4", 1},
    {"int5", 1},
    {"int6", 1},
    {"int7", 1},
    {"uint1", 1},
    {"uint2", 1},
    {"uint3", 1},
    {"uint4", 1},
    {"uint5", 1},
    {"uint6", 1},
    {"uint7", 1},
    {"bits1x8", 1},
    {"bits2x4", 1},
    {"bits4x2", 1},
    {"bits8", 1},
    {"bits16", 2},
    {"float4_e2m1fn_x2", 1},
    {"bcomplex32", 4},
}};

const Info& info(DType dtype) {
  return kInfo[static_cast<std::size_t>(dtype)];
}

}  // namespace

std::string_view name(DType dtype) noexcept {
  return info(dtype).name;
}
std::size_t size_of(DType dtype) noexcept {
  return info(dtype).size;
}

std::optional<DType> dtype_from_name(std::string_view text) noexcept {
  for (std::size_t i = 0; i < kInfo.size(); ++i) {
    if (kInfo[i].name == text) return static_cast<DType>(i);
  }
  return std::nullopt;
}

bool is_floating_point(DType dtype) noexcept {
  return dtype <= DType::float8_e8m0fnu;
}
bool is_complex(DType dtype) noexcept {
  return dtype >= DType::complex32 && dtype <= DType::complex128;
}

void require_numbers(DType dtype, std::string_view operation) {
  if (!is_opaque(dtype)) return;
  throw DTypeError(concat(operation, ": ", dtype,
                          " is carried as bytes only, and has no numbers here; such tensors can be "
                          "viewed, copied to the same dtype, moved, loaded and saved"));
}

std::ostream& operator<<(std::ostream& out, DType dtype) {
  return out << name(dtype);
}

}  // namespace wick
