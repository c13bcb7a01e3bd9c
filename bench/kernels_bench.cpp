// SPDX-License-Identifier: MIT
// Micro-benchmarks of the CPU kernels on named shapes. Each is checked against a float64 reference
// before it is timed. The counters are GFLOP/s or GB/s and `peak`: the share of what this machine
// can do at most with as many threads, measured in the same run (context: peak_gflops,
// copy_gbytes). Data that fits a cache can be faster than copying memory: then `peak` is above 1.
//
//   kernels_bench [--threads=N] [--benchmark_filter=matmul] [--benchmark_out=FILE]
//
// Products of other libraries on the same operands are listed beside wick's, where they are
// installed.
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <string>

#include <benchmark/benchmark.h>

#include "bench/kernels/report.h"
#include "bench/machine_peak.h"
#include "wick/kernels/devices.h"

int main(int argc, char** argv) {
  // Before the library sees the arguments: it knows no --threads.
  constexpr const char* kThreads = "--threads=";
  int threads = 1;
  int kept = 0;
  for (int i = 0; i < argc; ++i) {
    if (std::strncmp(argv[i], kThreads, std::strlen(kThreads)) == 0) {
      threads = std::atoi(argv[i] + std::strlen(kThreads));
    } else {
      argv[kept++] = argv[i];
    }
  }
  try {
    wick::set_num_threads(threads);
    benchmark::Initialize(&kept, argv);
    if (benchmark::ReportUnrecognizedArguments(kept, argv)) return 2;
    wick::bench::register_products(threads);
    wick::bench::register_unary();
    wick::bench::register_losses();
    const wick::bench::MachinePeak& peak = wick::bench::current_peak();
    benchmark::AddCustomContext("threads", std::to_string(threads));
    benchmark::AddCustomContext("capability", wick::cpu_capability());
    benchmark::AddCustomContext("peak_gflops", std::to_string(peak.gflops));
    benchmark::AddCustomContext("copy_gbytes", std::to_string(peak.copy_gbytes));
    benchmark::RunSpecifiedBenchmarks();
  } catch (const std::exception& error) {
    std::cerr << "kernels_bench: " << error.what() << '\n';
    return 1;
  }
}
