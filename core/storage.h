// SPDX-License-Identifier: MIT
// Owned bytes on a device. Tensors share a storage and lay their shapes over it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "wick/core/compiler.h"
#include "wick/core/device.h"

namespace wick {

class Backend;

/// Not copyable; held by std::shared_ptr. The bytes live as long as the storage does.
class WICK_API Storage {
 public:
  /// Allocates `bytes` uninitialised bytes on the backend's device.
  Storage(std::size_t bytes, Backend& backend);
  /// Wraps bytes that `owner` keeps alive (a mapped file, a user's buffer); their memory is never
  /// given back here. Throws ValueError for an empty owner, and for a null address of some bytes:
  /// bytes that outlive the storage anyway still need an owner that says so, such as
  /// std::shared_ptr<const void>(data, [](const void*) {}).
  Storage(void* data, std::size_t bytes, Backend& backend, std::shared_ptr<const void> owner);
  /// The same for bytes that nobody may write to: whatever would write to them through wick throws
  /// ValueError and leaves them as they are. What is written through data() is not seen.
  [[nodiscard]] static std::shared_ptr<Storage> read_only(const void* data, std::size_t bytes,
                                                          Backend& backend,
                                                          std::shared_ptr<const void> owner);
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  ~Storage();

  [[nodiscard]] void* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] Backend& backend() const noexcept { return *backend_; }
  [[nodiscard]] Device device() const noexcept { return device_; }
  /// Made by read_only().
  [[nodiscard]] bool is_read_only() const noexcept { return is_read_only_; }

  /// PyTorch's version counter: another number after each write to the bytes by Tensor's functions,
  /// ops, generators, transforms, plans, load_into() and optimizers (of these, to the parameters'
  /// values). What is written through data() does not count, nor does a replay of a Recording;
  /// whoever does so may call bump_version(), from any number of threads at once; it throws
  /// ValueError where the bytes are read-only.
  [[nodiscard]] std::uint64_t version() const noexcept {
    return version_.load(std::memory_order_relaxed);
  }
  void bump_version() {
    if (is_read_only_) refuse_write();
    version_.fetch_add(1, std::memory_order_relaxed);
  }

 private:
  [[noreturn]] static void refuse_write();

  Backend* backend_;
  Device device_;
  void* data_;
  std::size_t bytes_;
  bool is_owner_;  // data_ is this storage's own allocation
  bool is_read_only_ = false;
  std::shared_ptr<const void> owner_;
  std::atomic<std::uint64_t> version_{0};
};

}  // namespace wick
