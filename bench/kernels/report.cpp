// SPDX-License-Identifier: MIT
#include "bench/kernels/report.h"

#include <cmath>
#include <cstddef>
#include <cstring>
#include <vector>

#include "bench/machine_peak.h"
#include "wick/core/error.h"

namespace wick::bench {

void report(benchmark::State& state, const char* unit, double per_iteration) {
  constexpr double kGiga = 1e9;
  const double total = per_iteration / kGiga * static_cast<double>(state.iterations());
  state.counters[unit] = benchmark::Counter(total, benchmark::Counter::kIsRate);
  const MachinePeak& peak = current_peak();
  const double most = std::strcmp(unit, "GB/s") == 0 ? peak.copy_gbytes : peak.gflops;
  state.counters["peak"] = benchmark::Counter(total / most, benchmark::Counter::kIsRate);
}

void verify(const Tensor& result, const Tensor& reference, double tolerance) {
  const std::vector<double> actual = result.to(DType::float64).to_vector<double>();
  const std::vector<double> expected = reference.to_vector<double>();
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (!(std::fabs(actual[i] - expected[i]) <= tolerance * (1.0 + std::fabs(expected[i])))) {
      throw Error(concat("element ", i, " is ", actual[i], ", expected ", expected[i]));
    }
  }
}

Tensor wide(const Tensor& tensor) {
  return tensor.to(DType::float64);
}

}  // namespace wick::bench
