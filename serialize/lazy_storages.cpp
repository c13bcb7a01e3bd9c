// SPDX-License-Identifier: MIT
#include "serialize/lazy_storages.h"

#include <utility>

#include "serialize/record_reads.h"
#include "serialize/storage_loader.h"
#include "serialize/zip_format.h"
#include "wick/core/backend.h"

namespace wick {
namespace {

constexpr std::uint64_t kAlignment = 64;  // that Backend::allocate() promises too

}  // namespace

std::shared_ptr<Storage> LazyStorages::find(std::size_t number) {
  const std::lock_guard lock(mutex_);
  return number < known_.size() ? known_[number].lock() : nullptr;
}

// Another thread may have been faster: then its storage is the one, so that sharing survives.
std::shared_ptr<Storage> LazyStorages::keep(std::size_t number, std::shared_ptr<Storage> storage) {
  const std::lock_guard lock(mutex_);
  if (known_.size() <= number) known_.resize(records_.all().size());
  if (auto earlier = known_[number].lock()) return earlier;
  known_[number] = storage;
  return storage;
}

std::shared_ptr<const MappedFile> LazyStorages::mapping() {
  const std::lock_guard lock(mutex_);
  auto mapping = mapping_.lock();
  if (mapping == nullptr) {
    mapping = std::make_shared<const MappedFile>(archive_.file());
    mapping_ = mapping;
  }
  return mapping;
}

std::shared_ptr<Storage> LazyStorages::map(const StorageRecord& record, Backend& backend) {
  const bool plain = mmap_ && backend.device().type == DeviceType::cpu &&
                     record.entry->method == zip::kMethodStored && !record.change.any() &&
                     record.entry->size != 0;
  if (!plain) return nullptr;
  const std::uint64_t offset = archive_.zip().data_offset(*record.entry);
  if (offset % kAlignment != 0) return nullptr;
  archive_.file().require_size();
  std::shared_ptr<const MappedFile> file = mapping();
  char* const data = file->data() + offset;
  return std::make_shared<Storage>(data, static_cast<std::size_t>(record.entry->size), backend,
                                   std::move(file));
}

std::vector<std::shared_ptr<Storage>> LazyStorages::get(std::span<const std::size_t> numbers) {
  std::vector<std::shared_ptr<Storage>> storages;
  std::vector<StorageRead> to_read;
  std::vector<RecordRead> to_check;
  std::vector<bool> fresh;
  storages.reserve(numbers.size());
  for (const std::size_t number : numbers) {
    const StorageRecord& record = records_.all()[number];
    storages.push_back(find(number));
    fresh.push_back(storages.back() == nullptr);
    if (!fresh.back()) continue;
    Backend& backend = map_location_.backend(record.location);
    storages.back() = map(record, backend);
    if (storages.back() != nullptr) {
      if (verify_) to_check.push_back({.entry = record.entry});
    } else {
      storages.back() = make_storage(archive_.zip(), record, backend);
      to_read.push_back({&record, storages.back().get()});
    }
  }
  read_records(archive_.zip(), std::move(to_check));
  read_storages(archive_.zip(), to_read);
  for (std::size_t i = 0; i < storages.size(); ++i) {
    if (fresh[i]) storages[i] = keep(numbers[i], std::move(storages[i]));
  }
  return storages;
}

}  // namespace wick
