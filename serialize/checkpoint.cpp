// SPDX-License-Identifier: MIT
#include "serialize/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

#include "core/error.h"
#include "serialize/atomic_file.h"
#include "serialize/file_kind.h"
#include "serialize/legacy_reader.h"
#include "serialize/pickle_reader.h"
#include "serialize/pickle_writer.h"
#include "serialize/serialization_id.h"
#include "serialize/storage_loader.h"
#include "serialize/zip_reader.h"
#include "serialize/zip_writer.h"

namespace wick {
namespace {

constexpr int kFormatVersion = 3;      // of the record "version", as PyTorch 2 writes it
constexpr int kMaxFormatVersion = 10;  // that PyTorch reads
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

// The archive's name: what stands before '/' in every record.
std::string find_archive_name(const ZipReader& zip, const InputFile& file) {
  if (!zip.entries().empty()) {
    const std::string& first = zip.entries().front().name;
    std::string name = first.substr(0, first.find('/'));
    if (zip.find(name + "/data.pkl") != nullptr) {
      if (zip.find(name + "/constants.pkl") == nullptr) return name;
      throw FormatError(
          concat("file ", file.path(),
                 ": a TorchScript program (torch.jit.save), not a file of torch.save"));
    }
  }
  throw FormatError(concat("file ", file.path(), ": a ZIP archive without a record \"",
                           "<name>/data.pkl\", so not a file of torch.save"));
}

void check_version(const ZipReader& zip, const InputFile& file, const std::string& archive) {
  const ZipEntry* entry = zip.find(archive + "/.data/version");  // of some builds of PyTorch
  if (entry == nullptr) entry = zip.find(archive + "/version");
  if (entry == nullptr) {
    throw FormatError(concat("file ", file.path(), ": no record \"", archive, "/version\""));
  }
  const std::string text = zip.read(*entry);
  int version = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, version);
  const bool number = error == std::errc{} && (stop == end || *stop == '\n');
  if (!number || version < 1 || version > kMaxFormatVersion) {
    throw FormatError(concat(zip.describe(*entry), ", offset ", entry->header_offset,
                             ": the format version is none of 1 to ", kMaxFormatVersion));
  }
}

bool is_big_endian(const ZipReader& zip, const std::string& archive) {
  const ZipEntry* const entry = zip.find(archive + "/byteorder");
  if (entry == nullptr) return false;  // before PyTorch 2.1
  const std::string order = zip.read(*entry);
  if (order != "little" && order != "big") {
    throw FormatError(concat(zip.describe(*entry), ", offset ", entry->header_offset,
                             ": the byte order is neither \"little\" nor \"big\""));
  }
  return order == "big";
}

}  // namespace

void save(const Value& value, const std::filesystem::path& path) {
  // Everything that may be wrong with the value shows before the disk is touched.
  const Pickled pickled = pickle_value(value);
  AtomicFile file(path);
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

void save(const StateDict& state, const std::filesystem::path& path) {
  save(state.to_value(), path);
}

Value load(const std::filesystem::path& path, const MapLocation& map_location) {
  const InputFile file(path);
  if (!looks_like_zip(file)) {
    if (looks_like_legacy(file)) return load_legacy(file, map_location);
    throw FormatError(
        concat("file ", path, ", offset 0: not a checkpoint: ", describe_foreign_file(file)));
  }
  const ZipReader zip(file);
  const std::string archive = find_archive_name(zip, file);
  check_version(zip, file, archive);
  StorageLoader loader(zip, archive, is_big_endian(zip, archive), map_location);
  const ZipEntry& entry = *zip.find(archive + "/data.pkl");
  const std::string pickle = zip.read(entry);
  return unpickle_value(
      pickle, zip.describe(entry),
      [&loader](const StorageId& id, DType dtype) { return loader.load(id, dtype); },
      entry.compressed_size);
}

}  // namespace wick
