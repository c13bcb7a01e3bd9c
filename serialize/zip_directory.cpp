// SPDX-License-Identifier: MIT
#include "serialize/zip_directory.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "serialize/byte_reader.h"
#include "serialize/zip_format.h"
#include "wick/core/error.h"

namespace wick {
namespace {

constexpr std::string_view kEndMark = "PK\x05\x06";
// How far an archive is looked for that too much follows, to say so.
constexpr std::uint64_t kSearchBytes = std::uint64_t{64} << 20;
constexpr std::uint64_t kSearchBlock = std::uint64_t{1} << 20;

std::string file_name(const InputFile& file) {
  return concat("file ", file.path());
}

std::string read_string(const InputFile& file, std::uint64_t offset, std::uint64_t size) {
  std::string bytes(static_cast<std::size_t>(size), '\0');
  file.read_at(offset, bytes);
  return bytes;
}

// The ZIP64 end record, where a locator stands before the end record at `end_offset`.
std::optional<ZipDirectory> find_zip64_directory(const InputFile& file, std::uint64_t end_offset) {
  if (end_offset < zip::kZip64LocatorBytes) return std::nullopt;
  const std::uint64_t locator_offset = end_offset - zip::kZip64LocatorBytes;
  const std::string locator_bytes = read_string(file, locator_offset, zip::kZip64LocatorBytes);
  ByteReader locator(locator_bytes, file_name(file), locator_offset);
  if (locator.read<std::uint32_t>() != zip::kZip64LocatorSignature) return std::nullopt;
  if (locator.read<std::uint32_t>() != 0) locator.fail("an archive of several disks");
  const auto offset = locator.read<std::uint64_t>();
  if (locator_offset < zip::kZip64EndBytes || offset > locator_offset - zip::kZip64EndBytes) {
    locator.fail(concat("the ZIP64 end record cannot lie at offset ", offset));
  }
  const std::string bytes = read_string(file, offset, zip::kZip64EndBytes);
  ByteReader reader(bytes, file_name(file), offset);
  if (reader.read<std::uint32_t>() != zip::kZip64EndSignature) {
    reader.fail_at(0, "no ZIP64 end record where the locator says");
  }
  reader.skip(8 + 2 + 2);  // record size, versions
  if (reader.read<std::uint32_t>() != 0 || reader.read<std::uint32_t>() != 0) {
    reader.fail("an archive of several disks");
  }
  ZipDirectory directory;
  const auto here = reader.read<std::uint64_t>();
  directory.count = reader.read<std::uint64_t>();
  if (here != directory.count) reader.fail("an archive of several disks");
  directory.size = reader.read<std::uint64_t>();
  directory.offset = reader.read<std::uint64_t>();
  directory.end = offset;
  return directory;
}

// What an end record says.
struct EndRecord {
  ZipDirectory directory;
  std::uint64_t comment = 0;  // its length
  bool one_disk = false;
};

EndRecord parse_end(std::string_view bytes, std::uint64_t offset) {
  ByteReader reader(bytes, {}, offset);  // never fails: the size is checked
  reader.skip(zip::kEndSignatureBytes);
  const auto disk = reader.read<std::uint16_t>();
  const auto directory_disk = reader.read<std::uint16_t>();
  const auto here = reader.read<std::uint16_t>();
  EndRecord record;
  record.directory.count = reader.read<std::uint16_t>();
  record.directory.size = reader.read<std::uint32_t>();
  record.directory.offset = reader.read<std::uint32_t>();
  record.directory.end = offset;
  record.comment = reader.read<std::uint16_t>();
  record.one_disk = disk == 0 && directory_disk == 0 && here == record.directory.count;
  return record;
}

// The directory of an end record that other bytes follow, if it is there: such bytes may look like
// an end record themselves.
std::optional<ZipDirectory> believable(const InputFile& file, const EndRecord& record) {
  if (!record.one_disk) return std::nullopt;
  ZipDirectory directory = record.directory;
  try {
    directory = find_zip64_directory(file, record.directory.end).value_or(directory);
  } catch (const FormatError&) {
    return std::nullopt;
  }
  if (directory.offset > directory.end || directory.size != directory.end - directory.offset) {
    return std::nullopt;
  }
  const std::uint64_t behind = file.size() - record.directory.end - zip::kEndBytes;
  directory.trailing = behind - std::min(behind, record.comment);
  if (directory.count == 0) return directory;
  if (directory.size < zip::kCentralHeaderBytes) return std::nullopt;
  const std::string start = read_string(file, directory.offset, sizeof(std::uint32_t));
  ByteReader reader(start, {}, 0);
  if (reader.read<std::uint32_t>() != zip::kCentralHeaderSignature) return std::nullopt;
  return directory;
}

// Where in the file end records begin within [from, to), the last one first.
template <typename Visit>
void visit_ends(std::string_view tail, std::uint64_t tail_offset, const Visit& visit) {
  for (std::size_t at = tail.rfind(kEndMark); at != std::string_view::npos;
       at = at == 0 ? std::string_view::npos : tail.rfind(kEndMark, at - 1)) {
    if (tail.size() - at < zip::kEndBytes) continue;
    if (visit(parse_end(tail.substr(at, zip::kEndBytes), tail_offset + at))) return;
  }
}

// The archive that too much follows, for the message.
std::optional<ZipDirectory> search_further(const InputFile& file) {
  std::optional<ZipDirectory> found;
  std::uint64_t stop = file.size();
  const std::uint64_t last = file.size() - std::min(file.size(), kSearchBytes);
  int tries = 0;
  while (stop > last && !found && tries < 1000) {
    const std::uint64_t start = std::max(last, stop - std::min(stop, kSearchBlock));
    // An end record may begin in this block and end in the one behind it.
    const std::uint64_t size = std::min(file.size() - start, stop - start + zip::kEndBytes - 1);
    visit_ends(read_string(file, start, size), start, [&](const EndRecord& record) {
      found = believable(file, record);
      return found.has_value() || ++tries >= 1000;
    });
    stop = start;
  }
  return found;
}

}  // namespace

ZipDirectory find_zip_directory(const InputFile& file) {
  const std::uint64_t size = file.size();
  const std::uint64_t tail_size = std::min(size, zip::kEndBytes + kMaxZipTrailing);
  const std::uint64_t tail_offset = size - tail_size;
  const std::string tail = read_string(file, tail_offset, tail_size);
  std::optional<EndRecord> exact;
  visit_ends(tail, tail_offset, [&](const EndRecord& record) {
    // Only the true end record is followed by exactly its comment.
    if (record.directory.end + zip::kEndBytes + record.comment == size) exact = record;
    return exact.has_value();
  });
  if (exact) {
    if (!exact->one_disk) {
      throw FormatError(concat(file_name(file), ", offset ", exact->directory.end,
                               ": an archive of several disks"));
    }
    return find_zip64_directory(file, exact->directory.end).value_or(exact->directory);
  }
  std::optional<ZipDirectory> found;
  visit_ends(tail, tail_offset, [&](const EndRecord& record) {
    found = believable(file, record);
    return found.has_value();
  });
  if (found) return *found;
  if (const auto far = search_further(file)) {
    throw FormatError(concat(file_name(file), ", offset ", size - far->trailing, ": ",
                             far->trailing, " bytes follow the end of the ZIP archive; at most ",
                             kMaxZipTrailing, " are passed over, as by torch.load. Cut them off"));
  }
  throw FormatError(concat(file_name(file), ", offset ", size,
                           ": a ZIP archive without its end record; the file is truncated"));
}

}  // namespace wick
