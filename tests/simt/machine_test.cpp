// SPDX-License-Identifier: MIT
// The executor as a machine: what kernels may do works, what they may not do is reported.
#include <numeric>
#include <vector>

#include <cooperative_groups.h>
#include <cuda_runtime.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/simt/simt.h"

namespace wick::simt {

// Outside the unnamed namespace, so that reports can name them.
void reverse_kernel(int* data, bool with_barrier) {
  auto* const shared = reinterpret_cast<int*>(dynamic_shared());
  shared[threadIdx.x] = data[threadIdx.x];
  if (with_barrier) __syncthreads();
  data[threadIdx.x] = shared[blockDim.x - 1 - threadIdx.x];
}

void leaving_kernel() {
  if (threadIdx.x >= 40) return;
  __syncthreads();
}

void diverging_kernel() {
  if (threadIdx.x < 3) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class Machine : public ::testing::Test {
 protected:
  void TearDown() override {
    reset_failure();
    set_schedule({});
  }
  template <typename... Expected, typename... Given>
  static cudaError_t run(dim3 grid, dim3 block, std::size_t shared, void (*kernel)(Expected...),
                         Given... given) {
    cudaLaunchConfig_t config{grid, block, shared};
    const cudaError_t error = cudaLaunchKernelEx(&config, kernel, given...);
    return error != cudaSuccess ? error : cudaDeviceSynchronize();
  }
  // Every order that tests run under.
  static std::vector<Schedule> schedules() {
    return {{Order::forward}, {Order::backward}, {Order::random, 1}, {Order::random, 2}};
  }
};

TEST_F(Machine, BarriersSeparateWritesFromReads) {
  std::vector<int> expected(96);
  std::iota(expected.rbegin(), expected.rend(), 0);
  for (const Schedule schedule : schedules()) {
    set_schedule(schedule);
    std::vector<int> data(96);
    std::iota(data.begin(), data.end(), 0);
    ASSERT_EQ(run(1, 96, 96 * sizeof(int), reverse_kernel, data.data(), true), cudaSuccess);
    EXPECT_EQ(data, expected);
  }
}

TEST_F(Machine, ARaceShowsAsADifferenceBetweenOrders) {
  std::vector<std::vector<int>> results;
  for (const Schedule schedule : schedules()) {
    set_schedule(schedule);
    std::vector<int> data(96);
    std::iota(data.begin(), data.end(), 0);
    ASSERT_EQ(run(1, 96, 96 * sizeof(int), reverse_kernel, data.data(), false), cudaSuccess);
    results.push_back(data);
  }
  EXPECT_NE(results[0], results[1]);
  EXPECT_NE(results[0], results[2]);
}

TEST_F(Machine, ReportsABarrierThatSomeThreadsNeverReach) {
  EXPECT_EQ(run({2, 3, 1}, 64, 0, leaving_kernel), cudaErrorLaunchFailure);
  EXPECT_THAT(last_failure(),
              AllOf(HasSubstr("leaving_kernel"), HasSubstr("block (0, 0, 0)"),
                    HasSubstr("threads 0-39: at the block's barrier at"), HasSubstr("machine_test"),
                    HasSubstr("threads 40-63: returned")));
  EXPECT_STREQ(cudaGetErrorString(cudaErrorLaunchFailure), last_failure().c_str());
  // As on a real device, nothing works after it.
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
}

TEST_F(Machine, ReportsThreadsAtDifferentBarriers) {
  EXPECT_EQ(run(1, 8, 0, diverging_kernel), cudaErrorLaunchFailure);
  EXPECT_THAT(last_failure(), AllOf(HasSubstr("diverging_kernel"), HasSubstr("thread 0 waits"),
                                    HasSubstr("thread 3 at another")));
}

void shuffle_kernel(int* out) {
  const int mine = static_cast<int>(threadIdx.x);
  int* const row = out + threadIdx.x * 6;
  row[0] = __shfl_xor_sync(0xFFFFFFFFU, mine, 5);
  row[1] = __shfl_down_sync(0xFFFFFFFFU, mine, 3);
  row[2] = __shfl_up_sync(0xFFFFFFFFU, mine, 3, 8);
  row[3] = __shfl_sync(0xFFFFFFFFU, mine, 1, 16);
  row[4] = static_cast<int>(__ballot_sync(0xFFFFFFFFU, mine % 2));
  row[5] = __any_sync(0xFFFFFFFFU, mine % 32 == 7) * 2 + __all_sync(0xFFFFFFFFU, mine % 32 < 31);
}

TEST_F(Machine, WarpFunctionsAnswerAsCudaDocumentsThem) {
  for (const Schedule schedule : schedules()) {
    set_schedule(schedule);
    std::vector<int> out(64 * 6, -1);
    ASSERT_EQ(run(1, 64, 0, shuffle_kernel, out.data()), cudaSuccess);
    for (int t = 0; t < 64; ++t) {
      const int lane = t % 32;
      const int warp = t - lane;
      const int* const row = &out[static_cast<std::size_t>(t) * 6];
      EXPECT_EQ(row[0], warp + (lane ^ 5));
      EXPECT_EQ(row[1], lane + 3 < 32 ? t + 3 : t);
      EXPECT_EQ(row[2], lane % 8 >= 3 ? t - 3 : t);
      EXPECT_EQ(row[3], warp + (lane / 16) * 16 + 1);
      EXPECT_EQ(static_cast<unsigned>(row[4]), 0xAAAAAAAAU);
      EXPECT_EQ(row[5], 2);
    }
  }
}

void half_warp_kernel(bool wrong_mask) {
  if (threadIdx.x < 16) static_cast<void>(__ballot_sync(wrong_mask ? 0xFF00U : 0xFFFFU, 1));
}
void stranger_kernel() {
  if (threadIdx.x < 16) static_cast<void>(__shfl_sync(0xFFFFU, 1, 20));
}
void absent_lane_kernel() {
  if (threadIdx.x != 9) __syncwarp();
}

TEST_F(Machine, ChecksTheMasksOfWarpFunctions) {
  EXPECT_EQ(run(1, 32, 0, half_warp_kernel, false), cudaSuccess);
  EXPECT_EQ(run(1, 32, 0, half_warp_kernel, true), cudaErrorLaunchFailure);
  EXPECT_THAT(last_failure(), HasSubstr("must name this lane"));
  reset_failure();
  EXPECT_EQ(run(1, 32, 0, stranger_kernel), cudaErrorLaunchFailure);
  EXPECT_THAT(last_failure(), HasSubstr("asks lane 20"));
  reset_failure();
  EXPECT_EQ(run(1, 32, 0, absent_lane_kernel), cudaErrorLaunchFailure);
  EXPECT_THAT(last_failure(), AllOf(HasSubstr("0-8, 10-31"), HasSubstr("threads 9: returned")));
}

void last_block_kernel(unsigned* ticket, const int* in, int* partial, int* total) {
  partial[blockIdx.x] = in[blockIdx.x];
  __threadfence();
  if (atomicInc(ticket, gridDim.x - 1) != gridDim.x - 1) return;
  for (unsigned i = 0; i < gridDim.x; ++i) *total += partial[i];
}

TEST_F(Machine, BlocksRunInEveryOrder) {
  for (const Schedule schedule : schedules()) {
    set_schedule(schedule);
    const std::vector<int> in{1, 2, 4, 8, 16};
    std::vector<int> partial(5, 1000);
    unsigned ticket = 0;
    int total = 0;
    ASSERT_EQ(run(5, 1, 0, last_block_kernel, &ticket, in.data(), partial.data(), &total),
              cudaSuccess);
    EXPECT_EQ(total, 31);
    EXPECT_EQ(ticket, 0U);
  }
}

void grid_kernel(int* data) {
  const unsigned last = gridDim.x - 1;
  for (int step = 0; step < 3; ++step) {
    const int read = data[last - blockIdx.x];
    cooperative_groups::this_grid().sync();
    if (threadIdx.x == 0) data[blockIdx.x] = read + 1;
    cooperative_groups::this_grid().sync();
  }
}

cudaError_t run_grid(unsigned blocks, bool cooperative, int* data) {
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeCooperative;
  attribute.val.cooperative = cooperative ? 1 : 0;
  cudaLaunchConfig_t config{blocks, 40, 0, nullptr, &attribute, 1};
  const cudaError_t error = cudaLaunchKernelEx(&config, grid_kernel, data);
  return error != cudaSuccess ? error : cudaDeviceSynchronize();
}

TEST_F(Machine, ACooperativeLaunchRunsItsBlocksTogether) {
  for (const Schedule schedule : schedules()) {
    set_schedule(schedule);
    std::vector<int> data{10, 20, 30};
    ASSERT_EQ(run_grid(3, true, data.data()), cudaSuccess);
    EXPECT_THAT(data, ::testing::ElementsAre(33, 23, 13));
  }
  std::vector<int> data(100'000);
  EXPECT_EQ(run_grid(100'000, true, data.data()), cudaErrorCooperativeLaunchTooLarge);
}

void poison_kernel(unsigned* out) {
  out[blockIdx.x] = *reinterpret_cast<unsigned*>(dynamic_shared());
  *reinterpret_cast<unsigned*>(dynamic_shared()) = 5;
}

TEST_F(Machine, EachBlockFindsFreshSharedMemory) {
  std::vector<unsigned> out(3);
  ASSERT_EQ(run(3, 1, 4, poison_kernel, out.data()), cudaSuccess);
  EXPECT_THAT(out, ::testing::Each(0xFFFFFFFFU));
}

void waiting_kernel(const int* flag) {
  while (*static_cast<const volatile int*>(flag) == 0) __nanosleep(100);
}

TEST_F(Machine, GivesUpOnALoopThatNobodyEnds) {
  const int flag = 0;
  EXPECT_EQ(run(1, 1, 0, waiting_kernel, &flag), cudaErrorLaunchFailure);
  EXPECT_THAT(last_failure(), HasSubstr("memory that nobody writes"));
}

TEST_F(Machine, RefusesLaunchesThatNoDeviceTakes) {
  EXPECT_EQ(run(0, 1, 0, leaving_kernel), cudaErrorInvalidConfiguration);
  EXPECT_EQ(run(1, 1025, 0, leaving_kernel), cudaErrorInvalidConfiguration);
  EXPECT_EQ(run({1, 65536, 1}, 1, 0, leaving_kernel), cudaErrorInvalidConfiguration);
  EXPECT_EQ(run(1, 1, 100 << 10, leaving_kernel), cudaErrorInvalidValue);
  EXPECT_EQ(
      cudaFuncSetAttribute(leaving_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, 100 << 10),
      cudaSuccess);
  EXPECT_EQ(run(1, 1, 100 << 10, leaving_kernel), cudaSuccess);
}

}  // namespace
}  // namespace wick::simt
