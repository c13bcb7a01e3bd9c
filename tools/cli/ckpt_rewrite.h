// SPDX-License-Identifier: MIT
// Writes a value of an opened file to a file of torch.save, one storage after the other.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "tools/cli/ckpt_recast.h"
#include "tools/cli/ckpt_source.h"

namespace wick::tools {

struct RewriteOptions {
  std::optional<DType> dtype = std::nullopt;  // of all floating-point tensors and typed storages
  std::string location = {};                  // that all storages get; empty: they keep theirs
  /// Write of each storage only what the value's tensors view: for parts of a tree. Those that
  /// share a storage go on sharing it.
  bool compact = false;
};

/// Saves `value`, which is (a part of) the source's tree or a dict of handles; its tensors and
/// storages are changed on the way. In memory is one storage at a time. Returns what conversions
/// lost. Throws as save() does.
Losses rewrite(const CkptSource& source, Value value, const std::filesystem::path& out,
               const RewriteOptions& options);

}  // namespace wick::tools
