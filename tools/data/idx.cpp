// SPDX-License-Identifier: MIT
// Reads and writes IDX files of unsigned bytes.
#include "tools/data/idx.h"

#include <limits>
#include <span>
#include <string>
#include <vector>

#include "tools/data/file.h"
#include "tools/data/gzip.h"
#include "wick/core/error.h"

namespace wick::tools {
namespace {

constexpr std::uint8_t kUnsignedByte = 0x08;
constexpr std::size_t kMaxDims = 4;

std::uint32_t big_endian(std::span<const std::uint8_t> bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | bytes[at + i];
  return value;
}

std::string hex(std::uint32_t value) {
  return concat("0x", zero_padded(value, 8, 16));
}

constexpr std::size_t kMaxHeader = 4 + 4 * kMaxDims;

void append_big_endian(std::vector<std::uint8_t>& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<std::uint8_t>(value >> shift));
  }
}

}  // namespace

IdxFile::IdxFile(const std::filesystem::path& path)
    : name_(path.string()), file_(read_file(path)), compressed_(is_gzip(file_.bytes())) {
  const std::span<const std::uint8_t> all = file_.bytes();
  const std::vector<std::uint8_t> inflated =
      compressed_ ? gunzip_beginning(all, kMaxHeader) : std::vector<std::uint8_t>();
  const std::span<const std::uint8_t> bytes = compressed_ ? inflated : all;
  const char* const why =
      compressed_ ? ": the gzip data is damaged or cut short: " : ": cut short: ";
  if (bytes.size() < 4) {
    throw FormatError(concat(name_, why, bytes.size(), " bytes are no header of an IDX file"));
  }
  const std::uint32_t magic = big_endian(bytes, 0);
  const std::size_t dims = magic & 0xff;
  if (magic >> 8 != kUnsignedByte || dims < 1 || dims > kMaxDims) {
    throw FormatError(concat(name_, ": magic number ", hex(magic),
                             " is not that of an IDX file of unsigned bytes (0x00000801 for"
                             " labels, 0x00000803 for images)"));
  }
  header_size_ = 4 + 4 * dims;
  if (bytes.size() < header_size_) {
    throw FormatError(concat(name_, why, bytes.size(), " bytes of a header of ", header_size_));
  }
  // Counted in long double to stay clear of overflow: four sizes of 32 bits may need 128.
  long double claimed = 1;
  for (std::size_t i = 0; i < dims; ++i) {
    const std::uint32_t size = big_endian(bytes, 4 + 4 * i);
    shape_.push_back(size);
    claimed *= size;
  }
  const std::size_t possible = compressed_ ? all.size() * kMaxGzipRatio : all.size() - header_size_;
  if (claimed > static_cast<long double>(possible)) {
    throw FormatError(concat(name_, ": the header says shape ", shape_, ", which is ",
                             fixed_point(static_cast<double>(claimed), 0), " bytes, but ",
                             compressed_
                                 ? concat("a gzip file of ", all.size(), " cannot hold them")
                                 : concat(possible, " follow it: the file is cut short")));
  }
  elements_ = static_cast<std::size_t>(claimed);
  if (!compressed_) require_size(all.size() - header_size_);
}

void IdxFile::require_size(std::size_t present) const {
  if (elements_ == present) return;
  throw FormatError(
      concat(name_, ": the header says shape ", shape_, ", which is ", elements_, " bytes, but ",
             present, elements_ > present ? " follow it: the file is cut short" : " follow it"));
}

Tensor IdxFile::read() const {
  // The elements stay where they lie, behind the header.
  const Tensor content = compressed_
                             ? gunzip(file_.bytes(), header_size_ + elements_, name_)
                             : Tensor::from(file_.bytes(), {static_cast<std::int64_t>(file_.size)});
  if (content.nbytes() < header_size_) throw FormatError(name_ + ": the gzip data is damaged");
  require_size(content.nbytes() - header_size_);
  return content.as_strided(shape_, contiguous_strides(shape_),
                            static_cast<std::int64_t>(header_size_));
}

Tensor read_idx(const std::filesystem::path& path) {
  return IdxFile(path).read();
}

void write_idx(const Tensor& values, const std::filesystem::path& path, Compression compression) {
  if (values.dtype() != DType::uint8) {
    throw DTypeError(concat("write_idx: needs uint8, got ", values.dtype()));
  }
  const std::size_t dims = values.shape().size();
  if (dims < 1 || dims > kMaxDims) {
    throw ShapeError(concat("write_idx: needs one to four dimensions, got ", values.shape()));
  }
  std::vector<std::uint8_t> bytes;
  bytes.reserve(4 + 4 * dims + values.nbytes());
  append_big_endian(bytes, std::uint32_t{kUnsignedByte} << 8 | static_cast<std::uint32_t>(dims));
  for (const std::int64_t size : values.shape()) {
    if (size > std::numeric_limits<std::uint32_t>::max()) {
      throw ShapeError(concat("write_idx: a size of ", size, " does not fit 32 bits"));
    }
    append_big_endian(bytes, static_cast<std::uint32_t>(size));
  }
  const std::vector<std::uint8_t> elements = values.to_vector<std::uint8_t>();
  bytes.insert(bytes.end(), elements.begin(), elements.end());
  if (compression == Compression::none) return write_file(path, bytes);
  write_file(path, gzip(bytes).bytes());
}

}  // namespace wick::tools
