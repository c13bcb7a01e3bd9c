// SPDX-License-Identifier: MIT
// The recurrence of mt19937 (Matsumoto and Nishimura 1998), a block of words at a time, in the
// vectors of the processor. Used by Generator.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wick::detail {

inline constexpr std::size_t kTwisterWords = 624;

/// The next `kTwisterWords` words of the state in place of these.
void next_twister_block(std::uint32_t* state);

/// A word of the state as the generator gives it out.
[[nodiscard]] constexpr std::uint32_t temper(std::uint32_t word) {
  word ^= word >> 11;
  word ^= (word << 7) & 0x9D2C5680U;
  word ^= (word << 15) & 0xEFC60000U;
  return word ^ (word >> 18);
}
void temper(const std::uint32_t* words, std::size_t count, std::uint32_t* out);

/// out[i] = whether the 53 bits of the i-th two words, the upper half first, are below `bound`.
/// They are words of the state, not tempered yet.
void below_bound(const std::uint32_t* words, std::size_t count, std::uint64_t bound, bool* out);

}  // namespace wick::detail
