// SPDX-License-Identifier: MIT
// Sums of exponentials in one pass, and the functions that they need in both precisions.
#pragma once

#include "kernels/cuda/launch.cuh"

namespace wick::cuda {

__device__ inline float exponential(float x) {
  return expf(x);
}
__device__ inline double exponential(double x) {
  return exp(x);
}
__device__ inline float natural_log(float x) {
  return logf(x);
}
__device__ inline double natural_log(double x) {
  return log(x);
}

/// The maximum of some numbers and the sum of exp(x - maximum) over them (Milakov and Gimelshein
/// 2018).
template <typename T>
struct OnlineSum {
  T maximum = static_cast<T>(-INFINITY);
  T sum{0};
  __device__ void add(T x) {
    if (x > maximum) {
      sum = sum * exponential(maximum - x) + T{1};
      maximum = x;
    } else {
      sum += x == maximum ? T{1} : exponential(x - maximum);
    }
  }
};

}  // namespace wick::cuda
