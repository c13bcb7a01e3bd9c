// SPDX-License-Identifier: MIT
// What is freed while a step is being recorded. Of the simulated device, which counts its memory.
#include <thread>

#include <cuda_runtime_api.h>

#include "tests/device/device_under_test.h"
#include "wick/core/backend.h"
#include "wick/core/recording.h"

namespace wick {
namespace {

using testing::kCuda;

std::size_t free_bytes() {
  std::size_t free = 0;
  std::size_t total = 0;
  EXPECT_EQ(cudaMemGetInfo(&free, &total), cudaSuccess);
  return free;
}

TEST(Frees, OfOtherThreadsWaitForNoRecording) {
  constexpr std::int64_t kBytes = std::int64_t{1} << 20;
  Backend& backend = backend_for(kCuda);
  Tensor of_another = Tensor::empty({kBytes}, DType::uint8, kCuda);
  Tensor of_the_recording = Tensor::empty({kBytes}, DType::uint8, kCuda);
  const Tensor sum = Tensor::zeros({4}, DType::float32, kCuda);
  int calls = 0;
  std::size_t before = 0;
  std::size_t after_another = 0;
  std::size_t after_own = 0;
  const auto recording = backend.record({[&] {
                                           sum.zero_();
                                           if (++calls != 2) return;  // the second is recorded
                                           before = free_bytes();
                                           std::thread([&] {
                                             of_another = Tensor();
                                             backend.synchronize();
                                             after_another = free_bytes();
                                           }).join();
                                           of_the_recording = Tensor();
                                           std::thread([&] { backend.synchronize(); }).join();
                                           after_own = free_bytes();
                                         },
                                         [] {}});
  recording->replay(3);
  ASSERT_EQ(calls, 2);
  EXPECT_EQ(after_another, before + kBytes) << "it goes back at once";
  EXPECT_EQ(after_own, before + kBytes) << "the recording may refer to it";
  backend.synchronize();
  EXPECT_EQ(free_bytes(), before + 2 * kBytes) << "after the recording";
}

}  // namespace
}  // namespace wick
