// SPDX-License-Identifier: MIT
// What this machine can do at most, measured: the yardstick of the benchmarks.
#pragma once

namespace wick::bench {

struct MachinePeak {
  double gflops = 0.0;  // float32 fused multiply-adds, two operations each, of all threads together
  double copy_gbytes = 0.0;  // bytes read plus bytes written, copying 64 MiB
};

/// Measures with the instruction set that wick's kernels use, on `threads` threads at once; the
/// best of several short runs each, so that what else the machine does counts little. Takes some
/// tenths of a second.
[[nodiscard]] MachinePeak measure_peak(int threads);

/// measure_peak() for as many threads as wick uses now, measured once for each number of threads.
[[nodiscard]] const MachinePeak& current_peak();

}  // namespace wick::bench
