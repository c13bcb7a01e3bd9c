// SPDX-License-Identifier: MIT
// Copies between host memory of any kind and a device, through pinned memory in pieces, so that the
// processor's copying and the bus work at the same time.
#pragma once

#include <array>
#include <cstddef>
#include <mutex>

#include "kernels/cuda/handles.h"
#include "kernels/cuda/stream_state.h"

namespace wick::cuda {

/// Thread-safe; one copy of a device at a time. The device must be the current one.
class Transfer {
 public:
  /// The host's memory is free again when it returns; the device may still be copying.
  void to_device(void* to, const void* host, std::size_t bytes, StreamState& stream);
  /// Everything is there when it returns. Throws IndexError as StreamState::wait() does.
  void to_host(void* host, const void* from, std::size_t bytes, StreamState& stream);

 private:
  static constexpr std::size_t kPieceBytes = std::size_t{4} << 20;

  struct Piece {
    Pinned<std::byte> data;
    Event copied;  // when the device has done with it
  };
  void prepare();

  std::mutex mutex_;
  std::array<Piece, 3> pieces_;
  std::size_t next_ = 0;
};

}  // namespace wick::cuda
