// SPDX-License-Identifier: MIT
// A stream and what the kernels that run in it need beside their operands.
#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

#include "kernels/cuda/handles.h"
#include "kernels/cuda/launchers.h"

namespace wick::cuda {

/// Scratch for matrix products: what cuBLAS advises for Hopper.
inline constexpr std::size_t kBlasWorkspaceBytes = std::size_t{32} << 20;

/// Belongs to one device. Not thread-safe but for mutex().
class StreamState {
 public:
  /// `stream` is not owned. The device must be the current one.
  StreamState(cudaStream_t stream, const cudaDeviceProp& device);
  StreamState(const StreamState&) = delete;
  StreamState& operator=(const StreamState&) = delete;
  ~StreamState();

  [[nodiscard]] cudaStream_t stream() const noexcept { return launch_.stream; }
  /// What launchers take.
  [[nodiscard]] const LaunchContext& launch() const noexcept { return launch_; }
  /// kBlasWorkspaceBytes, allocated at the first call.
  [[nodiscard]] void* blas_workspace();

  /// At least `bytes` bytes, for copies of a product's operands; aligned to 256 bytes. What it has
  /// returned before stays, too, because graphs may use it.
  [[nodiscard]] void* operand_copies(std::size_t bytes);

  /// Waits for the stream, then throws IndexError for the first label or index out of range that a
  /// kernel has met since the last call. `operation` is what the host waits for.
  void wait(const char* operation);

  /// The stream runs nothing before what `other` has been given so far.
  void wait_for(StreamState& other);

  /// Held while an operation gives its work to the stream, so that operations of other threads do
  /// not come in between and use the same scratch.
  [[nodiscard]] std::mutex& mutex() noexcept { return mutex_; }

 private:
  LaunchContext launch_;
  DeviceMemory<std::byte> scratch_;  // kWorkspaceBytes, and the flag
  DeviceMemory<std::byte> blas_workspace_;
  std::vector<DeviceMemory<std::byte>> operand_copies_;  // the last is the largest
  std::size_t operand_copies_bytes_ = 0;                 // of the last
  Pinned<ErrorFlag> found_;                              // the device's flag, as of the last wait
  Event reached_;
  std::mutex mutex_;
};

}  // namespace wick::cuda
