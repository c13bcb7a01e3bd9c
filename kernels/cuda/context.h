// SPDX-License-Identifier: MIT
// One device: its own stream, its memory, and which stream each thread uses.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "kernels/cuda/handles.h"
#include "kernels/cuda/stream_state.h"

namespace wick::cuda {

class StepObserver;

/// A stream in which a recording is captured, with the scratch that its graph uses.
struct CaptureStream {
  Stream stream;
  std::unique_ptr<StreamState> state;
};

/// Thread-safe. All functions must be called with the device as the current one (DeviceGuard).
class Context {
 public:
  explicit Context(int device);
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context();

  [[nodiscard]] int device() const noexcept { return device_; }
  /// "cuda:N".
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const cudaDeviceProp& properties() const noexcept { return properties_; }

  /// The stream in which this thread's work for the device runs.
  [[nodiscard]] StreamState& current();
  /// Replaces it for this thread and returns the one before.
  StreamState& exchange_current(StreamState& next) noexcept;
  /// What watches this thread's work for the device, or null.
  [[nodiscard]] StepObserver* observer() const;
  void set_observer(StepObserver* observer) noexcept;
  /// The state of a stream of the caller's; kept until the program ends.
  [[nodiscard]] StreamState& state_of(cudaStream_t stream);

  /// For work that is to run beside the device's own stream.
  [[nodiscard]] StreamState& side();

  /// One that no other recording uses. Its scratch is large, so that it is lent again and again.
  [[nodiscard]] CaptureStream lend_capture_stream();
  /// Nothing that was captured in it may be running any more.
  void take_back(CaptureStream capture);

  /// Memory in the order of the current stream. Throws OutOfMemoryError.
  [[nodiscard]] void* allocate(std::size_t bytes);
  void deallocate(void* data) noexcept;
  /// Holds memory back that this thread frees, until its last release_frees(): work that is being
  /// recorded may still refer to it, and its stream cannot be waited for meanwhile. What other
  /// threads free goes back as ever, in the order of their streams.
  void hold_frees();
  void release_frees() noexcept;

 private:
  [[nodiscard]] void* try_allocate(std::size_t bytes);

  int device_;
  std::string name_;
  cudaDeviceProp properties_{};
  bool has_pool_ = false;
  Stream own_;
  std::unique_ptr<StreamState> own_state_;
  std::mutex mutex_;  // of what follows
  Stream side_;       // from its first use on
  std::vector<CaptureStream> idle_;
  std::map<cudaStream_t, std::unique_ptr<StreamState>> callers_;
  struct Held {
    int holds = 0;
    std::vector<void*> blocks;
  };
  std::map<std::thread::id, Held> held_;  // of the threads that hold
};

}  // namespace wick::cuda
