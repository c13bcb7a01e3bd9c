// SPDX-License-Identifier: MIT
// Gzip (RFC 1952) of whole buffers, by libdeflate.
#include "tools/data/gzip.h"

#include <algorithm>
#include <new>

#include <libdeflate.h>

#include "core/error.h"

namespace wick::tools {
namespace {

// DEFLATE cannot do better than 258 bytes for two bits, so no honest file grows more than this.
constexpr std::size_t kMaxRatio = 1032;
// The smallest member: 10 bytes of header, 2 of data, 8 of trailer.
constexpr std::size_t kMinMember = 20;

struct FreeDecompressor {
  void operator()(libdeflate_decompressor* it) const { libdeflate_free_decompressor(it); }
};
struct FreeCompressor {
  void operator()(libdeflate_compressor* it) const { libdeflate_free_compressor(it); }
};

/// The length that a file's last member claims to have, modulo 2^32.
std::size_t claimed_size(std::span<const std::uint8_t> bytes) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    size |= static_cast<std::size_t>(bytes[bytes.size() - 4 + i]) << (8 * i);
  }
  return size;
}

Tensor bytes_of(std::size_t capacity) {
  return Tensor::empty({static_cast<std::int64_t>(capacity)}, DType::uint8);
}

Tensor first(const Tensor& bytes, std::size_t count) {
  return bytes.slice(0, 0, static_cast<std::int64_t>(count));
}

Tensor grown(const Tensor& old, std::size_t used, std::size_t capacity) {
  Tensor result = bytes_of(capacity);
  first(result, used).copy_(first(old, used));
  return result;
}

}  // namespace

bool is_gzip(std::span<const std::uint8_t> bytes) noexcept {
  return bytes.size() >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

Tensor gunzip(std::span<const std::uint8_t> bytes, const std::string& name) {
  if (bytes.size() < kMinMember) throw FormatError(name + ": the gzip data is cut short");
  const std::unique_ptr<libdeflate_decompressor, FreeDecompressor> decompressor(
      libdeflate_alloc_decompressor());
  if (!decompressor) throw std::bad_alloc();

  // The trailer is believed only as far as the file's size makes it possible.
  const std::size_t limit = bytes.size() * kMaxRatio;
  Tensor out = bytes_of(std::clamp<std::size_t>(claimed_size(bytes), 1, limit));
  std::size_t used_in = 0;
  std::size_t used_out = 0;
  while (used_in < bytes.size()) {
    std::size_t read = 0;
    std::size_t written = 0;
    const libdeflate_result result = libdeflate_gzip_decompress_ex(
        decompressor.get(), bytes.data() + used_in, bytes.size() - used_in,
        static_cast<std::byte*>(out.raw()) + used_out, out.nbytes() - used_out, &read, &written);
    if (result == LIBDEFLATE_INSUFFICIENT_SPACE && out.nbytes() < limit) {
      out = grown(out, used_out, std::min(limit, 2 * out.nbytes() + (std::size_t{1} << 16)));
      continue;
    }
    if (result != LIBDEFLATE_SUCCESS) {
      throw FormatError(concat(name, ": the gzip data is damaged or cut short (the file has ",
                               bytes.size(), " bytes)"));
    }
    used_in += read;
    used_out += written;
  }
  return first(out, used_out);
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
