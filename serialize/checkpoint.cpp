// SPDX-License-Identifier: MIT
#include "serialize/checkpoint.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "core/containers.h"
#include "core/error.h"
#include "serialize/atomic_file.h"
#include "serialize/checkpoint_archive.h"
#include "serialize/legacy_reader.h"
#include "serialize/pickle_writer.h"
#include "serialize/serialization_id.h"
#include "serialize/storage_loader.h"
#include "serialize/zip_writer.h"

namespace wick {
namespace {

constexpr int kFormatVersion = 3;  // of the record "version", as PyTorch 2 writes it
constexpr std::size_t kPieceBytes = std::size_t{8} << 20;

// As torch.save names it: the file's name without its last extension, and "archive" where that is
// not plain ASCII.
std::string archive_name(const std::filesystem::path& path) {
  std::string name = path.filename().string();
  if (const std::size_t slash = name.rfind('\\'); slash != std::string::npos) {
    name.erase(0, slash + 1);
  }
  if (const std::size_t dot = name.rfind('.'); dot != std::string::npos) name.resize(dot);
  // torch.save refuses ".pt"; any name does.
  const bool plain =
      std::ranges::all_of(path.string(), [](char c) { return static_cast<signed char>(c) > 0; });
  return plain && !name.empty() ? name : "archive";
}

void write_storage(ZipWriter& zip, std::string_view name, const Storage& storage) {
  zip.begin(name, storage.bytes());
  if (storage.device().type == DeviceType::cpu) {
    zip.append({static_cast<const char*>(storage.data()), storage.bytes()});
  } else {
    std::string piece;
    for (std::size_t done = 0; done < storage.bytes(); done += piece.size()) {
      piece.resize(std::min(kPieceBytes, storage.bytes() - done));
      storage.backend().copy_to_host(
          piece.data(), static_cast<const std::byte*>(storage.data()) + done, piece.size());
      zip.append(piece);
    }
  }
  zip.end();
}

}  // namespace

void save(const Value& value, const std::filesystem::path& path, const SaveOptions& options) {
  // Everything that may be wrong with the value shows before the disk is touched.
  const Pickled pickled = pickle_value(value);
  AtomicFile file(path, options.sync);
  ZipWriter zip([&file](std::string_view bytes) { file.write(bytes); }, archive_name(path));
  zip.add("data.pkl", pickled.bytes);
  zip.add(".format_version", "1");
  zip.add(".storage_alignment", std::to_string(ZipWriter::kAlignment));
  zip.add("byteorder", "little");
  for (std::size_t i = 0; i < pickled.storages.size(); ++i) {
    write_storage(zip, "data/" + std::to_string(i), *pickled.storages[i]);
  }
  zip.add("version", std::to_string(kFormatVersion) + '\n');
  zip.add(".data/serialization_id", serialization_id(zip.records()));
  zip.finish();
  file.commit();
}

void save(const StateDict& state, const std::filesystem::path& path, const SaveOptions& options) {
  save(state.to_value(), path, options);
}

Value load(const std::filesystem::path& path, const MapLocation& map_location) {
  if (const InputFile file(path); looks_like_legacy(file)) return load_legacy(file, map_location);
  const CheckpointArchive archive(path);
  StorageLoader loader(archive, map_location);
  HeldValue value(archive.unpickle(
      [&loader](const StorageId& id, DType dtype) { return loader.add(id, dtype); }));
  loader.read();
  return value.release();
}

}  // namespace wick
