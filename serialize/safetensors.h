// SPDX-License-Identifier: MIT
// Reads and writes safetensors files: https://github.com/huggingface/safetensors.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/core/dims.h"
#include "wick/core/dtype.h"
#include "wick/core/state_dict.h"
#include "wick/serialize/byte_sink.h"

namespace wick {

/// The strings under `__metadata__`, in the order of the file.
using TextMetadata = std::vector<std::pair<std::string, std::string>>;

/// One tensor of a safetensors file.
struct SafetensorsEntry {
  std::string name;
  DType dtype = DType::float32;
  Dims shape;
  std::uint64_t begin = 0;  // of its bytes, from the end of the header
  std::uint64_t end = 0;
};

/// An open safetensors file. Opening reads and checks the header only (see
/// parse_safetensors_header); tensors are read when asked for. Throws IoError and FormatError.
/// Thread safety: const members may be called from several threads.
class WICK_API SafetensorsFile {
 public:
  /// With `mmap`, tensors on the CPU are the file's own bytes, mapped copy-on-write, where they are
  /// aligned to their dtype (as writers see to): nothing is read before it is touched, and writing
  /// to a tensor never changes the file, which must be left alone or replaced whole meanwhile; see
  /// OpenOptions in checkpoint_file.h.
  explicit SafetensorsFile(std::filesystem::path path, bool mmap = true);

  SafetensorsFile(const SafetensorsFile&) = delete;
  SafetensorsFile& operator=(const SafetensorsFile&) = delete;
  SafetensorsFile(SafetensorsFile&&) noexcept;
  SafetensorsFile& operator=(SafetensorsFile&&) noexcept;
  ~SafetensorsFile();

  [[nodiscard]] const std::filesystem::path& path() const noexcept;
  [[nodiscard]] const TextMetadata& metadata() const noexcept;
  /// In the order of their bytes.
  [[nodiscard]] const std::vector<SafetensorsEntry>& entries() const noexcept;
  /// Null where there is none.
  [[nodiscard]] const SafetensorsEntry* find(std::string_view name) const;

  /// Reads one of entries().
  [[nodiscard]] Tensor read(const SafetensorsEntry& entry, Device device = kCpu) const;
  /// Throws StateDictError that names the tensor and the file where it is not there.
  [[nodiscard]] Tensor read(std::string_view name, Device device = kCpu) const;
  /// Reads all, in the order of entries().
  [[nodiscard]] StateDict read_all(Device device = kCpu) const;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

/// Reads all into memory of its own.
[[nodiscard]] WICK_API StateDict load_safetensors(const std::filesystem::path& path,
                                                  Device device = kCpu);

/// Writes the bytes that the reference implementation writes for these tensors (which leaves the
/// order of several metadata open; here it is the given one). Each tensor is written whole and
/// contiguous: the format knows no shared storage, no strides and no requires_grad.
/// For errors see lay_out_safetensors. With `read`, the elements are those that it gives.
WICK_API void write_safetensors(const StateDict& state, const ByteSink& sink,
                                const TextMetadata& metadata = {}, const TensorReader& read = {});
/// The same to a file, which appears whole or not at all (see AtomicFile). Throws IoError.
WICK_API void save_safetensors(const StateDict& state, const std::filesystem::path& path,
                               const TextMetadata& metadata = {});

}  // namespace wick
