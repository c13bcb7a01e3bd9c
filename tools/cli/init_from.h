// SPDX-License-Identifier: MIT
// Starts a run from the weights in any checkpoint: the option --init.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tools/cli/foreign_model.h"
#include "tools/cli/run_state.h"
#include "wick/serialize/load_options.h"

namespace wick::tools {

/// The network of a file that a run is to start from.
struct InitialModel {
  ForeignModel model;
  std::string name;  // the file's, for messages
  [[nodiscard]] std::vector<std::int64_t> sizes() const { return layer_sizes(model.chain); }
  /// Sizes of the hidden layers. Throws StateDictError where there are none.
  [[nodiscard]] std::vector<std::int64_t> hidden_sizes() const;
};

/// Throws as load_foreign_model() does, which gets the options.
[[nodiscard]] InitialModel load_initial_model(const std::filesystem::path& path,
                                              const LoadOptions& options = {});

/// Gives a new run the weights and, where it fits, the state of the file's optimizer; the options
/// of the optimizer stay those of the run. Returns what was taken, and what was not and why, a
/// clause each. Throws StateDictError where the networks have other sizes, or the weights are not
/// finite.
[[nodiscard]] std::vector<std::string> start_from(RunState& run, const InitialModel& initial);

}  // namespace wick::tools
