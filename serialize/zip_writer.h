// SPDX-License-Identifier: MIT
// Writes a ZIP archive of stored records byte for byte as PyTorch 2's torch.save does.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "serialize/byte_writer.h"

namespace wick {

/// Records are written one after the other, each `<archive>/<name>`, uncompressed, with its data at
/// a multiple of `kAlignment` bytes. Nothing is sought or patched, so any sink of bytes serves.
class ZipWriter {
 public:
  /// Called by one thread at a time, which need not be the one that calls append().
  using Sink = std::function<void(std::string_view)>;
  struct Record {
    std::string name;  // without the archive's
    std::uint64_t size = 0;
    std::uint64_t header_offset = 0;
    std::uint32_t crc = 0;
  };
  static constexpr std::uint64_t kAlignment = 64;

  /// Without an archive's name, records have their bare names. Throws ValueError where a name would
  /// not fit its 16-bit length.
  ZipWriter(Sink sink, std::string archive_name);

  /// A record of bytes that are all there.
  void add(std::string_view name, std::string_view bytes);
  /// A record in pieces: begin(), append() until `size` bytes are given, end(). Throws ValueError
  /// for more or fewer bytes.
  void begin(std::string_view name, std::uint64_t size);
  void append(std::string_view bytes);
  void end();
  /// Writes the directory that ends the archive.
  void finish();

  /// The records so far, in order.
  [[nodiscard]] const std::vector<Record>& records() const noexcept { return records_; }

 private:
  [[nodiscard]] std::string full_name(const Record& record) const {
    return archive_name_.empty() ? record.name : archive_name_ + '/' + record.name;
  }
  void emit(std::string_view bytes);

  Sink sink_;
  std::string archive_name_;
  std::vector<Record> records_;
  std::uint64_t offset_ = 0;   // bytes given to the sink
  std::uint64_t missing_ = 0;  // bytes that the open record still needs
};

}  // namespace wick
