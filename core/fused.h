// SPDX-License-Identifier: MIT
// Runs a function in a form for processors with AVX2 and fused multiply-adds where this is one.
// Used by Generator's loops.
#pragma once

namespace wick::detail {

// `body` is inlined: many times as fast, with equal results, since std::fma rounds once everywhere.
#if defined(__x86_64__) && defined(__GNUC__)
template <typename Body>
[[gnu::target("avx2,fma")]] void run_with_avx2(const Body& body) {
  body();
}

template <typename Body>
void run_fused(const Body& body) {
  static const bool fuses = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (fuses) {
    run_with_avx2(body);
  } else {
    body();
  }
}
#else
template <typename Body>
void run_fused(const Body& body) {
  body();
}
#endif

}  // namespace wick::detail
