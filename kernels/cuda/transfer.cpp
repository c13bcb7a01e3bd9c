// SPDX-License-Identifier: MIT
#include "kernels/cuda/transfer.h"

#include <algorithm>
#include <cstring>

namespace wick::cuda {
namespace {

// Up to here the driver keeps its own copy of what it is given, and does it quicker.
constexpr std::size_t kDirectBytes = std::size_t{64} << 10;

std::byte* advance(void* data, std::size_t bytes) {
  return static_cast<std::byte*>(data) + bytes;
}
const std::byte* advance(const void* data, std::size_t bytes) {
  return static_cast<const std::byte*>(data) + bytes;
}

}  // namespace

void Transfer::prepare() {
  for (Piece& piece : pieces_) {
    if (piece.data == nullptr) piece.data = make_pinned<std::byte>(kPieceBytes);
    if (piece.copied == nullptr) piece.copied = make_event();
  }
}

void Transfer::to_device(void* to, const void* host, std::size_t bytes, StreamState& stream) {
  constexpr const char* kName = "copy to the device";
  if (bytes <= kDirectBytes) {
    check(cudaMemcpyAsync(to, host, bytes, cudaMemcpyHostToDevice, stream.stream()), kName);
    return;
  }
  const std::scoped_lock lock(mutex_);
  prepare();
  for (std::size_t done = 0; done < bytes;) {
    Piece& piece = pieces_[next_];
    next_ = (next_ + 1) % pieces_.size();
    check(cudaEventSynchronize(piece.copied.get()), kName);
    const std::size_t size = std::min(kPieceBytes, bytes - done);
    std::memcpy(piece.data.get(), advance(host, done), size);
    check(cudaMemcpyAsync(advance(to, done), piece.data.get(), size, cudaMemcpyHostToDevice,
                          stream.stream()),
          kName);
    check(cudaEventRecord(piece.copied.get(), stream.stream()), kName);
    done += size;
  }
}

void Transfer::to_host(void* host, const void* from, std::size_t bytes, StreamState& stream) {
  constexpr const char* kName = "copy to the host";
  if (bytes <= kDirectBytes) {
    check(cudaMemcpyAsync(host, from, bytes, cudaMemcpyDeviceToHost, stream.stream()), kName);
    return stream.wait(kName);
  }
  const std::scoped_lock lock(mutex_);
  prepare();
  const std::size_t count = (bytes + kPieceBytes - 1) / kPieceBytes;
  // Piece i is on its way while piece i - 1 is taken out.
  for (std::size_t i = 0; i <= count; ++i) {
    if (i < count) {
      Piece& piece = pieces_[i % pieces_.size()];
      const std::size_t size = std::min(kPieceBytes, bytes - i * kPieceBytes);
      check(cudaEventSynchronize(piece.copied.get()), kName);
      check(cudaMemcpyAsync(piece.data.get(), advance(from, i * kPieceBytes), size,
                            cudaMemcpyDeviceToHost, stream.stream()),
            kName);
      check(cudaEventRecord(piece.copied.get(), stream.stream()), kName);
    }
    if (i > 0) {
      Piece& piece = pieces_[(i - 1) % pieces_.size()];
      const std::size_t at = (i - 1) * kPieceBytes;
      check(cudaEventSynchronize(piece.copied.get()), kName);
      std::memcpy(advance(host, at), piece.data.get(), std::min(kPieceBytes, bytes - at));
    }
  }
  stream.wait(kName);
}

}  // namespace wick::cuda
