// SPDX-License-Identifier: MIT
// Reads and writes IDX files of unsigned bytes.
#include "tools/data/idx.h"

#include <iomanip>
#include <limits>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "core/error.h"
#include "tools/data/file.h"
#include "tools/data/gzip.h"

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
  std::ostringstream out;
  out << "0x" << std::hex << std::setfill('0') << std::setw(8) << value;
  return out.str();
}

// The elements of an IDX file (bytes) of uint8, where they lie.
Tensor parse_idx(const Tensor& content, const std::string& name) {
  const std::span<const std::uint8_t> bytes(static_cast<const std::uint8_t*>(content.raw()),
                                            content.nbytes());
  if (bytes.size() < 4) {
    throw FormatError(
        concat(name, ": cut short: ", bytes.size(), " bytes are no header of an IDX file"));
  }
  const std::uint32_t magic = big_endian(bytes, 0);
  const std::size_t dims = magic & 0xff;
  if (magic >> 8 != kUnsignedByte || dims < 1 || dims > kMaxDims) {
    throw FormatError(concat(name, ": magic number ", hex(magic),
                             " is not that of an IDX file of unsigned bytes (0x00000801 for"
                             " labels, 0x00000803 for images)"));
  }
  const std::size_t header = 4 + 4 * dims;
  if (bytes.size() < header) {
    throw FormatError(concat(name, ": cut short within its header of ", header, " bytes"));
  }
  Dims shape;
  // Counted in long double to stay clear of overflow: four sizes of 32 bits may need 128.
  long double claimed = 1;
  for (std::size_t i = 0; i < dims; ++i) {
    const std::uint32_t size = big_endian(bytes, 4 + 4 * i);
    shape.push_back(size);
    claimed *= size;
  }
  const std::size_t present = bytes.size() - header;
  if (claimed != static_cast<long double>(present)) {
    throw FormatError(concat(name, ": the header says shape ", shape, ", which is ", std::fixed,
                             std::setprecision(0), claimed, " bytes, but ", present,
                             claimed > static_cast<long double>(present)
                                 ? " follow it: the file is cut short"
                                 : " follow it"));
  }
  return content.as_strided(shape, contiguous_strides(shape), static_cast<std::int64_t>(header));
}

void append_big_endian(std::vector<std::uint8_t>& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<std::uint8_t>(value >> shift));
  }
}

}  // namespace

Tensor read_idx(const std::filesystem::path& path) {
  const std::string name = path.string();
  const ByteBuffer file = read_file(path);
  if (is_gzip(file.bytes())) return parse_idx(gunzip(file.bytes(), name), name);
  return parse_idx(Tensor::from(file.bytes(), {static_cast<std::int64_t>(file.size)}), name);
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
