// SPDX-License-Identifier: MIT
// Loads a file of any format that wick reads, whatever it is called.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "wick/core/compiler.h"
#include "wick/core/value.h"
#include "wick/serialize/load_options.h"
#include "wick/serialize/map_location.h"

namespace wick {

enum class FileFormat : std::uint8_t {
  torch,        // torch.save, wick::save
  safetensors,  // Hugging Face's
  npy,          // one array
  npz,          // an archive of arrays
  shard_index,  // *.index.json
};

/// "PyTorch", "safetensors", "NumPy array", "NumPy archive", "index of shards".
[[nodiscard]] WICK_API std::string_view name(FileFormat format) noexcept;

/// Looks at the content, not at the name. Throws IoError, and FormatError that says what else it
/// looks like.
[[nodiscard]] WICK_API FileFormat recognise_file(const std::filesystem::path& path);

/// What the file holds: the value that was saved, an OrderedDict of names to tensors, or for .npy
/// the tensor alone. `StateDict::from_value(load_any(path))` gives a model's. Throws as load(),
/// load_safetensors(), load_npy(), load_npz() and load_sharded() do. `options` are load()'s.
[[nodiscard]] WICK_API Value load_any(const std::filesystem::path& path,
                                      const MapLocation& map_location = {},
                                      const LoadOptions& options = {});

}  // namespace wick
