// SPDX-License-Identifier: MIT
// The state behind the simulated CUDA runtime. Everything is under one recursive lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/simt/include/cuda_runtime.h"
#include "tests/simt/order.h"
#include "tests/simt/simt.h"

namespace wick::simt {

using Work = std::function<cudaError_t()>;

/// One recording of an event.
struct Marker {
  bool done = false;
  double seconds = 0.0;
  CUstream_st* stream = nullptr;
  Clock clock;
  CUgraph_st* capture = nullptr;  // recorded while this graph was captured
};

enum class Kind { device, pinned };

struct Allocation {
  std::size_t bytes;
  Kind kind;
  int device;
  bool owned;  // false: registered host memory
  Uses uses{};
};

/// Work of a graph, and the memory that it uses.
struct Node {
  Work work;
  Addresses addresses;
};

}  // namespace wick::simt

struct CUstream_st {
  int device = 0;
  std::uint64_t number = 0;  // no other stream has had it
  wick::simt::Clock clock;   // of the work given last
  std::deque<wick::simt::Work> queue;
  CUgraph_st* capture = nullptr;
};
struct CUevent_st {
  bool timing = true;
  std::shared_ptr<wick::simt::Marker> marker;
};
struct CUgraph_st {
  std::vector<wick::simt::Node> nodes;
  CUstream_st* origin = nullptr;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  std::thread::id thread;
  bool invalid = false;
};
struct CUgraphExec_st {
  std::shared_ptr<const std::vector<wick::simt::Node>> nodes;
  wick::simt::Addresses addresses;  // of device memory, of all nodes
  int device = 0;
};
struct CUmemPoolHandle_st {
  std::map<cudaMemPoolAttr, std::uint64_t> attributes;
};

namespace wick::simt {

struct DeviceState {
  std::size_t limit = std::size_t{1} << 30;
  std::size_t used = 0;
  CUstream_st legacy;
  CUmemPoolHandle_st pool;
  std::set<int> peers;
};

constexpr int kMaxDevices = 8;
constexpr int kMultiprocessors = 4;  // few, so that grids are small and still of several blocks

struct Runtime {
  std::recursive_mutex mutex;
  int device_count = 1;
  std::vector<DeviceState> devices = std::vector<DeviceState>(kMaxDevices);
  std::map<const char*, Allocation> allocations;  // by their first byte
  std::set<CUstream_st*> streams;                 // those that were created
  std::set<CUgraph_st*> captures;                 // those under way
  std::map<const void*, std::map<cudaFuncAttribute, int>> kernel_attributes;
  std::uint64_t streams_made = 0;
  Clock waited;  // what the host has waited for
  unsigned said_cluster = 16;
  unsigned taken_cluster = 16;
  Schedule schedule;
  bool eager = false;
  std::string failure;
  std::uint64_t launches = 0;
};

[[nodiscard]] Runtime& runtime();
[[nodiscard]] inline std::unique_lock<std::recursive_mutex> lock() {
  return std::unique_lock(runtime().mutex);
}

/// Remembers an error for cudaGetLastError; returns its argument.
cudaError_t note(cudaError_t error);
/// The calling thread's device.
[[nodiscard]] int current_device();

/// The stream behind a handle: null and the two special handles mean the device's own.
/// Null where there is no such stream.
[[nodiscard]] CUstream_st* stream_of(cudaStream_t handle);
/// Queues work that uses this memory, records it in the graph that is being captured, or runs it.
cudaError_t submit(CUstream_st* stream, Work work, const Addresses& addresses = {});
cudaError_t drain(CUstream_st* stream);
/// Runs a stream's work until this recording is reached.
cudaError_t drain_until(const Marker& marker);
cudaError_t drain_device(int device);
/// The same, where the host waits for it.
cudaError_t wait_for_device(int device);
/// cudaErrorStreamCaptureUnsupported, and the capture is spoilt, where the calling thread's capture
/// forbids what synchronises or allocates; else the failure that has stuck, or cudaSuccess.
cudaError_t check_may_wait();

/// The allocation that [pointer, pointer + bytes) lies in, or null.
[[nodiscard]] Allocation* find_allocation(const void* pointer, std::size_t bytes);

}  // namespace wick::simt
