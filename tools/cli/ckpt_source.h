// SPDX-License-Identifier: MIT
// A file of tensors of any format, opened without reading the tensors where the format allows it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "serialize/safetensors_header.h"
#include "wick/core/placeholder.h"
#include "wick/serialize/any_file.h"
#include "wick/serialize/foreign_objects.h"
#include "wick/serialize/tensor_info.h"

namespace wick::tools {

/// One tensor of a file, or one storage that was saved by itself, and the way to its elements.
struct SourceTensor {
  TensorInfo info;
  std::function<Tensor()> read;  // on the CPU; may be called after the source has gone
  /// "TypedStorage" or "UntypedStorage" of a storage, whose elements are in one dimension (bytes of
  /// an untyped one); empty of a tensor.
  std::string_view storage_class = {};
  /// The tensor in the source's tree; for formats without one, a description on the device "meta".
  Tensor handle = {};

  [[nodiscard]] bool is_storage() const noexcept { return !storage_class.empty(); }
};

/// A storage of the file, of which a source has a description on the device "meta".
struct StoredBytes {
  std::string location;                            // the device that it was saved from
  std::function<std::shared_ptr<Storage>()> read;  // on the CPU, a copy or the file's own bytes
};

struct CkptSource {
  static constexpr std::size_t kNamedPlaceholders = 1000;

  std::filesystem::path path;
  FileFormat format = FileFormat::torch;
  std::uint64_t file_bytes = 0;             // of an index: with its shards
  std::vector<SourceTensor> tensors;        // storages behind all tensors
  TextMetadata metadata;                    // of a safetensors file
  std::uint64_t trailing_bytes = 0;         // behind what the format describes; nothing reads them
  std::vector<std::string> longer_records;  // than their storage or array
  /// The whole value, its tensors without elements; for formats that hold only tensors, none.
  std::shared_ptr<const Value> tree;
  /// By the storages of the tree's tensors, or of the handles; those not in it are in memory, or on
  /// the device "meta" in the file too.
  std::unordered_map<const Storage*, StoredBytes> storages;
  /// The placeholders in it, the first kNamedPlaceholders by name.
  PlaceholderReport placeholders;
  ForeignObjects foreign;

  /// A tensor. Throws StateDictError that names the file, and a name like it where there is one.
  [[nodiscard]] const SourceTensor& at(std::string_view name) const;
  /// A tensor or a storage; null where there is none.
  [[nodiscard]] const SourceTensor* find(std::string_view name) const;
};

/// Reads what describes the tensors, not their elements. Throws as load_any() does.
[[nodiscard]] CkptSource open_source(const std::filesystem::path& path,
                                     const LoadOptions& options = {});

}  // namespace wick::tools
