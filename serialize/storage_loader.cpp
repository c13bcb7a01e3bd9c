// SPDX-License-Identifier: MIT
#include "serialize/storage_loader.h"

#include <cstddef>
#include <string>

#include "serialize/record_reads.h"
#include "wick/core/backend.h"

namespace wick {
namespace {

// Host memory holds one piece at a time.
void read_to_device(const ZipReader& zip, const StorageRecord& record, Storage& storage) {
  std::size_t done = 0;
  std::string changed;
  zip.read_pieces(*record.entry, [&](std::string_view piece) {
    if (record.change.any()) {  // pieces are a multiple of every element's size
      changed = piece;
      record.change.apply(changed);
      piece = changed;
    }
    storage.backend().copy_from_host(static_cast<std::byte*>(storage.data()) + done, piece.data(),
                                     piece.size());
    done += piece.size();
  });
  storage.backend().synchronize();
}

}  // namespace

std::shared_ptr<Storage> make_storage(const ZipReader& zip, const StorageRecord& record,
                                      Backend& backend) {
  // A stored record lies inside the file, so that its size is no lie; a deflated one may claim
  // more.
  if (record.entry->size != record.entry->compressed_size) zip.check(*record.entry);
  return std::make_shared<Storage>(static_cast<std::size_t>(record.entry->size), backend);
}

void read_storages(const ZipReader& zip, const std::vector<StorageRead>& reads) {
  std::vector<RecordRead> to_host;
  to_host.reserve(reads.size());
  for (const StorageRead& read : reads) {
    switch (read.to->device().type) {
      case DeviceType::meta: break;
      case DeviceType::cpu:
        to_host.push_back(
            {read.record->entry, static_cast<char*>(read.to->data()), read.record->change});
        break;
      case DeviceType::cuda: read_to_device(zip, *read.record, *read.to); break;
    }
  }
  read_records(zip, std::move(to_host));
}

std::shared_ptr<Storage> StorageLoader::add(const StorageId& id, DType dtype) {
  const std::size_t number = records_.add(id, dtype);
  if (number == storages_.size()) {
    const StorageRecord& record = records_.all()[number];
    storages_.push_back(
        make_storage(archive_.zip(), record, map_location_.backend(record.location)));
  }
  return storages_[number];
}

void StorageLoader::read() const {
  std::vector<StorageRead> reads;
  reads.reserve(storages_.size());
  for (std::size_t i = 0; i < storages_.size(); ++i) {
    reads.push_back({&records_.all()[i], storages_[i].get()});
  }
  read_storages(archive_.zip(), reads);
}

}  // namespace wick
