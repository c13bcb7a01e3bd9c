// SPDX-License-Identifier: MIT
#include "serialize/checkpoint_archive.h"

#include <charconv>

#include "serialize/file_kind.h"
#include "serialize/legacy_reader.h"
#include "serialize/pickle_reader.h"
#include "wick/core/error.h"

namespace wick {
namespace {

constexpr int kMaxFormatVersion = 10;  // that PyTorch reads
// Of "version" and "byteorder", which hold a word each.
constexpr std::uint64_t kMaxWordBytes = 64;
// A deflated pickle may not become larger than this and so many times what it takes in the file:
// pickles shrink to a tenth or so, while Deflate could blow up to a thousand times.
constexpr std::uint64_t kFreePickleBytes = std::uint64_t{16} << 20;
constexpr std::uint64_t kMaxPickleRatio = 64;

const InputFile& require_zip(const InputFile& file) {
  if (looks_like_zip(file)) return file;
  if (looks_like_legacy(file)) {
    throw FormatError(concat("file ", file.path(),
                             ", offset 0: torch.save's format from before PyTorch 1.6 has no "
                             "directory to open it by"),
                      Remedy::other_reader, "use load()");
  }
  throw foreign_file(file);
}

const std::filesystem::path& checked(const std::filesystem::path& path) {
  refuse_foreign_path(path);
  return path;
}

// The archive's name: what stands before '/' in every record.
std::string find_archive_name(const ZipReader& zip, const InputFile& file) {
  if (!zip.entries().empty()) {
    const std::string& first = zip.entries().front().name;
    std::string name = first.substr(0, first.find('/'));
    if (zip.find(name + "/data.pkl") != nullptr) {
      if (zip.find(name + "/constants.pkl") == nullptr) return name;
    }
  }
  throw foreign_archive(zip, file);
}

// The content of a record of one word.
std::string read_word(const ZipReader& zip, const ZipEntry& entry) {
  if (entry.size <= kMaxWordBytes) return zip.read(entry);
  throw FormatError(concat(zip.describe(entry), ", offset ", entry.header_offset, ": it has ",
                           entry.size, " bytes, where a word of at most ", kMaxWordBytes,
                           " should be"));
}

void check_version(const ZipReader& zip, const InputFile& file, const std::string& archive) {
  const ZipEntry* entry = zip.find(archive + "/.data/version");  // of some builds of PyTorch
  if (entry == nullptr) entry = zip.find(archive + "/version");
  if (entry == nullptr) {
    throw FormatError(concat("file ", file.path(), ": no record \"", archive, "/version\""));
  }
  const std::string text = read_word(zip, *entry);
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
  const std::string order = read_word(zip, *entry);
  if (order != "little" && order != "big") {
    throw FormatError(concat(zip.describe(*entry), ", offset ", entry->header_offset,
                             ": the byte order is neither \"little\" nor \"big\""));
  }
  return order == "big";
}

}  // namespace

CheckpointArchive::CheckpointArchive(const std::filesystem::path& path, const LoadOptions& options)
    : file_(checked(path)),
      zip_(require_zip(file_), options.verify),
      name_(find_archive_name(zip_, file_)) {
  check_version(zip_, file_, name_);
  big_endian_ = is_big_endian(zip_, name_);
}

Value CheckpointArchive::unpickle(const StorageSource& storages, ForeignObjects* foreign) const {
  const ZipEntry& entry = *zip_.find(name_ + "/data.pkl");
  if (entry.size > kFreePickleBytes && entry.size / kMaxPickleRatio > entry.compressed_size) {
    throw FormatError(concat(zip_.describe(entry), ", offset ", entry.header_offset, ": ",
                             entry.compressed_size, " deflated bytes become ", entry.size,
                             "; at most ", kMaxPickleRatio, " times as many are read"));
  }
  const std::string pickle = zip_.read(entry);
  return unpickle_value(pickle, zip_.describe(entry), storages, entry.compressed_size, 0, foreign);
}

NamedObjects CheckpointArchive::named(const Value& value) const {
  const ZipEntry& entry = *zip_.find(name_ + "/data.pkl");
  try {
    return named_objects(value, max_name_bytes_of(entry.compressed_size));
  } catch (const ValueError& error) {
    throw FormatError(concat(zip_.describe(entry), ": ", error.what()));
  }
}

}  // namespace wick
