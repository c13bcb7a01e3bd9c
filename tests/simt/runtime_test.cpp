// SPDX-License-Identifier: MIT
// The executor as a runtime: memory, streams, events, graphs.
#include <array>
#include <functional>
#include <string>
#include <vector>

#include <cuda_runtime.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/simt/simt.h"

namespace wick::simt {
namespace {

void add_kernel(int* data, int value) {
  data[threadIdx.x] += value;
}

cudaError_t add(int* data, int value, cudaStream_t stream) {
  cudaLaunchConfig_t config{1, 4, 0, stream};
  return cudaLaunchKernelEx(&config, add_kernel, data, value);
}

class RuntimeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), cudaSuccess);
    ASSERT_EQ(cudaMalloc(&data_, 4 * sizeof(int)), cudaSuccess);
    ASSERT_EQ(cudaMallocHost(&pinned_, 4 * sizeof(int)), cudaSuccess);
  }
  void TearDown() override {
    EXPECT_EQ(cudaStreamDestroy(stream_), cudaSuccess);
    EXPECT_EQ(cudaFree(data_), cudaSuccess);
    EXPECT_EQ(cudaFreeHost(pinned_), cudaSuccess);
    EXPECT_EQ(memory_in_use(0), 0U);
    set_eager(false);
    set_device_count(1);
    set_memory_limit(0, std::size_t{1} << 30);
    static_cast<void>(cudaGetLastError());
  }
  cudaStream_t stream_ = nullptr;
  int* data_ = nullptr;
  int* pinned_ = nullptr;
};

TEST_F(RuntimeTest, WorkWaitsUntilSomebodyWaitsForIt) {
  pinned_[0] = 7;
  ASSERT_EQ(cudaMemsetAsync(data_, 0, 16, stream_), cudaSuccess);
  ASSERT_EQ(add(data_, 5, stream_), cudaSuccess);
  ASSERT_EQ(cudaMemcpyAsync(pinned_, data_, 16, cudaMemcpyDeviceToHost, stream_), cudaSuccess);
  EXPECT_EQ(pinned_[0], 7);  // a host that does not wait reads the old value
  EXPECT_EQ(cudaStreamQuery(stream_), cudaErrorNotReady);
  ASSERT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
  EXPECT_EQ(pinned_[0], 5);
  EXPECT_EQ(cudaStreamQuery(stream_), cudaSuccess);
  set_eager(true);
  ASSERT_EQ(add(data_, 1, stream_), cudaSuccess);
  ASSERT_EQ(cudaMemcpyAsync(pinned_, data_, 16, cudaMemcpyDeviceToHost, stream_), cudaSuccess);
  EXPECT_EQ(pinned_[0], 6);
}

TEST_F(RuntimeTest, PageableMemoryIsReadAtTheCall) {
  std::array<int, 4> host{1, 2, 3, 4};
  ASSERT_EQ(cudaMemcpyAsync(data_, host.data(), 16, cudaMemcpyHostToDevice, stream_), cudaSuccess);
  host.fill(0);
  ASSERT_EQ(cudaMemcpyAsync(host.data(), data_, 16, cudaMemcpyDeviceToHost, stream_), cudaSuccess);
  EXPECT_THAT(host, ::testing::ElementsAre(1, 2, 3, 4));
}

TEST_F(RuntimeTest, EventsOrderStreams) {
  cudaStream_t other = nullptr;
  cudaEvent_t event = nullptr;
  ASSERT_EQ(cudaStreamCreate(&other), cudaSuccess);
  ASSERT_EQ(cudaEventCreate(&event), cudaSuccess);
  ASSERT_EQ(cudaMemsetAsync(data_, 0, 16, stream_), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(event, stream_), cudaSuccess);
  ASSERT_EQ(cudaStreamWaitEvent(other, event), cudaSuccess);
  ASSERT_EQ(add(data_, 3, other), cudaSuccess);
  ASSERT_EQ(cudaMemcpyAsync(pinned_, data_, 16, cudaMemcpyDeviceToHost, other), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(other), cudaSuccess);
  EXPECT_EQ(pinned_[3], 3);
  EXPECT_EQ(cudaEventQuery(event), cudaSuccess);
  EXPECT_EQ(cudaEventDestroy(event), cudaSuccess);
  EXPECT_EQ(cudaStreamDestroy(other), cudaSuccess);
}

TEST_F(RuntimeTest, AGraphReplaysWhatWasCaptured) {
  ASSERT_EQ(cudaMemset(data_, 0, 16), cudaSuccess);
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t exec = nullptr;
  ASSERT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), cudaSuccess);
  ASSERT_EQ(add(data_, 2, stream_), cudaSuccess);
  ASSERT_EQ(add(data_, 3, stream_), cudaSuccess);
  ASSERT_EQ(cudaStreamEndCapture(stream_, &graph), cudaSuccess);
  ASSERT_EQ(cudaGraphInstantiate(&exec, graph), cudaSuccess);
  ASSERT_EQ(cudaGraphDestroy(graph), cudaSuccess);
  const std::uint64_t before = launches();
  for (int i = 0; i < 10; ++i) ASSERT_EQ(cudaGraphLaunch(exec, stream_), cudaSuccess);
  ASSERT_EQ(cudaGraphExecDestroy(exec), cudaSuccess);
  ASSERT_EQ(cudaMemcpyAsync(pinned_, data_, 16, cudaMemcpyDeviceToHost, stream_), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
  EXPECT_EQ(pinned_[0], 50);
  EXPECT_EQ(launches() - before, 20U);
}

TEST_F(RuntimeTest, WaitingSpoilsACapture) {
  cudaGraph_t graph = nullptr;
  ASSERT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream_), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(add(data_, 2, stream_), cudaErrorStreamCaptureInvalidated);
  EXPECT_EQ(cudaStreamEndCapture(stream_, &graph), cudaErrorStreamCaptureInvalidated);
  ASSERT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), cudaSuccess);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(cudaStreamEndCapture(stream_, &graph), cudaErrorStreamCaptureInvalidated);
  EXPECT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
}

TEST_F(RuntimeTest, MemoryRunsOutAndTheProgramGoesOn) {
  set_memory_limit(0, 1 << 20);
  void* large = nullptr;
  ASSERT_EQ(cudaMallocAsync(&large, 900 << 10, stream_), cudaSuccess);
  void* more = nullptr;
  EXPECT_EQ(cudaMallocAsync(&more, 900 << 10, stream_), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  std::size_t free = 0;
  std::size_t total = 0;
  ASSERT_EQ(cudaMemGetInfo(&free, &total), cudaSuccess);
  EXPECT_EQ(total, 1U << 20);
  EXPECT_EQ(free, (124U << 10) - 16);
  ASSERT_EQ(cudaFreeAsync(large, stream_), cudaSuccess);
  ASSERT_EQ(cudaMallocAsync(&more, 900 << 10, stream_), cudaSuccess);
  ASSERT_EQ(cudaFreeAsync(more, stream_), cudaSuccess);
}

// Stream-ordered memory: the ways to put its allocation, its uses and its return in order, one for
// each `way`, and what the device says. Nobody waits meanwhile but where a way says so.
std::string after(
    const std::function<void(int* memory, cudaStream_t here, cudaStream_t there)>& way,
    bool allocated_before) {
  cudaStream_t here = nullptr;
  cudaStream_t there = nullptr;
  cudaEvent_t event = nullptr;
  int* memory = nullptr;
  EXPECT_EQ(cudaStreamCreateWithFlags(&here, cudaStreamNonBlocking), cudaSuccess);
  EXPECT_EQ(cudaStreamCreateWithFlags(&there, cudaStreamNonBlocking), cudaSuccess);
  EXPECT_EQ(cudaEventCreate(&event), cudaSuccess);
  EXPECT_EQ(cudaMallocAsync(&memory, 16, here), cudaSuccess);
  if (allocated_before) {
    EXPECT_EQ(cudaEventRecord(event, here), cudaSuccess);
    EXPECT_EQ(cudaStreamWaitEvent(there, event), cudaSuccess);
  }
  way(memory, here, there);
  const std::string failure = last_failure();
  EXPECT_EQ(cudaStreamSynchronize(here), failure.empty() ? cudaSuccess : cudaErrorLaunchFailure);
  // Kernels do not run any more after a failure, so that none comes near what has gone.
  static_cast<void>(cudaStreamDestroy(there));
  static_cast<void>(cudaStreamDestroy(here));
  reset_failure();
  EXPECT_EQ(cudaEventDestroy(event), cudaSuccess);
  return failure;
}

void order(cudaStream_t first, cudaStream_t second) {
  cudaEvent_t event = nullptr;
  ASSERT_EQ(cudaEventCreate(&event), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(event, first), cudaSuccess);
  ASSERT_EQ(cudaStreamWaitEvent(second, event), cudaSuccess);
  ASSERT_EQ(cudaEventDestroy(event), cudaSuccess);
}

TEST_F(RuntimeTest, MemoryIsGivenBackAfterItsLastUse) {
  const auto use_and_free = [](bool ordered, bool waited) {
    return after(
        [=](int* memory, cudaStream_t here, cudaStream_t there) {
          ASSERT_EQ(add(memory, 1, there), cudaSuccess);
          if (ordered) order(there, here);
          if (waited) {
            ASSERT_EQ(cudaStreamSynchronize(there), cudaSuccess);
          }
          ASSERT_EQ(cudaFreeAsync(memory, here), cudaSuccess);
        },
        true);
  };
  EXPECT_THAT(use_and_free(false, false), ::testing::HasSubstr("given back in a stream that does"));
  EXPECT_EQ(use_and_free(true, false), "");
  EXPECT_EQ(use_and_free(false, true), "");
  // An event that was recorded before the use says nothing about it.
  EXPECT_THAT(after(
                  [](int* memory, cudaStream_t here, cudaStream_t there) {
                    order(there, here);
                    ASSERT_EQ(add(memory, 1, there), cudaSuccess);
                    ASSERT_EQ(cudaFreeAsync(memory, here), cudaSuccess);
                  },
                  true),
              ::testing::HasSubstr("of 16 bytes is given back"));
}

TEST_F(RuntimeTest, MemoryIsUsedAfterItsAllocationAndNotLater) {
  const auto use = [](const auto& before) {
    return [before](int* memory, cudaStream_t here, cudaStream_t there) {
      before(here, there);
      ASSERT_EQ(cudaMemsetAsync(memory, 0, 16, there), cudaSuccess);
      order(there, here);
      ASSERT_EQ(cudaFreeAsync(memory, here), cudaSuccess);
    };
  };
  EXPECT_THAT(after(use([](auto, auto) {}), false),
              ::testing::HasSubstr("does not wait for its allocation"));
  EXPECT_EQ(after(use([](auto here, auto there) { order(here, there); }), false), "");
  EXPECT_EQ(after(use([](auto here, auto) { (void)cudaStreamSynchronize(here); }), false), "");
  EXPECT_THAT(after(
                  [](int* memory, cudaStream_t here, cudaStream_t there) {
                    ASSERT_EQ(cudaFreeAsync(memory, here), cudaSuccess);
                    order(here, there);
                    ASSERT_EQ(add(memory, 1, there), cudaSuccess);
                  },
                  true),
              ::testing::HasSubstr("used after it was given back"));
}

TEST_F(RuntimeTest, AGraphUsesItsMemoryWhereItIsLaunched) {
  for (const bool ordered : {false, true}) {
    cudaGraphExec_t exec = nullptr;
    const std::string failure = after(
        [&](int* memory, cudaStream_t here, cudaStream_t there) {
          cudaGraph_t graph = nullptr;
          ASSERT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeRelaxed), cudaSuccess);
          ASSERT_EQ(add(memory, 2, stream_), cudaSuccess);
          ASSERT_EQ(cudaStreamEndCapture(stream_, &graph), cudaSuccess);
          ASSERT_EQ(cudaGraphInstantiate(&exec, graph), cudaSuccess);
          ASSERT_EQ(cudaGraphDestroy(graph), cudaSuccess);
          ASSERT_EQ(cudaGraphLaunch(exec, there), cudaSuccess);
          if (ordered) order(there, here);
          ASSERT_EQ(cudaFreeAsync(memory, here), cudaSuccess);
        },
        true);
    EXPECT_EQ(failure.empty(), ordered) << failure;
    ASSERT_EQ(cudaGraphExecDestroy(exec), cudaSuccess);
  }
}

TEST_F(RuntimeTest, ClustersThatADeviceDoesNotTake) {
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeClusterDimension;
  attribute.val.clusterDim = {8, 1, 1};
  cudaLaunchConfig_t config{8, 4, 0, stream_, &attribute, 1};
  const auto said = [&] {
    int count = -1;
    return cudaOccupancyMaxActiveClusters(&count, add_kernel, &config) == cudaSuccess ? count : -1;
  };
  const auto launched = [&] { return cudaLaunchKernelEx(&config, add_kernel, data_, 0); };
  EXPECT_EQ(said(), 1);
  EXPECT_EQ(launched(), cudaSuccess);
  set_largest_cluster(4, 8);
  EXPECT_EQ(said(), 0);
  EXPECT_EQ(launched(), cudaSuccess);
  set_largest_cluster(8, 4);
  EXPECT_EQ(said(), 1);
  EXPECT_EQ(launched(), cudaErrorInvalidClusterSize);
  set_largest_cluster(16, 16);
  config.gridDim = 16;
  attribute.val.clusterDim.x = 16;  // more than all devices have: the kernel must be marked for it
  EXPECT_EQ(said(), -1);
  EXPECT_EQ(launched(), cudaErrorInvalidClusterSize);
}

TEST_F(RuntimeTest, RefusesWrongCopies) {
  std::array<int, 8> host{};
  // Too long, and in the wrong direction.
  EXPECT_EQ(cudaMemcpy(data_, host.data(), 32, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(host.data(), data_, 16, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(host.data(), host.data() + 4, 16, cudaMemcpyDeviceToHost),
            cudaErrorInvalidValue);
}

TEST_F(RuntimeTest, DevicesAreApart) {
  set_device_count(2);
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  EXPECT_EQ(add(data_, 1, stream_), cudaErrorInvalidResourceHandle);  // a stream of device 0
  void* there = nullptr;
  ASSERT_EQ(cudaMalloc(&there, 100), cudaSuccess);
  cudaPointerAttributes attributes{};
  ASSERT_EQ(cudaPointerGetAttributes(&attributes, there), cudaSuccess);
  EXPECT_EQ(attributes.device, 1);
  EXPECT_EQ(memory_in_use(1), 100U);
  ASSERT_EQ(cudaFree(there), cudaSuccess);
  EXPECT_EQ(cudaSetDevice(2), cudaErrorInvalidDevice);
  ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
}

}  // namespace
}  // namespace wick::simt
