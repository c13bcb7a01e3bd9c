// SPDX-License-Identifier: MIT
// What the tests of the CUDA kernels share: device memory, a launch context, and running something
// under every order of threads and blocks.
#pragma once

#include <bit>
#include <cstring>
#include <functional>
#include <random>
#include <vector>

#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include "kernels/convert.h"
#include "kernels/cuda/launchers.h"
#include "tests/simt/simt.h"

namespace wick::testing {

inline void require(cudaError_t status) {
  if (status != cudaSuccess) throw std::runtime_error(cudaGetErrorString(status));
}

/// Device memory for exactly these elements, `misaligned` elements behind an address that is
/// aligned to 256 bytes.
template <typename T>
class DeviceArray {
 public:
  explicit DeviceArray(std::int64_t count, std::int64_t misaligned = 0)
      : count_(static_cast<std::size_t>(count)), offset_(static_cast<std::size_t>(misaligned)) {
    require(cudaMalloc(&base_, (count_ + offset_) * sizeof(T)));
  }
  explicit DeviceArray(const std::vector<T>& values, std::int64_t misaligned = 0)
      : DeviceArray(static_cast<std::int64_t>(values.size()), misaligned) {
    if (!values.empty()) {
      require(cudaMemcpy(data(), values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice));
    }
  }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  ~DeviceArray() { static_cast<void>(cudaFree(base_)); }

  [[nodiscard]] T* data() const { return base_ == nullptr ? nullptr : base_ + offset_; }
  [[nodiscard]] std::vector<T> download() const {
    std::vector<T> values(count_);
    if (count_ > 0) {
      require(cudaMemcpy(values.data(), data(), count_ * sizeof(T), cudaMemcpyDeviceToHost));
    }
    return values;
  }

 private:
  std::size_t count_;
  std::size_t offset_;
  T* base_ = nullptr;
};

/// A context with a workspace and an error flag; on destruction, no launch may have left a ticket.
class Context {
 public:
  Context() : workspace_(kBytes), flag_(std::vector<cuda::ErrorFlag>(1)) {
    require(cudaMemset(workspace_.data(), 0, cuda::kTicketBytes));
    context_.multiprocessors = 4;
    context_.threads_per_multiprocessor = 2048;
    context_.workspace = workspace_.data();
    context_.error = flag_.data();
  }
  ~Context() {
    const std::vector<unsigned char> zeros(cuda::kTicketBytes);
    std::vector<unsigned char> bytes(cuda::kTicketBytes, 0xFF);
    EXPECT_EQ(cudaMemcpy(bytes.data(), workspace_.data(), bytes.size(), cudaMemcpyDeviceToHost),
              cudaSuccess);
    EXPECT_EQ(bytes, zeros) << "a ticket was left";
  }
  [[nodiscard]] const cuda::LaunchContext& get() const { return context_; }
  operator const cuda::LaunchContext&() const { return context_; }  // NOLINT(*-explicit-*)
  [[nodiscard]] cuda::ErrorFlag error() const { return flag_.download()[0]; }

 private:
  static constexpr auto kBytes = static_cast<std::int64_t>(cuda::kWorkspaceBytes);
  DeviceArray<unsigned char> workspace_;
  DeviceArray<cuda::ErrorFlag> flag_;
  cuda::LaunchContext context_;
};

inline const std::vector<simt::Schedule>& schedules() {
  static const std::vector<simt::Schedule> all{
      {simt::Order::forward}, {simt::Order::backward}, {simt::Order::random, 1, 3}};
  return all;
}

/// What `run` returns, a vector, under the first order; under every other it must return the same
/// bits.
template <typename Run>
auto in_every_order(const Run& run) {
  simt::set_schedule(schedules()[0]);
  const auto first = run();
  for (std::size_t i = 1; i < schedules().size(); ++i) {
    simt::set_schedule(schedules()[i]);
    const auto other = run();
    EXPECT_EQ(first.size(), other.size());
    EXPECT_TRUE(first.empty() ||
                std::memcmp(first.data(), other.data(), first.size() * sizeof(first[0])) == 0)
        << "the order of threads changes the result";
  }
  simt::set_schedule({});
  return first;
}

/// Deterministic numbers in [-1, 1).
template <typename T>
std::vector<T> random_values(std::int64_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::vector<T> values(static_cast<std::size_t>(count));
  for (T& value : values) {
    value = convert<T>(static_cast<double>(generator()) * 0x1p-31 - 1.0);
  }
  return values;
}

inline std::vector<std::int64_t> random_indices(std::int64_t count, std::int64_t limit,
                                                unsigned seed) {
  std::mt19937 generator(seed);
  std::vector<std::int64_t> values(static_cast<std::size_t>(count));
  for (std::int64_t& value : values) value = static_cast<std::int64_t>(generator()) % limit;
  return values;
}

template <typename T>
void expect_same_bits(const std::vector<T>& actual, const std::vector<T>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    ASSERT_EQ(std::memcmp(&actual[i], &expected[i], sizeof(T)), 0) << "element " << i;
  }
}

template <typename T>
void expect_close(const std::vector<T>& actual, const std::vector<double>& expected,
                  double tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    if (std::isnan(expected[i])) {
      ASSERT_TRUE(std::isnan(actual[i])) << "element " << i;
    } else {
      ASSERT_NEAR(static_cast<double>(actual[i]), expected[i],
                  tolerance * std::max(1.0, std::abs(expected[i])))
          << "element " << i;
    }
  }
}

/// What lies between the rows of a matrix in these tests, and must stay.
inline constexpr double kGap = -12345.0;

/// rows of `cols` random values and gaps of `gap` elements.
template <typename T>
std::vector<T> random_matrix(std::int64_t rows, std::int64_t cols, std::int64_t gap,
                             unsigned seed) {
  std::vector<T> values = random_values<T>(rows * (cols + gap), seed);
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = cols; c < cols + gap; ++c) {
      values[static_cast<std::size_t>(r * (cols + gap) + c)] = convert<T>(kGap);
    }
  }
  return values;
}

}  // namespace wick::testing
