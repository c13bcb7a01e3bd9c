// SPDX-License-Identifier: MIT
#include "wick/core/storage.h"

#include <utility>

#include "wick/core/backend.h"
#include "wick/core/error.h"

namespace wick {

Storage::Storage(std::size_t bytes, Backend& backend)
    : backend_(&backend),
      device_(backend.device()),
      data_(backend.allocate(bytes)),
      bytes_(bytes),
      is_owner_(true) {}

Storage::Storage(void* data, std::size_t bytes, Backend& backend, std::shared_ptr<const void> owner)
    : backend_(&backend),
      device_(backend.device()),
      data_(data),
      bytes_(bytes),
      is_owner_(false),
      owner_(std::move(owner)) {
  // A pointer with a deleter may point to nothing and own all the same.
  if (owner_ == nullptr && owner_.use_count() == 0) {
    throw ValueError(concat("Storage: the owner of ", bytes,
                            " bytes is empty, so nothing keeps them alive; pass what owns them, or "
                            "a std::shared_ptr that deletes nothing for bytes that stay by "
                            "themselves"));
  }
  if (data_ == nullptr && bytes_ != 0 && backend.device() != kMeta) {
    throw ValueError(concat("Storage: the address of ", bytes, " bytes is null"));
  }
}

std::shared_ptr<Storage> Storage::read_only(const void* data, std::size_t bytes, Backend& backend,
                                            std::shared_ptr<const void> owner) {
  // Nothing writes to it: see bump_version().
  auto storage =
      std::make_shared<Storage>(const_cast<void*>(data), bytes, backend, std::move(owner));
  storage->is_read_only_ = true;
  return storage;
}

void Storage::refuse_write() {
  throw ValueError(
      "a tensor over const memory (Tensor::from_blob) is read-only; write to a clone() of it");
}

Storage::~Storage() {
  if (is_owner_) backend_->deallocate(data_, bytes_);
}

}  // namespace wick
