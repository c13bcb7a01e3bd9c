// SPDX-License-Identifier: MIT
#include "kernels/cpu/simd/levels.h"

#include <cstdlib>
#include <string>
#include <string_view>

#include "kernels/cpu/amx/permission.h"
#include "kernels/cpu/simd/isa.h"
#include "wick/core/error.h"

namespace wick::cpu {
namespace {

// A table's own code is compiled for its instruction set, so it is made only where there is that.
template <typename Isa>
Level make_level(const char* name) {
  static const KernelTable<float> float32 = make_kernel_table<float, Isa>(name);
  static const KernelTable<double> float64 = make_kernel_table<double, Isa>(name);
  return {&float32, &float64, nullptr, name};
}

// AVX-512 with other products of bfloat16.
template <typename PairsIsa>
[[maybe_unused]] Level make_pairs_level(const char* name) {
  static const PairsTable pairs = pairs_table<PairsIsa>();
  Level level = make_level<Avx512>("avx512");
  level.pairs = &pairs;
  level.name = name;
  return level;
}

struct Candidate {
  const char* name;
  bool supported;
  Level (*make)(const char* name);
};

// From the best to the plainest.
std::vector<Candidate> candidates() {
  std::vector<Candidate> result;
#if defined(WICK_WITH_AVX512)
  const bool avx512 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                      __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#if defined(WICK_WITH_AMX)
  result.push_back({"amx", avx512 && has_tiles(), make_pairs_level<Amx>});
#endif
  result.push_back({"avx512", avx512, make_level<Avx512>});
#if defined(WICK_WITH_AVX512_BF16)
  // Intel's processors compute half as much by it as by float32 (measured on Emerald Rapids). AMD's
  // are expected to compute more by it; that was not measured.
  const bool avx512_bf16 = avx512 && __builtin_cpu_supports("avx512bf16");
  const auto place = __builtin_cpu_is("amd") ? result.end() - 1 : result.end();
  result.insert(place, {"avx512_bf16", avx512_bf16, make_pairs_level<Avx512Bf16>});
#endif
#endif
#if defined(WICK_WITH_AVX2)
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  result.push_back({"avx2", avx2, make_level<Avx2>});
#endif
  result.push_back({"baseline", true, make_level<Baseline>});
  return result;
}

}  // namespace

std::vector<Level> available_levels() {
  std::vector<Level> result;
  for (const Candidate& candidate : candidates()) {
    if (candidate.supported) result.push_back(candidate.make(candidate.name));
  }
  return result;
}

Level choose_level() {
  const char* const forced = std::getenv("WICK_SIMD");  // NOLINT(concurrency-mt-unsafe)
  if (forced == nullptr || *forced == '\0') return available_levels().front();
  for (const Candidate& candidate : candidates()) {
    if (std::string_view(candidate.name) != forced) continue;
    if (candidate.supported) return candidate.make(candidate.name);
    throw ValueError(concat("WICK_SIMD=", forced, ": this processor has no ", forced));
  }
  std::string known;
  for (const Candidate& candidate : candidates()) {
    known = concat(candidate.name, known.empty() ? "" : ", ", known);
  }
  throw ValueError(concat("WICK_SIMD=", forced, ": this build of wick has ", known));
}

}  // namespace wick::cpu
