// SPDX-License-Identifier: MIT
// What tools/ckpt does. Each command writes its result to `out` and returns the exit status.
#pragma once

#include <filesystem>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "tools/cli/ckpt_text.h"
#include "wick/core/dtype.h"
#include "wick/serialize/load_options.h"

namespace wick::tools {

/// The names, shapes, dtypes, devices and sizes of all tensors.
int list_tensors(const std::filesystem::path& file, bool json, const LoadOptions& load,
                 std::ostream& out, const Style& style);

struct ShowOptions {
  std::filesystem::path file;
  std::string name;        // of a tensor or of a part of the tree; empty: everything
  std::size_t items = 50;  // that are shown of each container
  LoadOptions load;
};
/// The tree of a file, or the statistics of one tensor.
int show(const ShowOptions& options, std::ostream& out, const Style& style);

struct DiffOptions {
  std::filesystem::path a;
  std::filesystem::path b;
  double rtol = 0;  // |a - b| <= atol + rtol * |b| counts as equal
  double atol = 0;
  bool all = false;  // show the tensors that are equal as well
  LoadOptions load;
};
/// 0 where the files hold the same, 1 where they do not.
int diff(const DiffOptions& options, std::ostream& out, const Style& style);

/// Checks the structure of a file and of all it names, and every CRC-32. Says what has none, and
/// what belongs to nothing: bytes behind the file's content, records longer than their storage.
int verify(const std::filesystem::path& file, std::ostream& out, const Style& style);

struct ConvertOptions {
  std::filesystem::path in;
  std::filesystem::path out;
  std::string to;                 // pt, safetensors, npz, npy; empty: by the ending of `out`
  std::string root;               // the part of the tree to convert; empty: all
  std::vector<std::string> only;  // names, parts of the tree, or patterns with * and ?
  std::optional<DType> dtype;     // of all floating-point tensors
  std::string map_location;       // as in torch.load; empty: where they were saved from
  LoadOptions load;
};
int convert(const ConvertOptions& options, std::ostream& out);

/// Throws ValueError for a `to` or an ending of `out` that no format has.
void check_target(const ConvertOptions& options);

}  // namespace wick::tools
