// SPDX-License-Identifier: MIT
// A file of tensors of any format, opened without reading the tensors where the format allows it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "serialize/any_file.h"
#include "serialize/safetensors_header.h"
#include "serialize/tensor_info.h"

namespace wick::tools {

/// One tensor of a file, or one storage that was saved by itself, and the way to its elements.
struct SourceTensor {
  TensorInfo info;
  std::function<Tensor()> read;  // on the CPU; may be called after the source has gone
  /// "TypedStorage" or "UntypedStorage" of a storage, whose elements are in one dimension (bytes of
  /// an untyped one); empty of a tensor.
  std::string_view storage_class = {};

  [[nodiscard]] bool is_storage() const noexcept { return !storage_class.empty(); }
};

struct CkptSource {
  std::filesystem::path path;
  FileFormat format = FileFormat::torch;
  std::uint64_t file_bytes = 0;       // of an index: with its shards
  std::vector<SourceTensor> tensors;  // storages behind all tensors
  TextMetadata metadata;              // of a safetensors file
  /// The whole value, its tensors without elements; for formats that hold only tensors, none.
  std::shared_ptr<const Value> tree;

  /// A tensor. Throws StateDictError that names the file, and a name like it where there is one.
  [[nodiscard]] const SourceTensor& at(std::string_view name) const;
  /// A tensor or a storage; null where there is none.
  [[nodiscard]] const SourceTensor* find(std::string_view name) const;
};

/// Throws as load_any() does.
[[nodiscard]] CkptSource open_source(const std::filesystem::path& path);

}  // namespace wick::tools
