// SPDX-License-Identifier: MIT
#include "core/storage.h"

#include <utility>

namespace wick {

Storage::Storage(std::size_t bytes, Backend& backend)
    : backend_(&backend), data_(backend.allocate(bytes)), bytes_(bytes) {}

Storage::Storage(void* data, std::size_t bytes, Backend& backend, std::shared_ptr<const void> owner)
    : backend_(&backend), data_(data), bytes_(bytes), owner_(std::move(owner)) {}

Storage::~Storage() {
  if (owner_ == nullptr) backend_->deallocate(data_, bytes_);
}

}  // namespace wick
