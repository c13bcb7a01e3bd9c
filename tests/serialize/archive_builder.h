// SPDX-License-Identifier: MIT
// ZIP archives as other tools than wick and PyTorch write them: unaligned, or deflated.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <libdeflate.h>

#include "serialize/byte_writer.h"
#include "serialize/zip_format.h"

namespace wick::testing {

class ArchiveBuilder {
 public:
  void add(const std::string& name, std::string_view content, bool deflated = false) {
    const std::string data = deflated ? deflate(content) : std::string(content);
    ByteWriter common;  // from the flags to the length of the extra fields
    common.write(std::uint16_t{0});
    common.write(deflated ? zip::kMethodDeflated : zip::kMethodStored);
    common.write(std::uint32_t{0});
    common.write(libdeflate_crc32(0, content.data(), content.size()));
    common.write(static_cast<std::uint32_t>(data.size()));
    common.write(static_cast<std::uint32_t>(content.size()));
    common.write(static_cast<std::uint16_t>(name.size()));
    common.write(std::uint16_t{0});
    directory_.write(zip::kCentralHeaderSignature);
    directory_.write(std::uint32_t{20});
    directory_.bytes(common.str());
    directory_.fill(10, '\0');  // comment, disk, attributes
    directory_.write(static_cast<std::uint32_t>(out_.size()));
    directory_.bytes(name);
    out_.write(zip::kLocalHeaderSignature);
    out_.write(std::uint16_t{20});
    out_.bytes(common.str());
    out_.bytes(name);
    out_.bytes(data);
    ++count_;
  }

  [[nodiscard]] std::string finish() {
    const auto offset = static_cast<std::uint32_t>(out_.size());
    const std::string directory = directory_.release();
    out_.bytes(directory);
    out_.write(zip::kEndSignature);
    out_.write(std::uint32_t{0});
    out_.write(count_);
    out_.write(count_);
    out_.write(static_cast<std::uint32_t>(directory.size()));
    out_.write(offset);
    out_.write(std::uint16_t{0});
    return out_.release();
  }

 private:
  static std::string deflate(std::string_view content) {
    const std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)> compressor(
        libdeflate_alloc_compressor(9), &libdeflate_free_compressor);
    std::string packed(content.size() + 100, '\0');
    packed.resize(libdeflate_deflate_compress(compressor.get(), content.data(), content.size(),
                                              packed.data(), packed.size()));
    return packed;
  }

  ByteWriter out_;
  ByteWriter directory_;
  std::uint16_t count_ = 0;
};

/// A checkpoint "x" with one record of data. `pickle` lacks its first and last opcodes.
inline std::string checkpoint_of(const std::string& pickle, std::string_view data,
                                 const std::string& order = "little") {
  ArchiveBuilder archive;
  archive.add("x/data.pkl", "\x80\x02" + pickle + '.');
  archive.add("x/byteorder", order);
  archive.add("x/data/0", data);
  archive.add("x/version", "3\n");
  return archive.finish();
}

}  // namespace wick::testing
