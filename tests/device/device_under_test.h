// SPDX-License-Identifier: MIT
// The device that the tests of this folder check, simulated or real, and how results are compared.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/backend.h"
#include "wick/core/random.h"
#include "wick/core/tensor.h"
#include "wick/kernels/devices.h"
#include "wick/nn/module.h"

namespace wick::testing {

inline constexpr Device kCuda{DeviceType::cuda, 0};
inline constexpr Device kSecondCuda{DeviceType::cuda, 1};

/// Skips, visibly, where there is no such device.
class OnDevice : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!cuda_available()) GTEST_SKIP() << "there is no CUDA device";
  }
  void TearDown() override {
    // What a test leaves undone must not fail in the next one.
    if (cuda_available()) backend_for(kCuda).synchronize();
  }
};

class OnTwoDevices : public OnDevice {
 protected:
  void SetUp() override {
    if (cuda_device_count() < 2) GTEST_SKIP() << "there are no two CUDA devices";
  }
};

/// Every element within atol + rtol * |expected|; NaN equals NaN. `actual` may be on any device.
inline void expect_near(const Tensor& actual, const Tensor& expected, double rtol,
                        const std::string& what = "") {
  ASSERT_EQ(actual.shape(), expected.shape()) << what;
  ASSERT_EQ(actual.dtype(), expected.dtype()) << what;
  const std::vector<double> a = actual.to(kCpu).to(DType::float64).to_vector<double>();
  const std::vector<double> b = expected.to(kCpu).to(DType::float64).to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    if (a[i] == b[i]) continue;
    if (std::fabs(a[i] - b[i]) <= rtol * (1.0 + std::fabs(b[i]))) continue;
    ADD_FAILURE() << what << ": element " << i << " is " << a[i] << ", expected " << b[i];
    return;
  }
}

/// The values of the parameters, bit for bit.
inline void expect_same_parameters(const nn::Module& a, const nn::Module& b) {
  const auto left = a.named_parameters();
  const auto right = b.named_parameters();
  ASSERT_EQ(left.size(), right.size());
  for (std::size_t i = 0; i < left.size(); ++i) {
    EXPECT_TRUE(bitwise_equal(left[i].second->value, right[i].second->value)) << left[i].first;
  }
}

/// What float rounding may make of sums of some hundred terms.
inline double tolerance(DType dtype) {
  return dtype == DType::float64 ? 1e-12 : 2e-5;
}

inline Tensor random_normal(const Dims& shape, Generator& generator, DType dtype) {
  if (dtype == DType::bfloat16) return Tensor::normal(shape, 0.0, 1.0, generator).to(dtype);
  return Tensor::normal(shape, 0.0, 1.0, generator, dtype);
}

/// Whole numbers in [0, limit), int64.
inline Tensor random_indices(std::int64_t count, std::int64_t limit, Generator& generator) {
  const Tensor uniform =
      Tensor::uniform({count}, 0.0, static_cast<double>(limit), generator, DType::float64);
  return uniform.to(DType::int64);
}

}  // namespace wick::testing
