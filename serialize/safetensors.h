// SPDX-License-Identifier: MIT
// Reads and writes safetensors files: https://github.com/huggingface/safetensors.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/keyed_hash.h"
#include "core/state_dict.h"
#include "serialize/input_file.h"
#include "serialize/mapped_file.h"
#include "serialize/safetensors_header.h"
#include "serialize/tensor_bytes.h"

namespace wick {

/// An open safetensors file. Opening reads and checks the header only (see
/// parse_safetensors_header); tensors are read when asked for. Throws IoError and FormatError.
/// Thread safety: const members may be called from several threads.
class SafetensorsFile {
 public:
  /// With `mmap`, tensors on the CPU are the file's own bytes, mapped copy-on-write, where they are
  /// aligned to their dtype (as writers see to): nothing is read before it is touched, and writing
  /// to a tensor never changes the file, which must be left alone or replaced whole meanwhile; see
  /// OpenOptions in checkpoint_file.h.
  explicit SafetensorsFile(std::filesystem::path path, bool mmap = true);

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return file_.path(); }
  [[nodiscard]] const TextMetadata& metadata() const noexcept { return header_.metadata; }
  /// In the order of their bytes.
  [[nodiscard]] const std::vector<SafetensorsEntry>& entries() const noexcept {
    return header_.entries;
  }
  /// Null where there is none.
  [[nodiscard]] const SafetensorsEntry* find(std::string_view name) const;

  /// Reads one of entries().
  [[nodiscard]] Tensor read(const SafetensorsEntry& entry, Device device = kCpu) const;
  /// Throws StateDictError that names the tensor and the file where it is not there.
  [[nodiscard]] Tensor read(std::string_view name, Device device = kCpu) const;
  /// Reads all, in the order of entries().
  [[nodiscard]] StateDict read_all(Device device = kCpu) const;

 private:
  InputFile file_;
  SafetensorsHeader header_;
  std::uint64_t data_offset_ = 0;
  std::shared_ptr<const MappedFile> mapping_;  // none: tensors are read
  std::unordered_map<std::string_view, std::size_t, NameHash> index_;
};

/// Reads all into memory of its own.
[[nodiscard]] StateDict load_safetensors(const std::filesystem::path& path, Device device = kCpu);

/// Writes the bytes that the reference implementation writes for these tensors (which leaves the
/// order of several metadata open; here it is the given one). Each tensor is written whole and
/// contiguous: the format knows no shared storage, no strides and no requires_grad.
/// For errors see lay_out_safetensors. With `read`, the elements are those that it gives.
void write_safetensors(const StateDict& state, const ByteSink& sink,
                       const TextMetadata& metadata = {}, const TensorReader& read = {});
/// The same to a file, which appears whole or not at all (see AtomicFile). Throws IoError.
void save_safetensors(const StateDict& state, const std::filesystem::path& path,
                      const TextMetadata& metadata = {});

}  // namespace wick
