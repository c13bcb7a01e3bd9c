// SPDX-License-Identifier: MIT
#include "serialize/write_checkpoint.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "serialize/atomic_file.h"
#include "serialize/serialization_id.h"
#include "serialize/zip_writer.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"

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
    // In pieces, so that host memory holds one at a time; and beside a training that may go on.
    storage.backend().aside([&] {
      std::string piece;
      for (std::size_t done = 0; done < storage.bytes(); done += piece.size()) {
        piece.resize(std::min(kPieceBytes, storage.bytes() - done));
        storage.backend().copy_to_host(
            piece.data(), static_cast<const std::byte*>(storage.data()) + done, piece.size());
        zip.append(piece);
      }
    });
  }
  zip.end();
}

}  // namespace

void write_checkpoint(const Pickled& pickled, const std::filesystem::path& path,
                      const SaveOptions& options, const StorageSupply* supply) {
  AtomicFile file(path, options.sync);
  ZipWriter zip([&file](std::string_view bytes) { file.write(bytes); }, archive_name(path));
  zip.add("data.pkl", pickled.bytes);
  zip.add(".format_version", "1");
  zip.add(".storage_alignment", std::to_string(ZipWriter::kAlignment));
  zip.add("byteorder", "little");
  for (std::size_t i = 0; i < pickled.storages.size(); ++i) {
    const Storage& storage = *pickled.storages[i];
    const std::string name = "data/" + std::to_string(i);
    if (supply == nullptr || supply->location(storage).empty()) {
      write_storage(zip, name, storage);
      continue;
    }
    const std::shared_ptr<const Storage> supplied = supply->bytes(storage);
    if (supplied->bytes() != storage.bytes() || supplied->device() != kCpu) {
      throw ValueError(concat("save: a supplied storage has ", supplied->bytes(), " bytes on ",
                              supplied->device(), ", not ", storage.bytes(), " on cpu"));
    }
    write_storage(zip, name, *supplied);
  }
  zip.add("version", std::to_string(kFormatVersion) + '\n');
  zip.add(".data/serialization_id", serialization_id(zip.records()));
  zip.finish();
  file.commit();
}

}  // namespace wick
