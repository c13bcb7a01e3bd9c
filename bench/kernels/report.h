// SPDX-License-Identifier: MIT
// What the benchmarks of kernels have in common.
#pragma once

#include <benchmark/benchmark.h>

#include "wick/core/tensor.h"

namespace wick::bench {

/// Sets the counters: `per_iteration` of `unit`, "GB/s" or "GFLOP/s", is what one iteration moves
/// or computes, in bytes or operations, and `peak` the share of what the machine can do at most.
void report(benchmark::State& state, const char* unit, double per_iteration);

/// Throws Error where a float32 result is not near its float64 reference: a fast wrong answer is no
/// result.
void verify(const Tensor& result, const Tensor& reference, double tolerance);

[[nodiscard]] Tensor wide(const Tensor& tensor);

// Benchmarks that are made in a loop; the others register themselves.

/// `threads`: of the other libraries, whose products are measured beside wick's.
void register_products(int threads);
void register_unary();
void register_losses();

}  // namespace wick::bench
