// SPDX-License-Identifier: MIT
// Owned bytes on a device. Tensors share a storage and lay their shapes over it.
#pragma once

#include <cstddef>
#include <memory>

#include "core/device.h"

namespace wick {

class Backend;

/// Not copyable; held by std::shared_ptr. The bytes live as long as the storage does.
class Storage {
 public:
  /// Allocates `bytes` uninitialised bytes on the backend's device.
  Storage(std::size_t bytes, Backend& backend);
  /// Wraps bytes that `owner` keeps alive (a mapped file, a user's buffer); their memory is never
  /// given back here. Throws ValueError for an empty owner, and for a null address of some bytes:
  /// bytes that outlive the storage anyway still need an owner that says so, such as
  /// std::shared_ptr<const void>(data, [](const void*) {}).
  Storage(void* data, std::size_t bytes, Backend& backend, std::shared_ptr<const void> owner);
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  ~Storage();

  [[nodiscard]] void* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] Backend& backend() const noexcept { return *backend_; }
  [[nodiscard]] Device device() const noexcept { return device_; }

 private:
  Backend* backend_;
  Device device_;
  void* data_;
  std::size_t bytes_;
  bool is_owner_;  // data_ is this storage's own allocation
  std::shared_ptr<const void> owner_;
};

}  // namespace wick
