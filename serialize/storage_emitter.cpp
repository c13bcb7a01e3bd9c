// SPDX-License-Identifier: MIT
#include "serialize/storage_emitter.h"

#include <string>

#include "serialize/torch_names.h"
#include "wick/core/error.h"

namespace wick {

using pickle::Op;

void StorageEmitter::add_for(const Tensor& tensor) {
  const bool has_class = storage_class(tensor.dtype()).has_value();
  emit(tensor.storage(), has_class ? std::optional(tensor.dtype()) : std::nullopt);
}

void StorageEmitter::add(const StorageObject& object) {
  if (location_of(*object.storage) == "meta") {
    throw ValueError("save: a storage on the device meta has no bytes, and no form in a file");
  }
  if (object.dtype && !storage_class(*object.dtype)) {
    throw DTypeError(concat("save: PyTorch has no class of storages for ", *object.dtype,
                            "; save it untyped, or a tensor over it"));
  }
  emit(object.storage, object.dtype);
}

std::string StorageEmitter::location_of(const Storage& storage) const {
  std::string supplied = supply_ == nullptr ? std::string() : supply_->location(storage);
  return supplied.empty() ? to_string(storage.device()) : supplied;
}

// ("storage", class, key, location, count)
void StorageEmitter::emit(const std::shared_ptr<Storage>& storage, std::optional<DType> dtype) {
  // PyTorch counts an untyped storage as one of uint8.
  const DType stored = dtype.value_or(DType::uint8);
  emit_.op(Op::mark);
  emit_.string("storage");
  if (dtype) {
    emit_.global("torch", *storage_class(*dtype));
  } else {
    emit_.global("torch.storage", "UntypedStorage");
  }
  const auto [known, added] = known_.try_emplace(storage.get());
  if (added) {
    known->second = {storages_.size(), stored,
                     emit_.fresh_string(std::to_string(storages_.size()))};
    storages_.push_back(storage);
  } else {
    if (known->second.dtype != stored && storage->bytes() != 0) {
      throw DTypeError(concat("save: elements of ", known->second.dtype, " and of ", stored,
                              " share one storage, which PyTorch's format cannot hold; clone() one "
                              "of the tensors"));
    }
    emit_.get(known->second.key_memo);
  }
  const std::string location = location_of(*storage);
  if (location == "cpu") {
    emit_.string(location);
  } else {
    emit_.fresh_string(location);
  }
  emit_.integer(static_cast<std::int64_t>(storage->bytes() / size_of(stored)));
  emit_.op(Op::tuple);
  emit_.memoize();
  emit_.op(Op::binpersid);
}

}  // namespace wick
