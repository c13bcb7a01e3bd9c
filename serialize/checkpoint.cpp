// SPDX-License-Identifier: MIT
#include "wick/serialize/checkpoint.h"

#include "serialize/checkpoint_archive.h"
#include "serialize/file_kind.h"
#include "serialize/legacy_reader.h"
#include "serialize/pickle_writer.h"
#include "serialize/storage_loader.h"
#include "serialize/storage_supply.h"
#include "serialize/write_checkpoint.h"
#include "wick/core/backend.h"
#include "wick/core/containers.h"
#include "wick/core/error.h"

namespace wick {

void save(const Value& value, const std::filesystem::path& path, const SaveOptions& options) {
  // Everything that may be wrong with the value shows before the disk is touched, also what a
  // device has found wrong with the operations that made it.
  const Pickled pickled = pickle_value(value);
  const Backend* waited = nullptr;
  for (const auto& storage : pickled.storages) {
    if (&storage->backend() == waited) continue;
    storage->backend().synchronize();
    waited = &storage->backend();
  }
  write_checkpoint(pickled, path, options);
}

void save(const Value& value, const std::filesystem::path& path, const StorageSupply& supply,
          const SaveOptions& options) {
  write_checkpoint(pickle_value(value, &supply), path, options, &supply);
}

void save(const StateDict& state, const std::filesystem::path& path, const SaveOptions& options) {
  save(state.to_value(), path, options);
}

Value load(const std::filesystem::path& path, const MapLocation& map_location,
           const LoadOptions& options) {
  ForeignObjects found;
  ForeignObjects* const foreign = options.placeholders ? &found : nullptr;
  refuse_foreign_path(path);
  HeldValue value{Value()};
  if (const InputFile file(path); looks_like_legacy(file)) {
    value = load_legacy(file, map_location, foreign);
  } else {
    const CheckpointArchive archive(path, options);
    StorageLoader loader(archive, map_location);
    value = archive.unpickle(
        [&loader](const StorageId& id, DType dtype) { return loader.add(id, dtype); }, foreign);
    loader.read();
  }
  if (options.found != nullptr) *options.found = found;
  return value.release();
}

}  // namespace wick
