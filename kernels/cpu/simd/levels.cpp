// SPDX-License-Identifier: MIT
#include "kernels/cpu/simd/levels.h"

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
std::vector<Candidate> candidates() {
  std::vector<Candidate> result;
#if defined(__x86_64__)
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl");
  result.push_back({{&kAvx512Float, &kAvx512Double}, avx512});
  result.push_back({{&kAvx2Float, &kAvx2Double}, avx2});
#endif
  result.push_back({{&kBaselineFloat, &kBaselineDouble}, true});
  return result;
}

}  // namespace

std::vector<Level> available_levels() {
  std::vector<Level> result;
  for (const Candidate& candidate : candidates()) {
    if (candidate.supported) result.push_back(candidate.level);
  }
  return result;
}

Level choose_level() {
  const char* const forced = std::getenv("WICK_SIMD");  // NOLINT(concurrency-mt-unsafe)
  if (forced == nullptr || *forced == '\0') return available_levels().front();
  for (const Candidate& candidate : candidates()) {
    if (std::string_view(candidate.level.float32->name) != forced) continue;
    if (candidate.supported) return candidate.level;
    throw ValueError(concat("WICK_SIMD=", forced, ": this processor has no ", forced));
  }
  throw ValueError(concat("WICK_SIMD=", forced, ": use baseline, avx2 or avx512"));
}

}  // namespace wick::cpu
