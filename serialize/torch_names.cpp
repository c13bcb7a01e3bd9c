// SPDX-License-Identifier: MIT
#include "serialize/torch_names.h"

#include <array>
#include <utility>

namespace wick {
namespace {

constexpr std::array<std::pair<DType, std::string_view>, 12> kStorageClasses = {{
    {DType::float32, "FloatStorage"},
    {DType::float64, "DoubleStorage"},
    {DType::float16, "HalfStorage"},
    {DType::bfloat16, "BFloat16Storage"},
    {DType::uint8, "ByteStorage"},
    {DType::int8, "CharStorage"},
    {DType::int16, "ShortStorage"},
    {DType::int32, "IntStorage"},
    {DType::int64, "LongStorage"},
    {DType::boolean, "BoolStorage"},
    {DType::complex64, "ComplexFloatStorage"},
    {DType::complex128, "ComplexDoubleStorage"},
}};

}  // namespace

std::optional<std::string_view> storage_class(DType dtype) noexcept {
  for (const auto& [known, name] : kStorageClasses) {
    if (known == dtype) return name;
  }
  return std::nullopt;
}

std::optional<DType> dtype_of_storage_class(std::string_view name) noexcept {
  for (const auto& [dtype, known] : kStorageClasses) {
    if (known == name) return dtype;
  }
  return std::nullopt;
}

}  // namespace wick
