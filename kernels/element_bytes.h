// SPDX-License-Identifier: MIT
// One number as an element of a dtype: for the kernels of every device that take a number in the
// place of a tensor.
#pragma once

#include <cstring>

#include "kernels/convert.h"
#include "wick/core/dtype.h"
#include "wick/core/scalar.h"

namespace wick {

/// The number as T.
template <typename T>
[[nodiscard]] T number_as(const Scalar& number) {
  if (number.kind() == Scalar::Kind::floating) return convert<T>(number.to<double>());
  if constexpr (std::same_as<T, float> || std::same_as<T, double>) {
    return number.to<T>();
  } else {
    return convert<T>(number.to<std::int64_t>());
  }
}

/// An element of any dtype, without its type.
struct alignas(16) ElementBytes {
  unsigned char bytes[16];
};

[[nodiscard]] inline ElementBytes element_bytes(DType dtype, const Scalar& number) {
  ElementBytes result{};
  visit(dtype, [&]<typename T>(TypeTag<T>) {
    const T element = number_as<T>(number);
    std::memcpy(result.bytes, &element, sizeof(T));
  });
  return result;
}

}  // namespace wick
