// SPDX-License-Identifier: MIT
#include "bench/machine_peak.h"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "wick/kernels/devices.h"

namespace wick::bench {
namespace {

// Chains of multiply-adds that do not wait for each other: enough to fill two units of four cycles'
// latency, few enough for 16 registers. Values converge to 1, far from denormals.
constexpr int kChains = 12;
constexpr std::int64_t kLinks = 50'000;
constexpr int kRuns = 30;
constexpr std::size_t kCopyBytes = std::size_t{1} << 26;

// Each returns its floating-point operations. The empty asm keeps the compiler from working out the
// result beforehand. Not templates: a function must name its instruction set by itself.
#if defined(__x86_64__)
[[gnu::target("avx512f")]] double chains_avx512() {
  __m512 sum[kChains] = {};
  const __m512 half = _mm512_set1_ps(0.5F);
  for (std::int64_t i = 0; i < kLinks; ++i) {
#pragma GCC unroll 12
    for (__m512& one : sum) {
      one = _mm512_fmadd_ps(one, half, half);
      asm volatile("" : "+v"(one));
    }
  }
  return 2.0 * 16 * kChains * static_cast<double>(kLinks);
}

[[gnu::target("avx2,fma")]] double chains_avx2() {
  __m256 sum[kChains] = {};
  const __m256 half = _mm256_set1_ps(0.5F);
  for (std::int64_t i = 0; i < kLinks; ++i) {
#pragma GCC unroll 12
    for (__m256& one : sum) {
      one = _mm256_fmadd_ps(one, half, half);
      asm volatile("" : "+x"(one));
    }
  }
  return 2.0 * 8 * kChains * static_cast<double>(kLinks);
}
#endif

double chains_baseline() {
  using Vector = float __attribute__((vector_size(16)));
  // One name for each: an array of this many would live in memory.
  Vector a{}, b{}, c{}, d{}, e{}, f{}, g{}, h{};
  Vector half = Vector{} + 0.5F;
  for (std::int64_t i = 0; i < kLinks; ++i) {
    a = a * half + half;
    b = b * half + half;
    c = c * half + half;
    d = d * half + half;
    e = e * half + half;
    f = f * half + half;
    g = g * half + half;
    h = h * half + half;
    asm volatile("" : : : "memory");
  }
  volatile float sink = (a + b + c + d + e + f + g + h)[0];
  (void)sink;
  return 2.0 * 4 * 8 * static_cast<double>(kLinks);
}

double run_chains(const std::string& capability) {
#if defined(__x86_64__)
  if (capability.starts_with("avx512") || capability == "amx") return chains_avx512();
  if (capability == "avx2") return chains_avx2();
#endif
  return chains_baseline();
}

// The best over kRuns of `threads` calls of work(thread) at the same time, in giga-units a second;
// work returns its units.
template <typename Work>
double best_rate(int threads, int runs, const Work& work) {
  double best = 0.0;
  std::vector<double> units(static_cast<std::size_t>(threads));
  std::barrier meet(threads);
  std::chrono::steady_clock::time_point start;
  const auto loop = [&](int thread) {
    for (int run = 0; run < runs; ++run) {
      meet.arrive_and_wait();
      if (thread == 0) start = std::chrono::steady_clock::now();
      units[static_cast<std::size_t>(thread)] = work(thread);
      meet.arrive_and_wait();
      if (thread != 0) continue;
      const std::chrono::duration<double, std::nano> time =
          std::chrono::steady_clock::now() - start;
      double total = 0.0;
      for (const double one : units) total += one;
      best = std::max(best, total / time.count());
    }
  };
  std::vector<std::jthread> others;
  for (int thread = 1; thread < threads; ++thread) others.emplace_back(loop, thread);
  loop(0);
  return best;
}

}  // namespace

MachinePeak measure_peak(int threads) {
  const std::string capability = cpu_capability();
  MachinePeak peak;
  peak.gflops = best_rate(threads, kRuns, [&](int) { return run_chains(capability); });
  const std::size_t share = kCopyBytes / static_cast<std::size_t>(threads);
  const std::vector<char> from(kCopyBytes, 'x');
  std::vector<char> to(kCopyBytes);
  peak.copy_gbytes = best_rate(threads, kRuns / 3, [&](int thread) {
    const std::size_t at = share * static_cast<std::size_t>(thread);
    std::memcpy(to.data() + at, from.data() + at, share);
    asm volatile("" : : "r"(to.data()) : "memory");
    return 2.0 * static_cast<double>(share);
  });
  return peak;
}

const MachinePeak& current_peak() {
  static std::map<int, MachinePeak> known;
  const int threads = num_threads();
  const auto found = known.find(threads);
  return found != known.end() ? found->second
                              : known.emplace(threads, measure_peak(threads)).first->second;
}

}  // namespace wick::bench
