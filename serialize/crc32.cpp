// SPDX-License-Identifier: MIT
#include "serialize/crc32.h"

#include <libdeflate.h>

namespace wick {
namespace {

constexpr std::uint32_t kPolynomial = 0xEDB88320;  // reflected: bit 31 stands for x^0
constexpr std::uint32_t kOne = std::uint32_t{1} << 31;
constexpr std::uint32_t kX8 = kOne >> 8;

// The product of two polynomials over GF(2), modulo the CRC's.
constexpr std::uint32_t multiply(std::uint32_t a, std::uint32_t b) noexcept {
  std::uint32_t product = 0;
  for (; a != 0; a <<= 1) {
    if ((a & kOne) != 0) product ^= b;
    b = (b >> 1) ^ ((b & 1) != 0 ? kPolynomial : 0);  // times x
  }
  return product;
}

}  // namespace

std::uint32_t crc32(std::uint32_t crc, std::span<const char> bytes) noexcept {
  return libdeflate_crc32(crc, bytes.data(), bytes.size());
}

// Appending n bytes multiplies what came before by x^(8 n); the conditioning of both CRCs cancels.
std::uint32_t crc32_combine(std::uint32_t first, std::uint32_t second,
                            std::uint64_t second_bytes) noexcept {
  std::uint32_t shift = kOne;
  for (std::uint32_t power = kX8; second_bytes != 0; second_bytes >>= 1) {
    if ((second_bytes & 1) != 0) shift = multiply(shift, power);
    power = multiply(power, power);
  }
  return multiply(first, shift) ^ second;
}

}  // namespace wick
