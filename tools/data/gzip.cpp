// SPDX-License-Identifier: MIT
// Gzip (RFC 1952) of whole buffers, by libdeflate.
#include "tools/data/gzip.h"

#include <algorithm>
#include <new>

#include <libdeflate.h>
#include <zlib.h>

#include "wick/core/error.h"

namespace wick::tools {
namespace {

// The smallest member: 10 bytes of header, 2 of data, 8 of trailer.
constexpr std::size_t kMinMember = 20;

struct FreeDecompressor {
  void operator()(libdeflate_decompressor* it) const { libdeflate_free_decompressor(it); }
};
struct FreeCompressor {
  void operator()(libdeflate_compressor* it) const { libdeflate_free_compressor(it); }
};

/// A stream of zlib, which gives the first bytes without the rest.
struct Inflater {
  Inflater() {
    if (inflateInit2(&stream, 15 + 16) != Z_OK) throw std::bad_alloc();  // 16: gzip's frame
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream); }
  z_stream stream{};
};

/// Where the next member begins. Between members and behind the last there may be zeros, from tapes
/// and block devices; Python and gzip itself skip them.
std::size_t next_member(std::span<const std::uint8_t> bytes, std::size_t at) {
  while (at > 0 && at < bytes.size() && bytes[at] == 0) ++at;
  return at;
}

}  // namespace

bool is_gzip(std::span<const std::uint8_t> bytes) noexcept {
  return bytes.size() >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

std::vector<std::uint8_t> gunzip_beginning(std::span<const std::uint8_t> bytes, std::size_t count) {
  constexpr std::size_t kMostInput = std::size_t{1} << 30;  // zlib counts in 32 bits
  std::vector<std::uint8_t> out(count);
  Inflater inflater;
  z_stream& stream = inflater.stream;
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(count);
  std::size_t used = 0;
  while (used < bytes.size() && stream.avail_out > 0) {
    const auto given = static_cast<uInt>(std::min(kMostInput, bytes.size() - used));
    stream.next_in = const_cast<Bytef*>(bytes.data() + used);  // zlib does not write there
    stream.avail_in = given;
    const int result = inflate(&stream, Z_NO_FLUSH);
    used += given - stream.avail_in;
    if (result == Z_STREAM_END) {
      used = next_member(bytes, used);
      if (inflateReset(&stream) != Z_OK) break;
    } else if (result != Z_OK || given == stream.avail_in) {
      break;  // damaged: gunzip() says so
    }
  }
  out.resize(count - stream.avail_out);
  return out;
}

Tensor gunzip(std::span<const std::uint8_t> bytes, std::size_t size, const std::string& name) {
  if (bytes.size() < kMinMember) throw FormatError(name + ": the gzip data is cut short");
  if (size / kMaxGzipRatio > bytes.size()) {
    throw FormatError(
        concat(name, ": ", size, " bytes cannot be in a gzip file of ", bytes.size()));
  }
  const std::unique_ptr<libdeflate_decompressor, FreeDecompressor> decompressor(
      libdeflate_alloc_decompressor());
  if (!decompressor) throw std::bad_alloc();

  Tensor out = Tensor::empty({static_cast<std::int64_t>(size)}, DType::uint8);
  std::size_t used_in = 0;
  std::size_t used_out = 0;
  while ((used_in = next_member(bytes, used_in)) < bytes.size()) {
    std::size_t read = 0;
    std::size_t written = 0;
    const libdeflate_result result = libdeflate_gzip_decompress_ex(
        decompressor.get(), bytes.data() + used_in, bytes.size() - used_in,
        static_cast<std::byte*>(out.raw()) + used_out, size - used_out, &read, &written);
    if (result == LIBDEFLATE_INSUFFICIENT_SPACE) {
      throw FormatError(concat(name, ": its gzip data holds more than the ", size,
                               " bytes that its header says"));
    }
    if (result != LIBDEFLATE_SUCCESS) {
      throw FormatError(concat(name, ": the gzip data is damaged or cut short (the file has ",
                               bytes.size(), " bytes)"));
    }
    used_in += read;
    used_out += written;
  }
  return out.slice(0, 0, static_cast<std::int64_t>(used_out));
}

ByteBuffer gzip(std::span<const std::uint8_t> bytes, int level) {
  const std::unique_ptr<libdeflate_compressor, FreeCompressor> compressor(
      libdeflate_alloc_compressor(level));
  if (!compressor) throw std::bad_alloc();
  ByteBuffer out(libdeflate_gzip_compress_bound(compressor.get(), bytes.size()));
  out.size = libdeflate_gzip_compress(compressor.get(), bytes.data(), bytes.size(), out.data.get(),
                                      out.size);
  return out;
}

}  // namespace wick::tools
