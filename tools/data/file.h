// SPDX-License-Identifier: MIT
// Whole files in and out of memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

namespace wick::tools {

/// Bytes that are not zeroed before they are filled.
struct ByteBuffer {
  ByteBuffer() = default;
  explicit ByteBuffer(std::size_t count)
      : data(std::make_unique_for_overwrite<std::uint8_t[]>(count)), size(count) {}

  [[nodiscard]] std::span<const std::uint8_t> bytes() const { return {data.get(), size}; }

  std::unique_ptr<std::uint8_t[]> data;
  std::size_t size = 0;
};

/// Reads a regular file. Throws IoError that names the path and the reason.
[[nodiscard]] ByteBuffer read_file(const std::filesystem::path& path);

/// Writes a file that appears whole or not at all: to a temporary file beside it, synced, renamed.
/// Throws IoError.
void write_file(const std::filesystem::path& path, std::span<const std::uint8_t> bytes);

}  // namespace wick::tools
