// SPDX-License-Identifier: MIT
#include "serialize/zip_reader.h"

#include <algorithm>
#include <memory>

#include <libdeflate.h>

#include "serialize/byte_reader.h"
#include "serialize/crc32.h"
#include "serialize/inflate.h"
#include "serialize/utf8.h"
#include "serialize/zip_directory.h"
#include "serialize/zip_format.h"
#include "wick/core/error.h"

namespace wick {
namespace {

// Small enough that the checksum finds the bytes in the processor's cache.
constexpr std::uint64_t kPieceBytes = std::uint64_t{256} << 10;
// Of deflated data, where only their beginning is wanted.
constexpr std::uint64_t kPackedPieceBytes = std::uint64_t{4} << 10;
// Deflate's best: 258 bytes from two bits, and a little for the last block.
constexpr std::uint64_t kMaxDeflateRatio = 1032;

std::string file_name(const InputFile& file) {
  return concat("file ", file.path());
}

std::string read_string(const InputFile& file, std::uint64_t offset, std::uint64_t size) {
  std::string bytes(static_cast<std::size_t>(size), '\0');
  file.read_at(offset, bytes);
  return bytes;
}

// Takes the 64-bit values for the fields that said kInZip64, in the order that the format demands.
void apply_zip64(ByteReader& reader, std::string_view extra, ZipEntry& entry) {
  ByteReader fields(extra, "");
  while (fields.remaining() >= 4) {
    const auto id = fields.read<std::uint16_t>();
    const auto length = fields.read<std::uint16_t>();
    if (length > fields.remaining()) reader.fail("an extra field is longer than its room");
    const std::string_view body = fields.take(length);
    if (id != zip::kExtraZip64) continue;
    ByteReader values(body, "");
    for (std::uint64_t* field : {&entry.size, &entry.compressed_size, &entry.header_offset}) {
      if (*field != zip::kInZip64) continue;
      if (values.remaining() < 8) reader.fail("the ZIP64 extra field is too short");
      *field = values.read<std::uint64_t>();
    }
    return;
  }
}

}  // namespace

ZipReader::ZipReader(const InputFile& file, bool verify) : file_(file), verify_(verify) {
  const ZipDirectory directory = find_zip_directory(file);
  trailing_bytes_ = directory.trailing;
  if (directory.offset > directory.end || directory.size > directory.end - directory.offset) {
    throw FormatError(concat(file_name(file), ", offset ", directory.end,
                             ": the directory (offset ", directory.offset, ", ", directory.size,
                             " bytes) does not lie before its end record"));
  }
  const std::string bytes = read_string(file, directory.offset, directory.size);
  read_directory(bytes, directory.offset, directory.count);
  check_layout(directory.offset);
}

void ZipReader::read_directory(std::string_view bytes, std::uint64_t offset, std::uint64_t count) {
  ByteReader reader(bytes, file_name(file_), offset);
  if (count > bytes.size() / zip::kCentralHeaderBytes) {
    reader.fail(concat("the directory claims ", count, " records in ", bytes.size(), " bytes"));
  }
  entries_.reserve(static_cast<std::size_t>(count));  // the index points into it
  index_.reserve(static_cast<std::size_t>(count));
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::size_t start = reader.offset();
    if (reader.read<std::uint32_t>() != zip::kCentralHeaderSignature) {
      reader.fail_at(start, concat("no directory entry where number ", i, " should be"));
    }
    ZipEntry entry;
    reader.skip(4);  // versions
    entry.flags = reader.read<std::uint16_t>();
    entry.method = reader.read<std::uint16_t>();
    reader.skip(4);  // time and date
    entry.crc = reader.read<std::uint32_t>();
    entry.compressed_size = reader.read<std::uint32_t>();
    entry.size = reader.read<std::uint32_t>();
    const auto name_length = reader.read<std::uint16_t>();
    const auto extra_length = reader.read<std::uint16_t>();
    const auto comment_length = reader.read<std::uint16_t>();
    if (reader.read<std::uint16_t>() != 0) reader.fail_at(start, "an archive of several disks");
    reader.skip(6);  // attributes
    entry.header_offset = reader.read<std::uint32_t>();
    entry.name = reader.take(name_length);
    if (!is_utf8(entry.name)) reader.fail_at(start, "the name of a record is not UTF-8");
    apply_zip64(reader, reader.take(extra_length), entry);
    reader.skip(comment_length);
    entries_.push_back(std::move(entry));
    if (!index_.insert(&entries_.back()).second) {
      reader.fail_at(start, concat("two records are called \"", entries_.back().name, '"'));
    }
  }
  if (reader.remaining() != 0) reader.fail("bytes are left over behind the last directory entry");
}

void ZipReader::check_layout(std::uint64_t directory_offset) {
  std::vector<ZipEntry*> order;
  order.reserve(entries_.size());
  for (ZipEntry& entry : entries_) order.push_back(&entry);
  std::ranges::sort(order, {}, &ZipEntry::header_offset);
  for (std::size_t i = 0; i < order.size(); ++i) {
    ZipEntry& entry = *order[i];
    entry.limit = i + 1 < order.size() ? order[i + 1]->header_offset : directory_offset;
    const std::uint64_t fixed = zip::kLocalHeaderBytes + entry.name.size();
    if (entry.header_offset > directory_offset || entry.limit > directory_offset ||
        entry.limit - entry.header_offset < fixed ||
        entry.limit - entry.header_offset - fixed < entry.compressed_size) {
      throw FormatError(concat(describe(entry), ", offset ", entry.header_offset, ": its ",
                               entry.compressed_size,
                               " bytes reach into the next record or beyond the data"));
    }
  }
}

const ZipEntry* ZipReader::find(std::string_view name) const {
  const auto place = index_.find(name);
  return place == index_.end() ? nullptr : *place;
}

std::string ZipReader::describe(const ZipEntry& entry) const {
  return concat(file_name(file_), ", record \"", entry.name, '"');
}

std::uint64_t ZipReader::data_offset(const ZipEntry& entry) const {
  const std::uint64_t fixed = zip::kLocalHeaderBytes + entry.name.size();
  return entry.header_offset +
         data_offset_in(read_string(file_, entry.header_offset, fixed), entry);
}

std::uint64_t ZipReader::data_offset_in(std::string_view bytes, const ZipEntry& entry) const {
  const auto fail = [&](const auto&... what) {
    throw FormatError(concat(describe(entry), ", offset ", entry.header_offset, ": ", what...));
  };
  const std::uint64_t fixed = zip::kLocalHeaderBytes + entry.name.size();
  if (bytes.size() < fixed) fail("its local header is cut off");
  ByteReader reader(bytes, {}, entry.header_offset);  // never fails: the size is checked
  if (reader.read<std::uint32_t>() != zip::kLocalHeaderSignature) {
    fail("no local header where the directory says");
  }
  reader.skip(2);  // version
  const auto flags = reader.read<std::uint16_t>();
  const auto method = reader.read<std::uint16_t>();
  reader.skip(4);  // time and date
  const auto crc = reader.read<std::uint32_t>();
  const auto compressed_size = reader.read<std::uint32_t>();
  const auto size = reader.read<std::uint32_t>();
  const auto name_length = reader.read<std::uint16_t>();
  const auto extra_length = reader.read<std::uint16_t>();
  if (((flags | entry.flags) & zip::kFlagEncrypted) != 0) fail("it is encrypted");
  if (name_length != entry.name.size() || reader.take(name_length) != entry.name ||
      method != entry.method || ((flags ^ entry.flags) & zip::kFlagDescriptor) != 0) {
    fail("the local header and the directory disagree");
  }
  const auto differs = [](std::uint32_t local, std::uint64_t central) {
    return local != zip::kInZip64 && local != central;
  };
  if ((flags & zip::kFlagDescriptor) == 0 && (crc != entry.crc || differs(size, entry.size) ||
                                              differs(compressed_size, entry.compressed_size))) {
    fail("the local header and the directory disagree about size or CRC");
  }
  const std::uint64_t room = entry.limit - entry.header_offset - fixed;
  if (extra_length > room || entry.compressed_size > room - extra_length) {
    fail("its data reach into the next record");
  }
  if (method == zip::kMethodStored && entry.size != entry.compressed_size) {
    fail("a stored record of ", entry.compressed_size, " bytes claims ", entry.size);
  }
  if (method != zip::kMethodStored && method != zip::kMethodDeflated) {
    fail("compression method ", method, " is neither stored nor deflated");
  }
  if (method == zip::kMethodDeflated && entry.size / kMaxDeflateRatio > entry.compressed_size) {
    fail(entry.compressed_size, " deflated bytes cannot hold the claimed ", entry.size);
  }
  return fixed + extra_length;
}

void ZipReader::check_crc(const ZipEntry& entry, std::uint32_t crc) const {
  if (crc == entry.crc || !entry.has_crc() || !verify_) return;
  throw ChecksumError(
      concat(describe(entry), ", offset ", entry.header_offset,
             ": the data are damaged, or were changed in place, as through torch.load(mmap=True) "
             "with MAP_SHARED (their CRC-32 is not the recorded one)"));
}

void ZipReader::inflate(const ZipEntry& entry, std::span<char> out) const {
  const std::string compressed = read_string(file_, data_offset(entry), entry.compressed_size);
  const std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)>
      decompressor(libdeflate_alloc_decompressor(), &libdeflate_free_decompressor);
  if (decompressor == nullptr) throw std::bad_alloc();
  // A null actual size asks for exactly out.size() bytes.
  if (libdeflate_deflate_decompress(decompressor.get(), compressed.data(), compressed.size(),
                                    out.data(), out.size(), nullptr) != LIBDEFLATE_SUCCESS) {
    throw FormatError(concat(describe(entry), ", offset ", entry.header_offset,
                             ": the deflated data are damaged or not ", entry.size, " bytes long"));
  }
  check_crc(entry, crc32(0, out));
}

std::string ZipReader::read(const ZipEntry& entry) const {
  check(entry);  // before memory is taken for what it claims
  std::string bytes(static_cast<std::size_t>(entry.size), '\0');
  read_into(entry, bytes);
  return bytes;
}

void ZipReader::read_into(const ZipEntry& entry, std::span<char> out) const {
  if (out.size() != entry.size) {
    throw ValueError(concat("ZipReader::read_into: ", out.size(), " bytes of room for ", entry.size,
                            " of ", describe(entry)));
  }
  if (entry.method == zip::kMethodDeflated) {
    inflate(entry, out);
    return;
  }
  const std::uint64_t start = data_offset(entry);
  std::uint32_t crc = 0;
  for (std::uint64_t done = 0; done < entry.size;) {
    const std::uint64_t count = std::min(kPieceBytes, entry.size - done);
    const std::span<char> piece =
        out.subspan(static_cast<std::size_t>(done), static_cast<std::size_t>(count));
    file_.read_at(start + done, piece);
    crc = crc32(crc, piece);
    done += count;
  }
  check_crc(entry, crc);
}

void ZipReader::read_pieces(const ZipEntry& entry,
                            const std::function<void(std::string_view)>& consume) const {
  if (entry.method == zip::kMethodDeflated) {
    consume(read(entry));
    return;
  }
  const std::uint64_t start = data_offset(entry);
  std::string piece;
  std::uint32_t crc = 0;
  for (std::uint64_t done = 0; done < entry.size; done += piece.size()) {
    piece.resize(static_cast<std::size_t>(std::min(kPieceBytes, entry.size - done)));
    file_.read_at(start + done, piece);
    crc = crc32(crc, piece);
    consume(piece);
  }
  check_crc(entry, crc);
}

std::string ZipReader::read_beginning(const ZipEntry& entry, std::uint64_t count) const {
  count = std::min(count, entry.size);
  const std::uint64_t start = data_offset(entry);
  if (entry.method != zip::kMethodDeflated) return read_string(file_, start, count);
  std::string piece;
  std::uint64_t done = 0;
  const PackedSource packed = [&]() -> std::span<const char> {
    piece.resize(
        static_cast<std::size_t>(std::min(kPackedPieceBytes, entry.compressed_size - done)));
    file_.read_at(start + done, piece);
    done += piece.size();
    return piece;
  };
  auto bytes = inflate_beginning(packed, static_cast<std::size_t>(count));
  if (!bytes || bytes->size() != count) {
    throw FormatError(concat(describe(entry), ", offset ", entry.header_offset,
                             ": the deflated data are damaged or not ", entry.size, " bytes long"));
  }
  return *std::move(bytes);
}

}  // namespace wick
