// SPDX-License-Identifier: MIT
#include "serialize/number_change.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "wick/core/error.h"

namespace wick {
namespace {

bool is_float8(DType dtype) {
  return is_floating_point(dtype) && size_of(dtype) == 1;
}

void reverse_numbers(std::span<char> bytes, std::size_t number_bytes) {
  for (std::size_t at = 0; at + number_bytes <= bytes.size(); at += number_bytes) {
    std::ranges::reverse(bytes.subspan(at, number_bytes));
  }
}

// The sign is the highest bit of a number's last byte. `first`, `step`: of the numbers, by bytes.
void flip_signs(std::span<char> bytes, std::size_t number_bytes, std::size_t first,
                std::size_t step) {
  for (std::size_t at = first; at + number_bytes <= bytes.size(); at += step) {
    char& last = bytes[at + number_bytes - 1];
    last = static_cast<char>(static_cast<unsigned char>(last) ^ 0x80U);
  }
}

template <typename T>
void negate_integers(std::span<char> bytes) {
  for (std::size_t at = 0; at + sizeof(T) <= bytes.size(); at += sizeof(T)) {
    T number{};
    std::memcpy(&number, bytes.data() + at, sizeof(T));
    number = static_cast<T>(T{0} - number);
    std::memcpy(bytes.data() + at, &number, sizeof(T));
  }
}

void negate(std::span<char> bytes, DType dtype) {
  const std::size_t size = size_of(dtype);
  if (has_imaginary_part(dtype)) {
    flip_signs(bytes, size / 2, 0, size / 2);
  } else if (is_floating_point(dtype)) {
    flip_signs(bytes, size, 0, size);
  } else if (size == 1) {
    negate_integers<std::uint8_t>(bytes);
  } else if (size == 2) {
    negate_integers<std::uint16_t>(bytes);
  } else if (size == 4) {
    negate_integers<std::uint32_t>(bytes);
  } else {
    negate_integers<std::uint64_t>(bytes);
  }
}

}  // namespace

bool has_imaginary_part(DType dtype) {
  return is_complex(dtype) || dtype == DType::bcomplex32;
}

void require_lazy_bits(DType dtype, LazyBits bits) {
  if (bits.conj && !has_imaginary_part(dtype)) {
    throw ValueError(concat("a conjugated view of ", dtype, ", which is not complex"));
  }
  const bool no_signs = is_opaque(dtype) && !has_imaginary_part(dtype);
  if (bits.neg && (dtype == DType::boolean || is_float8(dtype) || no_signs)) {
    throw ValueError(concat("a negated view of ", dtype, ", which has no negatives"));
  }
}

void NumberChange::apply(std::span<char> bytes) const {
  if (reversed_bytes > 1) reverse_numbers(bytes, reversed_bytes);
  const std::size_t size = size_of(dtype);
  if (bits.conj) flip_signs(bytes, size / 2, size / 2, size);
  if (bits.neg) negate(bytes.first(bytes.size() / size * size), dtype);
}

}  // namespace wick
