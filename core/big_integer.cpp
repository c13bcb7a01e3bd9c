// SPDX-License-Identifier: MIT
#include "wick/core/big_integer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "wick/core/error.h"

namespace wick {
namespace {

constexpr std::uint32_t kChunk = 1'000'000'000;  // the largest power of ten in 32 bits
constexpr std::size_t kChunkDigits = 9;

bool top_bit(const std::string& bytes) {
  return !bytes.empty() && (static_cast<unsigned char>(bytes.back()) & 0x80) != 0;
}

// The absolute value, little-endian, in limbs of 32 bits without zeros at the top.
std::vector<std::uint32_t> magnitude(const std::string& bytes) {
  const bool negative = top_bit(bytes);
  std::vector<std::uint32_t> limbs((bytes.size() + 3) / 4, 0);
  unsigned carry = negative ? 1 : 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    unsigned byte = static_cast<unsigned char>(bytes[i]);
    if (negative) {
      byte = (byte ^ 0xFF) + carry;
      carry = byte >> 8;
      byte &= 0xFF;
    }
    limbs[i / 4] |= std::uint32_t{byte} << (8 * (i % 4));
  }
  // -2^(8n-1) needs no carry beyond: its magnitude's top bit fits the same bytes.
  while (!limbs.empty() && limbs.back() == 0) limbs.pop_back();
  return limbs;
}

// Two's complement bytes of a sign and a magnitude.
std::string to_bytes(const std::vector<std::uint32_t>& limbs, bool negative) {
  std::string bytes;
  unsigned carry = negative ? 1 : 0;
  const auto push = [&](unsigned byte) {
    if (negative) {
      byte = (byte ^ 0xFF) + carry;
      carry = byte >> 8;
    }
    bytes.push_back(static_cast<char>(static_cast<unsigned char>(byte & 0xFF)));
  };
  for (const std::uint32_t limb : limbs) {
    for (int shift = 0; shift < 32; shift += 8) push((limb >> shift) & 0xFF);
  }
  push(0);  // room for the sign
  return bytes;
}

}  // namespace

BigInteger BigInteger::from_bytes(std::string bytes) {
  const auto redundant = [&bytes] {
    const auto last = static_cast<unsigned char>(bytes.back());
    if (bytes.size() == 1) return last == 0;
    const bool next = (static_cast<unsigned char>(bytes[bytes.size() - 2]) & 0x80) != 0;
    return (last == 0x00 && !next) || (last == 0xFF && next);
  };
  while (!bytes.empty() && redundant()) bytes.pop_back();
  BigInteger result;
  result.bytes_ = std::move(bytes);
  return result;
}

BigInteger BigInteger::from_string(std::string_view decimal) {
  std::string_view digits = decimal;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  const bool valid =
      !digits.empty() && std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
  if (!valid) {
    throw ValueError(concat("BigInteger::from_string: \"", decimal.substr(0, 40),
                            "\" is not an integer in decimal digits"));
  }
  std::vector<std::uint32_t> limbs;
  while (!digits.empty()) {
    const std::size_t count = (digits.size() - 1) % kChunkDigits + 1;
    std::uint64_t carry = 0;
    for (const char c : digits.substr(0, count)) {
      carry = carry * 10 + static_cast<std::uint64_t>(c - '0');
    }
    digits.remove_prefix(count);
    for (std::uint32_t& limb : limbs) {
      carry += std::uint64_t{limb} * kChunk;
      limb = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
    if (carry != 0) limbs.push_back(static_cast<std::uint32_t>(carry));
  }
  return from_bytes(to_bytes(limbs, negative));
}

bool BigInteger::is_negative() const noexcept {
  return top_bit(bytes_);
}

std::optional<std::int64_t> BigInteger::to_int64() const noexcept {
  if (bytes_.size() > 8) return std::nullopt;
  std::uint64_t bits = is_negative() ? ~std::uint64_t{0} : 0;
  for (std::size_t i = bytes_.size(); i-- > 0;) {
    bits = bits << 8 | static_cast<unsigned char>(bytes_[i]);
  }
  return static_cast<std::int64_t>(bits);
}

double BigInteger::to_double() const {
  const std::vector<std::uint32_t> limbs = magnitude(bytes_);
  // Three limbs hold at least 65 bits; what lies below them only decides ties.
  double result = 0.0;
  if (limbs.size() <= 2) {
    std::uint64_t bits = 0;
    for (std::size_t i = limbs.size(); i-- > 0;) bits = bits << 32 | limbs[i];
    result = static_cast<double>(bits);
  } else if (limbs.size() > 64) {
    result = std::numeric_limits<double>::infinity();
  } else {
    const std::size_t top = limbs.size() - 1;
    const int leading = std::countl_zero(limbs[top]);
    std::uint64_t bits = (std::uint64_t{limbs[top]} << 32 | limbs[top - 1]) << leading;
    std::uint32_t rest = limbs[top - 2];
    if (leading != 0) {
      bits |= rest >> (32 - leading);
      rest <<= leading;
    }
    const bool more = rest != 0 || std::any_of(limbs.begin(), limbs.end() - 3,
                                               [](std::uint32_t limb) { return limb != 0; });
    if (more) bits |= 1;  // below the 53 bits that stay, so it only breaks a tie
    const auto exponent = 32 * static_cast<int>(limbs.size() - 2) - leading;
    result = std::ldexp(static_cast<double>(bits), exponent);
  }
  return is_negative() ? -result : result;
}

std::string BigInteger::to_string() const {
  std::vector<std::uint32_t> limbs = magnitude(bytes_);
  std::string reversed;
  while (!limbs.empty()) {
    std::uint64_t remainder = 0;
    for (std::size_t i = limbs.size(); i-- > 0;) {
      remainder = remainder << 32 | limbs[i];
      limbs[i] = static_cast<std::uint32_t>(remainder / kChunk);
      remainder %= kChunk;
    }
    while (!limbs.empty() && limbs.back() == 0) limbs.pop_back();
    for (std::size_t i = 0; i < kChunkDigits && (remainder != 0 || !limbs.empty()); ++i) {
      reversed.push_back(static_cast<char>('0' + remainder % 10));
      remainder /= 10;
    }
  }
  if (reversed.empty()) reversed.push_back('0');
  if (is_negative()) reversed.push_back('-');
  std::ranges::reverse(reversed);
  return reversed;
}

bool operator==(const BigInteger& integer, double real) {
  if (!std::isfinite(real) || real != std::trunc(real)) return false;
  int exponent = 0;
  const double fraction = std::frexp(std::fabs(real), &exponent);  // in [0.5, 1)
  auto mantissa = static_cast<std::uint64_t>(std::ldexp(fraction, 53));
  const int shift = exponent - 53;
  std::vector<std::uint32_t> limbs;
  if (shift < 0) {
    mantissa >>= -shift;  // a whole number: only zeros are lost
  } else {
    limbs.assign(static_cast<std::size_t>(shift / 32), 0);
    // At most 53 + 31 bits: three limbs.
    const int within = shift % 32;
    limbs.push_back(static_cast<std::uint32_t>(mantissa << within));
    mantissa = within == 0 ? mantissa >> 32 : mantissa >> (32 - within);
  }
  limbs.push_back(static_cast<std::uint32_t>(mantissa));
  limbs.push_back(static_cast<std::uint32_t>(mantissa >> 32));
  return integer == BigInteger::from_bytes(to_bytes(limbs, real < 0));
}

}  // namespace wick
