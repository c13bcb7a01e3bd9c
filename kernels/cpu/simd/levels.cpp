// SPDX-License-Identifier: MIT
#include "kernels/cpu/simd/levels.h"

#include <array>
#include <cstdlib>
#include <string_view>

#include "core/error.h"

namespace wick::cpu {
namespace {

struct Candidate {
  Level level;
  bool supported;
};

// From the best to the plainest.
auto candidates() {
#if defined(__x86_64__)
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl");
  return std::array<Candidate, 3>{{{{&kAvx512Float, &kAvx512Double}, avx512},
                                   {{&kAvx2Float, &kAvx2Double}, avx2},
                                   {{&kBaselineFloat, &kBaselineDouble}, true}}};
#else
  return std::array<Candidate, 1>{{{{&kBaselineFloat, &kBaselineDouble}, true}}};
#endif
}

}  // namespace

Level choose_level() {
  const char* const forced = std::getenv("WICK_SIMD");  // NOLINT(concurrency-mt-unsafe)
  const bool any = forced == nullptr || *forced == '\0';
  for (const Candidate& candidate : candidates()) {
    const std::string_view name = candidate.level.float32->name;
    if (any && candidate.supported) return candidate.level;
    if (any || name != forced) continue;
    if (!candidate.supported) {
      throw ValueError(concat("WICK_SIMD=", forced, ": this processor has no ", name));
    }
    return candidate.level;
  }
  throw ValueError(concat("WICK_SIMD=", forced, ": use baseline, avx2 or avx512"));
}

}  // namespace wick::cpu
