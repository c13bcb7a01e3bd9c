// SPDX-License-Identifier: MIT
// IDX, the format of MNIST's files: arrays of bytes with a big-endian header.
// http://yann.lecun.com/exdb/mnist/ describes it at the end of the page.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "tools/data/file.h"
#include "wick/core/dims.h"
#include "wick/core/tensor.h"

namespace wick::tools {

/// An IDX file of unsigned bytes, plain or gzip (told by its content, not its name), of which the
/// header has been looked at and nothing else inflated.
///
/// All messages begin with the path. The memory is bounded by the file's size, whatever its header
/// says: the file's bytes, and as many as the header says, which is at most 1032 times the file's
/// where it is compressed. Nothing is inflated beyond what the header says.
class IdxFile {
 public:
  /// Throws IoError where the file cannot be read, and FormatError for a wrong magic number, or a
  /// header that asks for more or less than the file can hold.
  explicit IdxFile(const std::filesystem::path& path);

  [[nodiscard]] const Dims& shape() const noexcept { return shape_; }
  /// A uint8 tensor of that shape. Throws FormatError where the file is damaged, or holds another
  /// number of bytes than its header says.
  [[nodiscard]] Tensor read() const;

 private:
  void require_size(std::size_t present) const;

  std::string name_;
  ByteBuffer file_;
  bool compressed_;
  Dims shape_;
  std::size_t header_size_ = 0;
  std::size_t elements_ = 0;
};

/// IdxFile(path).read().
[[nodiscard]] Tensor read_idx(const std::filesystem::path& path);

enum class Compression : std::uint8_t { none, gzip };

/// Writes a uint8 tensor of one to four dimensions, whole or not at all. Throws IoError, DTypeError
/// or ShapeError.
void write_idx(const Tensor& values, const std::filesystem::path& path,
               Compression compression = Compression::gzip);

}  // namespace wick::tools
