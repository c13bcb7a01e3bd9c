// SPDX-License-Identifier: MIT
#include "wick/serialize/checkpoint_file.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "serialize/checkpoint_archive.h"
#include "serialize/lazy_storages.h"
#include "serialize/load_into.h"
#include "serialize/record_reads.h"
#include "serialize/storage_loader.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/core/keyed_hash.h"

namespace wick {

struct CheckpointFile::Impl {
  Impl(const std::filesystem::path& path, const MapLocation& map_location,
       const OpenOptions& options)
      : archive(path, {.verify = !options.ignore_crc}),
        records(archive),
        storages(archive, records, map_location, options.mmap, options.verify),
        placeholders(options.placeholders) {
    tree =
        archive.unpickle([this](const StorageId& id, DType dtype) { return describe(id, dtype); },
                         placeholders ? &foreign : nullptr);
    NamedObjects named = archive.named(tree);
    for (auto& [name, tensor] : named.tensors) add(std::move(name), tensor);
    for (auto& [name, object] : named.storages) {
      const StorageRecord& record = records.all()[storage_number(object.storage.get())];
      storage_infos.push_back({.name = std::move(name),
                               .dtype = object.dtype,
                               .record = record.entry->name,
                               .bytes = record.entry->size,
                               .device = record.location});
    }
  }

  std::shared_ptr<Storage> describe(const StorageId& id, DType dtype) {
    const std::size_t number = records.add(id, dtype);
    if (number == described.size()) {
      const ZipEntry& entry = *records.all()[number].entry;
      described.push_back(std::make_shared<Storage>(static_cast<std::size_t>(entry.size),
                                                    wick::backend_for(kMeta)));
      numbers.emplace(described.back().get(), number);
    }
    return described[number];
  }

  void add(std::string name, const Tensor& tensor) {
    index.emplace(name, infos.size());
    const auto number = numbers.find(tensor.storage().get());
    if (number == numbers.end()) {
      add_without_record(std::move(name), tensor);
      return;
    }
    const StorageRecord& record = records.all()[number->second];
    infos.push_back({.name = std::move(name),
                     .dtype = tensor.dtype(),
                     .shape = tensor.shape(),
                     .strides = tensor.strides(),
                     .offset = tensor.offset(),
                     .requires_grad = tensor.requires_grad(),
                     .record = record.entry->name,
                     .storage_bytes = record.entry->size,
                     .device = record.location});
    handles.push_back(tensor);
  }

  // One that was on the device "meta" when it was saved, or that was an array of NumPy.
  void add_without_record(std::string name, const Tensor& tensor) {
    const bool elements = tensor.device() != kMeta;
    infos.push_back({.name = std::move(name),
                     .dtype = tensor.dtype(),
                     .shape = tensor.shape(),
                     .strides = tensor.strides(),
                     .requires_grad = tensor.requires_grad(),
                     .record = "",
                     .storage_bytes = elements ? tensor.storage()->bytes() : 0,
                     .device = to_string(tensor.device())});
    handles.push_back(tensor);
    without_record.insert(tensor.storage().get());
  }

  // The number of a tensor in `infos`, if its name is there, and is its alone.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const {
    const auto [first, last] = index.equal_range(std::string(name));
    if (first == last) return std::nullopt;
    if (std::next(first) != last) {
      throw StateDictError(concat("file ", archive.file().path(), ": ", index.count(first->first),
                                  " tensors are called \"", name, '"'),
                           Remedy::pick_by_tree, "take one from CheckpointFile::tree()");
    }
    return first->second;
  }

  [[nodiscard]] std::size_t storage_number(const Storage* described_storage) const {
    const auto known = numbers.find(described_storage);
    if (known == numbers.end()) {
      throw ValueError("CheckpointFile: the tensor or storage is not one of this file's tree()");
    }
    return known->second;
  }
  [[nodiscard]] std::size_t storage_number(const Tensor& tensor) const {
    return storage_number(tensor.storage().get());
  }

  [[nodiscard]] static Tensor over(std::shared_ptr<Storage> storage, const Tensor& handle) {
    Tensor result(std::move(storage), handle.dtype(), handle.shape(), handle.strides(),
                  handle.offset());
    result.set_requires_grad(handle.requires_grad());
    return result;
  }

  CheckpointArchive archive;
  StorageRecords records;
  mutable LazyStorages storages;
  bool placeholders;
  ForeignObjects foreign;
  Value tree;
  std::vector<std::shared_ptr<Storage>> described;          // of records; on "meta"
  std::unordered_map<const Storage*, std::size_t> numbers;  // of described
  std::unordered_set<const Storage*> without_record;        // of handles
  std::vector<StorageInfo> storage_infos;
  std::vector<TensorInfo> infos;
  std::vector<Tensor> handles;  // of infos
  std::unordered_multimap<std::string, std::size_t, NameHash, std::equal_to<>> index;
};

CheckpointFile::CheckpointFile(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
CheckpointFile::CheckpointFile(CheckpointFile&&) noexcept = default;
CheckpointFile& CheckpointFile::operator=(CheckpointFile&&) noexcept = default;
CheckpointFile::~CheckpointFile() = default;

CheckpointFile CheckpointFile::open(const std::filesystem::path& path,
                                    const MapLocation& map_location, const OpenOptions& options) {
  return CheckpointFile(std::make_unique<const Impl>(path, map_location, options));
}

const std::vector<TensorInfo>& CheckpointFile::tensors() const noexcept {
  return impl_->infos;
}

const std::vector<StorageInfo>& CheckpointFile::storages() const noexcept {
  return impl_->storage_infos;
}

std::vector<std::string> CheckpointFile::longer_records() const {
  std::vector<std::string> names;
  for (const StorageRecord& record : impl_->records.all()) {
    if (record.excess != 0) names.push_back(record.entry->name);
  }
  return names;
}

std::uint64_t CheckpointFile::trailing_bytes() const noexcept {
  return impl_->archive.zip().trailing_bytes();
}

const TensorInfo* CheckpointFile::find(std::string_view name) const {
  const auto number = impl_->find(name);
  return number ? &impl_->infos[*number] : nullptr;
}

const Value& CheckpointFile::tree() const noexcept {
  return impl_->tree;
}

const ForeignObjects& CheckpointFile::foreign_objects() const noexcept {
  return impl_->foreign;
}

Tensor CheckpointFile::tensor(std::string_view name) const {
  const auto number = impl_->find(name);
  if (!number) {
    throw StateDictError(
        concat("file ", impl_->archive.file().path(), ": no tensor is called \"", name, '"'));
  }
  return tensor(impl_->handles[*number]);
}

Tensor CheckpointFile::tensor(const Tensor& described) const {
  if (impl_->without_record.contains(described.storage().get())) return described;
  return Impl::over(impl_->storages.get(impl_->storage_number(described)), described);
}

StorageObject CheckpointFile::storage(const StorageObject& described) const {
  return {impl_->storages.get(impl_->storage_number(described.storage.get())), described.dtype};
}

std::vector<DescribedStorage> CheckpointFile::described_storages() const {
  std::vector<DescribedStorage> result;
  result.reserve(impl_->described.size());
  for (std::size_t number = 0; number < impl_->described.size(); ++number) {
    result.push_back({impl_->described[number], impl_->records.all()[number].location});
  }
  return result;
}

StateDict CheckpointFile::load_subset(std::span<const std::string> names) const {
  std::string missing;
  std::vector<std::size_t> found;
  std::vector<std::size_t> wanted;
  for (const std::string& name : names) {
    if (const auto number = impl_->find(name)) {
      found.push_back(*number);
      const Tensor& handle = impl_->handles[*number];
      if (impl_->without_record.contains(handle.storage().get())) continue;
      wanted.push_back(impl_->storage_number(handle));
    } else {
      missing += concat("\n  no tensor is called \"", name, '"');
    }
  }
  if (!missing.empty()) {
    throw StateDictError(concat("load_subset: file ", impl_->archive.file().path(), ':', missing));
  }
  std::ranges::sort(wanted);
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  // Holds them all until each tensor has its own.
  const auto storages = impl_->storages.get(wanted);
  StateDict result;
  for (const std::size_t number : found) {
    result.set(impl_->infos[number].name, tensor(impl_->handles[number]));
  }
  return result;
}

Value CheckpointFile::value() const {
  std::vector<std::size_t> all(impl_->described.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  const auto storages = impl_->storages.get(all);
  // Read once more rather than copied: so that what is shared in the file is shared here.
  StorageRecords records(impl_->archive);
  ForeignObjects again;
  return impl_->archive.unpickle(
      [&](const StorageId& id, DType dtype) { return storages.at(records.add(id, dtype)); },
      impl_->placeholders ? &again : nullptr);
}

LoadIntoReport CheckpointFile::load_into(const StateDict& target,
                                         const LoadIntoOptions& options) const {
  const Impl& self = *impl_;
  LoadIntoReport report;
  std::vector<LoadPair> pairs;
  std::vector<std::pair<Tensor, Tensor>> copies;  // of what is in memory already
  std::string problems;
  for (const auto& [name, tensor] : target) {
    const auto number = self.find(options.prefix + name);
    if (!number) {
      report.missing_keys.push_back(name);
      if (options.strict) {
        problems += concat("\n  missing key \"", name, "\" of shape ", tensor.shape());
      }
      continue;
    }
    const Tensor& handle = self.handles[*number];
    problems += describe_misfit(name, handle, tensor);
    if (handle.device() != kMeta) {
      copies.emplace_back(tensor, handle);
      continue;
    }
    if (self.without_record.contains(handle.storage().get())) {
      problems += concat("\n  \"", name,
                         "\" has no elements in the checkpoint: it was saved from "
                         "the device \"meta\"");
      continue;
    }
    const std::size_t storage = self.storage_number(handle);
    pairs.push_back({&self.records.all()[storage], storage, handle, tensor});
  }
  for (const TensorInfo& info : self.infos) {
    if (!info.name.starts_with(options.prefix)) continue;
    std::string name = info.name.substr(options.prefix.size());
    if (target.contains(name)) continue;
    if (options.strict)
      problems += concat("\n  unexpected key \"", name, "\" of shape ", info.shape);
    report.unexpected_keys.push_back(std::move(name));
  }
  if (!problems.empty()) {
    throw StateDictError(concat("load_into: file ", self.archive.file().path(),
                                " does not fit; nothing was changed:", problems));
  }
  load_pairs(self.archive.zip(), pairs, self.storages, options.verify);
  for (auto& [target_tensor, elements] : copies) target_tensor.copy_(elements);
  return report;
}

void CheckpointFile::verify() const {
  std::vector<RecordRead> reads;
  for (const ZipEntry& entry : impl_->archive.zip().entries()) reads.push_back({.entry = &entry});
  read_records(impl_->archive.zip(), std::move(reads));
}

}  // namespace wick
