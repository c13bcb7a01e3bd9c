// SPDX-License-Identifier: MIT
// Options that change nothing beside others: refused, since who gives one expects an effect.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tools/cli/train_options.h"
#include "wick/core/device.h"

namespace wick::tools {

struct Conflict {
  std::string_view option;
  bool is_useless = false;  // where it is given
  std::string beside;       // what makes it so, as "with --device cpu"
  std::string remedy;
};

/// Of tools/train; the configuration is that of the run, also where a checkpoint has it.
[[nodiscard]] std::vector<Conflict> conflicts_of(const TrainOptions& options);
/// Of tools/predict.
[[nodiscard]] std::vector<Conflict> predict_conflicts(Device device);
/// Of tools/synthetic: the values of --png (0: not given) and --test.
[[nodiscard]] std::vector<Conflict> synthetic_conflicts(std::int64_t png, std::int64_t test);

/// Throws ValueError, "--gamma has no effect with --scheduler cosine; leave it out, or ...", for
/// the first row that is useless and whose option is given ("--gamma").
void refuse_useless(const std::set<std::string>& given, const std::vector<Conflict>& conflicts);

}  // namespace wick::tools
