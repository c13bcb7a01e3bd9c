// SPDX-License-Identifier: MIT
// Reads checkpoints that are spread over several files: *.index.json and its shards.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/core/state_dict.h"
#include "wick/serialize/load_options.h"
#include "wick/serialize/map_location.h"

namespace wick {

/// Which file holds which tensor.
struct WICK_API ShardIndex {
  std::filesystem::path path;
  std::vector<std::pair<std::string, std::string>> weight_map;  // tensor -> file, as in the index

  /// Their names, each once, in the order in which they first appear.
  [[nodiscard]] std::vector<std::string> shards() const;
  /// The path of a shard, beside the index.
  [[nodiscard]] std::filesystem::path shard_path(const std::string& shard) const;
};

/// Reads model.safetensors.index.json, pytorch_model.bin.index.json and their like. Throws IoError,
/// and FormatError for what is no index, a tensor that is there twice, and a shard that is not a
/// plain file name in the folder of the index.
[[nodiscard]] WICK_API ShardIndex read_shard_index(const std::filesystem::path& path);

/// Throws StateDictError that names a shard which is not there.
WICK_API void require_shards(const ShardIndex& index);

/// Reads all tensors that the index names, in its order. Shards may be safetensors files or files
/// of torch.save; what they hold beyond the index is left out. Throws StateDictError that names a
/// missing shard or tensor (all shards are looked for before any is read), and what reading the
/// shards throws.
[[nodiscard]] WICK_API StateDict load_sharded(const std::filesystem::path& path,
                                              const MapLocation& map_location = {},
                                              const LoadOptions& options = {});

}  // namespace wick
