// SPDX-License-Identifier: MIT
#include "tools/cli/ckpt_source.h"

#include <algorithm>
#include <memory>
#include <unordered_map>

#include "serialize/legacy_reader.h"
#include "serialize/zip_reader.h"
#include "tools/cli/standard_input.h"
#include "wick/core/containers.h"
#include "wick/core/error.h"
#include "wick/core/keyed_hash.h"
#include "wick/serialize/checkpoint_file.h"
#include "wick/serialize/npy.h"
#include "wick/serialize/safetensors.h"
#include "wick/serialize/sharded.h"

namespace wick::tools {
namespace {

namespace fs = std::filesystem;

std::uint64_t bytes_of(const fs::path& path) {
  return InputFile(path).size();
}

TensorInfo describe(std::string name, DType dtype, const Dims& shape) {
  TensorInfo info;
  info.name = std::move(name);
  info.dtype = dtype;
  info.shape = shape;
  info.strides = contiguous_strides(shape);
  info.storage_bytes = info.nbytes();
  info.device = "cpu";
  return info;
}

// A tensor of a format that holds nothing but named tensors.
void add_plain(CkptSource& source, TensorInfo info, std::function<Tensor()> read) {
  Tensor handle = Tensor::empty(info.shape, info.dtype, kMeta);
  handle.set_requires_grad(info.requires_grad);
  source.storages[handle.storage().get()] = {
      info.device, [read] {
        const Tensor tensor = read().contiguous();
        // A part of a larger storage gets one of its own.
        return (tensor.storage()->bytes() == tensor.nbytes() ? tensor : tensor.clone()).storage();
      }};
  source.tensors.push_back({std::move(info), std::move(read), {}, std::move(handle)});
}

SourceTensor& add_storage(CkptSource& source, const NamedStorage& named,
                          std::function<Tensor()> read) {
  const Tensor elements = named.storage.tensor();
  TensorInfo info = describe(named.name, elements.dtype(), elements.shape());
  info.storage_bytes = named.storage.storage->bytes();
  source.tensors.push_back({std::move(info), std::move(read),
                            named.storage.dtype ? "TypedStorage" : "UntypedStorage", elements});
  return source.tensors.back();
}

// It may contain itself, and nothing else would free it then.
std::shared_ptr<const Value> hold(Value tree) {
  const auto held = std::make_shared<const HeldValue>(std::move(tree));
  return {held, &held->get()};
}

// All storages of a file, also those of tensors in attributes, which have no names.
template <typename File>
void add_stored(CkptSource& source, const std::shared_ptr<const File>& file) {
  for (auto& [described, location] : file->described_storages()) {
    source.storages.emplace(described.get(),
                            StoredBytes{location, [file, described = described] {
                                          return file->storage({described, std::nullopt}).storage;
                                        }});
  }
}

void add_torch(CkptSource& source, const fs::path& path, const LoadOptions& options) {
  const auto file = std::make_shared<const CheckpointFile>(CheckpointFile::open(
      path, kCpu, {.verify = options.verify, .placeholders = true, .ignore_crc = !options.verify}));
  add_stored(source, file);
  // Both in the order of the file, a handle for each description.
  const auto [handles, storages] = named_objects(file->tree());
  for (std::size_t i = 0; i < handles.size(); ++i) {
    source.tensors.push_back({file->tensors().at(i),
                              [file, handle = handles[i].tensor] { return file->tensor(handle); },
                              {},
                              handles[i].tensor});
  }
  for (std::size_t i = 0; i < storages.size(); ++i) {
    SourceTensor& added = add_storage(source, storages[i], [file, handle = storages[i].storage] {
      return file->storage(handle).tensor();
    });
    added.info.record = file->storages().at(i).record;
    added.info.device = file->storages().at(i).device;
  }
  source.tree = hold(file->tree());
  source.foreign = file->foreign_objects();
  source.trailing_bytes = file->trailing_bytes();
  source.longer_records = file->longer_records();
}

void add_legacy(CkptSource& source, const fs::path& path) {
  const auto file = std::make_shared<const LegacyFile>(path, true);
  const auto place = [&file](TensorInfo& info, const Storage* storage) {
    const LegacyStorage* const found = file->find(storage);
    if (found == nullptr) {  // of NumPy, or without elements
      info.storage_bytes = storage->device() == kMeta ? 0 : storage->bytes();
      info.device = storage->device() == kMeta ? "meta" : "cpu";
      return;
    }
    info.storage_bytes = found->bytes;
    info.record = concat("storage ", found->key);
    info.device = found->location;
  };
  add_stored(source, file);
  const auto [tensors, storages] =
      named_objects(file->tree(), max_name_bytes_of(file->pickle_bytes()));
  for (const auto& [name, tensor] : tensors) {
    TensorInfo info = describe(name, tensor.dtype(), tensor.shape());
    info.strides = tensor.strides();
    info.offset = tensor.offset();
    info.requires_grad = tensor.requires_grad();
    place(info, tensor.storage().get());
    source.tensors.push_back(
        {std::move(info), [file, handle = tensor] { return file->tensor(handle); }, {}, tensor});
  }
  for (const NamedStorage& named : storages) {
    SourceTensor& added = add_storage(
        source, named, [file, handle = named.storage] { return file->storage(handle).tensor(); });
    place(added.info, named.storage.storage.get());
  }
  source.tree = {file, &file->tree()};
  source.foreign = file->foreign_objects();
  source.trailing_bytes = file->trailing_bytes();
}

void add_safetensors(CkptSource& source, const fs::path& path) {
  const auto file = std::make_shared<const SafetensorsFile>(path);
  for (const SafetensorsEntry& entry : file->entries()) {
    add_plain(source, describe(entry.name, entry.dtype, entry.shape),
              [file, &entry] { return file->read(entry); });
  }
  source.metadata = file->metadata();
}

void add_npy(CkptSource& source, const fs::path& path) {
  const auto file = std::make_shared<const NpyFile>(path);
  source.trailing_bytes = file->trailing_bytes();
  add_plain(source, describe({}, file->header().dtype, file->header().shape),
            [file] { return file->read(); });
}

void add_npz(CkptSource& source, const fs::path& path, const LoadOptions& options) {
  const auto file = std::make_shared<const NpzFile>(path, options);
  source.trailing_bytes = file->trailing_bytes();
  for (const NpzFile::Entry& entry : file->entries()) {
    TensorInfo info = describe(entry.name, entry.header.dtype, entry.header.shape);
    info.record = entry.record->name;
    if (entry.trailing_bytes > 0) source.longer_records.push_back(info.record);
    add_plain(source, std::move(info), [file, &entry] { return file->read(entry); });
  }
  for (const NpzFile::Other& other : file->others()) {
    ++source.placeholders.count;
    if (source.placeholders.first.size() < CkptSource::kNamedPlaceholders) {
      source.placeholders.first.push_back(
          {other.name, other.is_array ? "numpy.ndarray" : "bytes", true});
    }
  }
}

// A shard, and its tensors by name: an index may name a hundred thousand.
struct OpenShard {
  CkptSource source;
  std::unordered_map<std::string_view, const SourceTensor*, NameHash> tensors = {};

  explicit OpenShard(CkptSource opened) : source(std::move(opened)) {
    for (const SourceTensor& tensor : source.tensors) tensors.emplace(tensor.info.name, &tensor);
  }
  [[nodiscard]] const SourceTensor& at(const std::string& name) const {
    const auto found = tensors.find(name);
    const bool plain = found != tensors.end() && !found->second->is_storage();
    return plain ? *found->second : source.at(name);  // which says what is wrong
  }
};

void add_shards(CkptSource& source, const fs::path& path, const LoadOptions& options) {
  if (with_shown_names(path.string()) != path.string()) {
    throw FormatError(
        "standard input is an index of shards, which lie beside their index; give"
        " the path of the index");
  }
  const ShardIndex index = read_shard_index(path);
  require_shards(index);
  NameMap<std::unique_ptr<const OpenShard>> shards;
  NameSet keys;  // of the metadata
  for (const std::string& shard : index.shards()) {
    const fs::path shard_path = index.shard_path(shard);
    if (recognise_file(shard_path) == FileFormat::shard_index) {
      throw FormatError(
          concat("file ", shard_path, ": a shard of file ", path, " is an index of shards itself"));
    }
    auto opened = std::make_unique<const OpenShard>(open_source(shard_path, options));
    source.file_bytes += opened->source.file_bytes;
    // Of several shards' metadata under one key, the first counts.
    for (const auto& [key, text] : opened->source.metadata) {
      if (keys.insert(key).second) source.metadata.emplace_back(key, text);
    }
    shards.emplace(shard, std::move(opened));
  }
  for (const auto& [name, shard] : index.weight_map) {
    SourceTensor tensor = shards.at(shard)->at(name);
    // Two shards may have records of one name.
    if (!tensor.info.record.empty()) tensor.info.record = shard + ": " + tensor.info.record;
    add_plain(source, std::move(tensor.info), std::move(tensor.read));
  }
}

// A name that ends alike: what is looked for under "weight" may be "model.layer1.weight".
std::string suggestion(const CkptSource& source, std::string_view name) {
  for (const SourceTensor& tensor : source.tensors) {
    if (tensor.info.name.ends_with(name) || tensor.info.name.starts_with(name)) {
      return concat("; there is \"", tensor.info.name, '"');
    }
  }
  return concat("; ckpt ls ", source.path.string(), " shows what there is");
}

}  // namespace

const SourceTensor* CkptSource::find(std::string_view name) const {
  const auto found = std::ranges::find(
      tensors, name,
      [](const SourceTensor& tensor) -> std::string_view { return tensor.info.name; });
  return found == tensors.end() ? nullptr : &*found;
}

const SourceTensor& CkptSource::at(std::string_view name) const {
  if (const SourceTensor* const tensor = find(name)) {
    if (!tensor->is_storage()) return *tensor;
    throw StateDictError(concat("\"", name, "\" in file ", path, " is a torch.",
                                tensor->storage_class, ", no tensor; only .pt files hold such"));
  }
  throw StateDictError(concat("no tensor \"", name, "\" in file ", path, suggestion(*this, name)));
}

CkptSource open_source(const fs::path& path, const LoadOptions& options) {
  CkptSource source;
  source.path = path;
  source.format = recognise_file(path);
  source.file_bytes = bytes_of(path);
  switch (source.format) {
    case FileFormat::torch:
      looks_like_legacy(InputFile(path)) ? add_legacy(source, path)
                                         : add_torch(source, path, options);
      break;
    case FileFormat::safetensors: add_safetensors(source, path); break;
    case FileFormat::npy: add_npy(source, path); break;
    case FileFormat::npz: add_npz(source, path, options); break;
    case FileFormat::shard_index: add_shards(source, path, options); break;
  }
  if (source.tree) {
    source.placeholders = placeholders_in(*source.tree, CkptSource::kNamedPlaceholders);
  }
  return source;
}

}  // namespace wick::tools
