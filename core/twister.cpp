// SPDX-License-Identifier: MIT
#include "core/twister.h"

#include "core/fused.h"

namespace wick::detail {
namespace {

constexpr std::size_t kShift = 397;

// One step of the recurrence: the upper bit of one word joined to the lower bits of the next.
[[gnu::always_inline]] inline std::uint32_t twist(std::uint32_t word, std::uint32_t after) {
  const std::uint32_t mixed = (word & 0x80000000U) | (after & 0x7FFFFFFFU);
  return (mixed >> 1) ^ ((0U - (after & 1U)) & 0x9908B0DFU);
}

[[gnu::always_inline]] inline void next_block(std::uint32_t* state) {
  constexpr std::size_t kFirst = kTwisterWords - kShift;
  for (std::size_t i = 0; i < kFirst; ++i) {
    state[i] = state[i + kShift] ^ twist(state[i], state[i + 1]);
  }
  for (std::size_t i = kFirst; i < kTwisterWords - 1; ++i) {
    state[i] = state[i - kFirst] ^ twist(state[i], state[i + 1]);
  }
  state[kTwisterWords - 1] = state[kShift - 1] ^ twist(state[kTwisterWords - 1], state[0]);
}

[[gnu::always_inline]] inline void temper_all(const std::uint32_t* words, std::size_t count,
                                              std::uint32_t* __restrict out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = temper(words[i]);
}

[[gnu::always_inline]] inline void compare(const std::uint32_t* words, std::size_t count,
                                           std::uint64_t bound, bool* out) {
  const auto limit = static_cast<std::int64_t>(bound);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t bits =
        (std::uint64_t{temper(words[2 * i]) & 0x1FFFFFU} << 32) | temper(words[2 * i + 1]);
    out[i] = static_cast<std::int64_t>(bits) < limit;
  }
}

}  // namespace

void next_twister_block(std::uint32_t* state) {
  run_fused([=]() __attribute__((always_inline)) { next_block(state); });
}

void temper(const std::uint32_t* words, std::size_t count, std::uint32_t* out) {
  run_fused([=]() __attribute__((always_inline)) { temper_all(words, count, out); });
}

void below_bound(const std::uint32_t* words, std::size_t count, std::uint64_t bound, bool* out) {
  run_fused([=]() __attribute__((always_inline)) { compare(words, count, bound, out); });
}

}  // namespace wick::detail
