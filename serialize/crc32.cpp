// SPDX-License-Identifier: MIT
#include "serialize/crc32.h"

#include <libdeflate.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define WICK_CRC32_AVX512
#include <immintrin.h>
#endif

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

// x^exponent modulo the CRC's polynomial.
constexpr std::uint32_t power_of_x(std::uint64_t exponent) noexcept {
  std::uint32_t result = kOne;
  for (std::uint32_t power = kOne >> 1; exponent != 0; exponent >>= 1) {
    if ((exponent & 1) != 0) result = multiply(result, power);
    power = multiply(power, power);
  }
  return result;
}

#ifdef WICK_CRC32_AVX512

constexpr std::size_t kBlockBytes = 256;

// Sixteen 128-bit lanes side by side: each is multiplied by x^2048, which leaves it congruent to
// itself 256 bytes further on, and added to what lies there (Gopal et al., "Fast CRC Computation
// for Generic Polynomials Using PCLMULQDQ Instruction", Intel 2009, with wider registers). What
// remains is a block with the CRC of all before, to which the ordinary way is applied.
__attribute__((target("avx512f,vpclmulqdq"))) std::uint32_t crc32_avx512(
    std::uint32_t crc, const char* data, std::size_t bytes) noexcept {
  constexpr std::uint64_t kBits = 8 * kBlockBytes;
  // Products of reflected polynomials come out one bit too low.
  constexpr auto kLow = static_cast<long long>(std::uint64_t{power_of_x(kBits + 32)} << 1);
  constexpr auto kHigh = static_cast<long long>(std::uint64_t{power_of_x(kBits - 32)} << 1);
  const __m512i shift = _mm512_set4_epi64(kHigh, kLow, kHigh, kLow);
  __m512i lanes[4];
  for (int i = 0; i < 4; ++i) lanes[i] = _mm512_loadu_si512(data + 64 * i);
  // A CRC that goes on is added to the first bytes, as its first value is.
  const auto start = static_cast<int>(~crc);
  lanes[0] = _mm512_xor_si512(lanes[0], _mm512_zextsi128_si512(_mm_cvtsi32_si128(start)));
  for (data += kBlockBytes, bytes -= kBlockBytes; bytes >= kBlockBytes;
       data += kBlockBytes, bytes -= kBlockBytes) {
    for (int i = 0; i < 4; ++i) {
      const __m512i low = _mm512_clmulepi64_epi128(lanes[i], shift, 0x00);
      const __m512i high = _mm512_clmulepi64_epi128(lanes[i], shift, 0x11);
      const __m512i next = _mm512_loadu_si512(data + 64 * i);
      lanes[i] = _mm512_ternarylogic_epi64(low, high, next, 0x96);  // the sum of all three
    }
  }
  alignas(64) char block[kBlockBytes];
  for (int i = 0; i < 4; ++i) _mm512_store_si512(block + 64 * i, lanes[i]);
  // ~0 stands for a register of zeros.
  const std::uint32_t folded = libdeflate_crc32(~std::uint32_t{0}, block, kBlockBytes);
  return libdeflate_crc32(folded, data, bytes);
}

bool has_avx512() noexcept {
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("vpclmulqdq") != 0;
}

#endif

}  // namespace

std::uint32_t crc32(std::uint32_t crc, std::span<const char> bytes) noexcept {
#ifdef WICK_CRC32_AVX512
  static const bool fast = has_avx512();
  if (fast && bytes.size() >= 2 * kBlockBytes) {
    return crc32_avx512(crc, bytes.data(), bytes.size());
  }
#endif
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
