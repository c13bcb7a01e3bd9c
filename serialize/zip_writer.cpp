// SPDX-License-Identifier: MIT
#include "serialize/zip_writer.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "serialize/crc32.h"
#include "serialize/parallel.h"
#include "serialize/zip_format.h"
#include "wick/core/error.h"

namespace wick {
namespace {

using Record = ZipWriter::Record;

std::uint32_t clamp32(std::uint64_t value) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, zip::kInZip64));
}

bool big_size(const Record& record) {
  return record.size >= zip::kInZip64;
}
bool big_offset(const Record& record) {
  return record.header_offset >= zip::kInZip64;
}
bool needs_zip64(const Record& record) {
  return big_size(record) || big_offset(record);
}

std::uint16_t flags(const Record& record) {
  // An empty record has nothing that would have to follow its data.
  return record.size == 0 ? zip::kFlagUtf8
                          : static_cast<std::uint16_t>(zip::kFlagUtf8 | zip::kFlagDescriptor);
}

// The fields that do not fit 32 bits. PyTorch puts 0 for the compressed size into the local header,
// where the descriptor behind the data makes up for it.
std::string zip64_extra(const Record& record, std::uint64_t compressed_size) {
  if (!needs_zip64(record)) return {};
  ByteWriter fields;
  if (big_size(record)) {
    fields.write(record.size);
    fields.write(compressed_size);
  }
  if (big_offset(record)) fields.write(record.header_offset);
  ByteWriter extra;
  extra.write(zip::kExtraZip64);
  extra.write(static_cast<std::uint16_t>(fields.size()));
  extra.bytes(fields.str());
  return extra.release();
}

// An extra field of that many 'Z' which moves the data, at `start` without them, to the alignment.
std::string padding_extra(std::uint64_t start) {
  const std::uint64_t padding =
      (ZipWriter::kAlignment - start % ZipWriter::kAlignment) % ZipWriter::kAlignment;
  ByteWriter extra;
  extra.write(zip::kExtraPadding);
  extra.write(static_cast<std::uint16_t>(padding));
  extra.fill(static_cast<std::size_t>(padding), 'Z');
  return extra.release();
}

constexpr std::uint64_t kExtraHeaderBytes = 4;
// Small enough that the sink finds the bytes in the processor's cache, where the checksum left
// them; and that the system's page cache takes small pages: it may wait long for large ones.
constexpr std::size_t kPieceBytes = std::size_t{256} << 10;
// From here on a second thread, which costs some 50 us, gains more than that.
constexpr std::size_t kTwoThreadBytes = std::size_t{4} << 20;

}  // namespace

ZipWriter::ZipWriter(Sink sink, std::string archive_name)
    : sink_(std::move(sink)), archive_name_(std::move(archive_name)) {}

void ZipWriter::emit(std::string_view bytes) {
  sink_(bytes);
  offset_ += bytes.size();
}

void ZipWriter::add(std::string_view name, std::string_view bytes) {
  begin(name, bytes.size());
  append(bytes);
  end();
}

void ZipWriter::begin(std::string_view name, std::uint64_t size) {
  if (missing_ != 0) throw ValueError("ZipWriter: a record begins before the last one is complete");
  const Record& record = records_.emplace_back(Record{std::string(name), size, offset_, 0});
  missing_ = size;
  const std::string path = full_name(record);
  if (path.size() > 0xFFFF) throw ValueError(concat("ZipWriter: record name too long: ", path));
  const std::string zip64 = zip64_extra(record, 0);
  const std::string padding = padding_extra(offset_ + zip::kLocalHeaderBytes + path.size() +
                                            zip64.size() + kExtraHeaderBytes);
  ByteWriter header;
  header.write(zip::kLocalHeaderSignature);
  header.write(std::uint16_t{0});  // version needed: PyTorch leaves it open
  header.write(flags(record));
  header.write(zip::kMethodStored);
  header.write(std::uint32_t{0});  // time and date: none, so that files are reproducible
  header.write(std::uint32_t{0});  // CRC, in the descriptor
  header.write(std::uint32_t{0});  // compressed size, in the descriptor
  header.write(std::uint32_t{0});  // size, in the descriptor
  header.write(static_cast<std::uint16_t>(path.size()));
  header.write(static_cast<std::uint16_t>(zip64.size() + padding.size()));
  header.bytes(path);
  header.bytes(zip64);
  header.bytes(padding);
  emit(header.str());
}

void ZipWriter::append(std::string_view bytes) {
  if (bytes.size() > missing_) {
    throw ValueError(concat("ZipWriter: more bytes than announced for ", records_.back().name));
  }
  Record& record = records_.back();
  missing_ -= bytes.size();
  // What the sink gets ends at multiples of kPieceBytes in the file.
  const auto for_pieces = [&](const auto& use) {
    for (std::string_view rest = bytes; !rest.empty();) {
      const std::string_view piece = rest.substr(0, kPieceBytes - offset_ % kPieceBytes);
      use(piece);
      rest.remove_prefix(piece.size());
    }
  };
  if (bytes.size() >= kTwoThreadBytes && std::thread::hardware_concurrency() > 1) {
    run_parallel(2, 2, [&](std::size_t task) {
      if (task == 0) {
        for_pieces([&](std::string_view piece) { emit(piece); });
      } else {
        record.crc = crc32(record.crc, bytes);
      }
    });
  } else {
    for_pieces([&](std::string_view piece) {
      record.crc = crc32(record.crc, piece);
      emit(piece);
    });
  }
}

void ZipWriter::end() {
  const Record& record = records_.back();
  if (missing_ != 0) {
    throw ValueError(concat("ZipWriter: ", missing_, " byte(s) missing of ", record.name));
  }
  if (record.size == 0) return;
  ByteWriter descriptor;
  descriptor.write(zip::kDescriptorSignature);
  descriptor.write(record.crc);
  for (int field = 0; field < 2; ++field) {  // compressed size, size
    if (needs_zip64(record)) {
      descriptor.write(record.size);
    } else {
      descriptor.write(static_cast<std::uint32_t>(record.size));
    }
  }
  emit(descriptor.str());
}

void ZipWriter::finish() {
  const std::uint64_t directory_offset = offset_;
  for (const Record& record : records_) {
    const std::string path = full_name(record);
    const std::string zip64 = zip64_extra(record, record.size);
    ByteWriter header;
    header.write(zip::kCentralHeaderSignature);
    header.write(std::uint16_t{0});  // version made by
    header.write(std::uint16_t{0});  // version needed
    header.write(flags(record));
    header.write(zip::kMethodStored);
    header.write(std::uint32_t{0});  // time and date
    header.write(record.crc);
    header.write(clamp32(record.size));  // compressed size
    header.write(clamp32(record.size));
    header.write(static_cast<std::uint16_t>(path.size()));
    header.write(static_cast<std::uint16_t>(zip64.size()));
    header.write(std::uint16_t{0});  // comment
    header.write(std::uint16_t{0});  // disk
    header.write(std::uint16_t{0});  // internal attributes
    header.write(std::uint32_t{0});  // external attributes
    header.write(clamp32(record.header_offset));
    header.bytes(path);
    header.bytes(zip64);
    emit(header.str());
  }
  const std::uint64_t directory_size = offset_ - directory_offset;
  const std::uint64_t zip64_end_offset = offset_;
  const std::uint64_t count = records_.size();
  ByteWriter tail;
  // An archive is recognised by its first bytes, which in an empty one are those of the end record.
  if (count > 0) {
    tail.write(zip::kZip64EndSignature);
    tail.write(zip::kZip64EndBytes - 12);  // of what follows this field
    tail.write(std::uint16_t{0x031e});     // made by: Unix, format version 3.0
    tail.write(std::uint16_t{0x002d});     // needed: format version 4.5, ZIP64
    tail.write(std::uint32_t{0});          // this disk
    tail.write(std::uint32_t{0});          // disk of the directory
    tail.write(count);                     // on this disk
    tail.write(count);
    tail.write(directory_size);
    tail.write(directory_offset);
    tail.write(zip::kZip64LocatorSignature);
    tail.write(std::uint32_t{0});  // disk
    tail.write(zip64_end_offset);
    tail.write(std::uint32_t{1});  // disks
  }
  const auto short_count =
      static_cast<std::uint16_t>(std::min<std::uint64_t>(count, zip::kCountInZip64));
  tail.write(zip::kEndSignature);
  tail.write(std::uint16_t{0});  // this disk
  tail.write(std::uint16_t{0});  // disk of the directory
  tail.write(short_count);       // on this disk
  tail.write(short_count);
  tail.write(clamp32(directory_size));
  tail.write(clamp32(directory_offset));
  tail.write(std::uint16_t{0});  // comment
  emit(tail.str());
}

}  // namespace wick
