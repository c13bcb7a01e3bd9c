// SPDX-License-Identifier: MIT
// Reads the records of a ZIP archive, stored or deflated, and trusts nothing it says of itself.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "serialize/input_file.h"
#include "wick/core/error.h"
#include "wick/core/keyed_hash.h"
#include "wick/serialize/load_options.h"

namespace wick {

struct ZipEntry {
  std::string name;
  std::uint64_t header_offset = 0;
  std::uint64_t compressed_size = 0;
  std::uint64_t size = 0;
  std::uint64_t limit = 0;  // where the next record or the directory begins
  std::uint32_t crc = 0;
  std::uint16_t method = 0;
  std::uint16_t flags = 0;

  /// False where a CRC-32 of 0 says that none was worked out: what torch.save does under
  /// torch.serialization.set_crc32_options(False), and for storages under skip_data().
  [[nodiscard]] bool has_crc() const noexcept { return crc != 0 || size == 0; }
};

/// Opens by the central directory (ZIP64 too). Checked at once: that all records lie inside the
/// file, do not overlap, and have distinct names; when a record is read: that its local header
/// agrees, its size, and its CRC-32 unless that was not worked out or is not to be checked. All of
/// it throws FormatError naming file, record and offset, a wrong CRC-32 ChecksumError.
/// Memory: the directory, and for deflated records their compressed bytes; a deflated record may
/// not claim more than what deflate can produce (1032 times its compressed size).
///
/// Thread safety: const members may be called from several threads. Keeps a reference to the file.
class ZipReader {
 public:
  /// With `verify` false no CRC-32 is compared.
  explicit ZipReader(const InputFile& file, bool verify = true);
  ZipReader(const ZipReader&) = delete;
  ZipReader& operator=(const ZipReader&) = delete;
  ~ZipReader() = default;

  /// In the order of the directory.
  [[nodiscard]] const std::vector<ZipEntry>& entries() const noexcept { return entries_; }
  /// Null where there is none.
  [[nodiscard]] const ZipEntry* find(std::string_view name) const;

  /// Checks all that can be checked without reading the record's data.
  void check(const ZipEntry& entry) const { static_cast<void>(data_offset(entry)); }
  [[nodiscard]] std::string read(const ZipEntry& entry) const;
  /// `out` must have exactly the record's size.
  void read_into(const ZipEntry& entry, std::span<char> out) const;
  /// Where the data of a record begin in the file, once its local header agrees.
  [[nodiscard]] std::uint64_t data_offset(const ZipEntry& entry) const;
  /// The same from `bytes` that are already read: the file's from the record's header on, at least
  /// up to its limit. The result counts from their beginning.
  [[nodiscard]] std::uint64_t data_offset_in(std::string_view bytes, const ZipEntry& entry) const;
  /// Throws ChecksumError unless `crc` is the record's, or there is nothing to compare.
  void check_crc(const ZipEntry& entry, std::uint32_t crc) const;
  /// Gives the record in pieces of at most 1 MiB (a deflated one whole), in order. The CRC is known
  /// to be right only after the last.
  void read_pieces(const ZipEntry& entry,
                   const std::function<void(std::string_view)>& consume) const;
  /// The record's first `count` bytes, or all where it has fewer; reads and unpacks no more of it.
  /// The CRC is not checked.
  [[nodiscard]] std::string read_beginning(const ZipEntry& entry, std::uint64_t count) const;
  /// `file "x.pt", record "x/data.pkl"`, for messages.
  [[nodiscard]] std::string describe(const ZipEntry& entry) const;
  [[nodiscard]] const InputFile& file() const noexcept { return file_; }
  /// Bytes of the file behind the archive and its comment, which are passed over.
  [[nodiscard]] std::uint64_t trailing_bytes() const noexcept { return trailing_bytes_; }

 private:
  struct ByName {
    using is_transparent = void;
    [[nodiscard]] std::size_t operator()(std::string_view name) const noexcept {
      return NameHash{}(name);
    }
    [[nodiscard]] std::size_t operator()(const ZipEntry* entry) const noexcept {
      return (*this)(std::string_view(entry->name));
    }
    [[nodiscard]] bool operator()(const ZipEntry* a, const ZipEntry* b) const noexcept {
      return a->name == b->name;
    }
    [[nodiscard]] bool operator()(const ZipEntry* a, std::string_view b) const noexcept {
      return a->name == b;
    }
    [[nodiscard]] bool operator()(std::string_view a, const ZipEntry* b) const noexcept {
      return b->name == a;
    }
  };
  void read_directory(std::string_view bytes, std::uint64_t offset, std::uint64_t count);
  void check_layout(std::uint64_t directory_offset);
  void inflate(const ZipEntry& entry, std::span<char> out) const;

  const InputFile& file_;
  bool verify_;
  std::uint64_t trailing_bytes_ = 0;
  std::vector<ZipEntry> entries_;
  std::unordered_set<const ZipEntry*, ByName, ByName> index_;
};

}  // namespace wick
