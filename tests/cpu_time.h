// SPDX-License-Identifier: MIT
// How long work takes, whatever else the machine does meanwhile.
#pragma once

#include <ctime>
#include <functional>

#include <gtest/gtest.h>

namespace wick::testing {

/// Seconds of the processor that this process spends on it.
inline double cpu_seconds(const std::function<void()>& work) {
  const std::clock_t start = std::clock();
  work();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

/// Runs the work for `count` and for eight times as many, which may take 24 times as long: in
/// linear time it is about 8 times, in quadratic time 64. Half a second more is nothing.
inline void expect_linear(const std::function<void(std::size_t)>& work, std::size_t count) {
  const double small = cpu_seconds([&] { work(count); });
  const double large = cpu_seconds([&] { work(8 * count); });
  EXPECT_LT(large, 24 * small + 0.5) << small << " s, then " << large << " s";
}

}  // namespace wick::testing
