// SPDX-License-Identifier: MIT
// What ckpt says of the objects in a file that wick does not have.
#pragma once

#include <string>
#include <vector>

#include "tools/cli/ckpt_source.h"
#include "wick/core/placeholder.h"

namespace wick::tools {

/// "argparse.Namespace object", "class numpy.float32".
[[nodiscard]] std::string describe_placeholder(const Placeholder& placeholder);

/// "2 NumPy arrays are read as tensors".
[[nodiscard]] std::string numpy_note(const ForeignObjects& foreign);

/// A line for the placeholders and one for what NumPy's objects became, where there are such.
[[nodiscard]] std::vector<std::string> foreign_notes(const CkptSource& source);

}  // namespace wick::tools
