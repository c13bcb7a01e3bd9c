// SPDX-License-Identifier: MIT
// The command line of the training program.
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include "tools/cli/train_config.h"
#include "wick/core/device.h"

namespace wick::tools {

struct TrainOptions {
  TrainConfig config;
  std::set<std::string> given;  // the options that the command line names, as "--lr"
  Device device;
  int threads = 1;
  bool tf32 = false;   // in matrix products on a GPU
  bool graph = false;  // on a GPU, record steps even where it has a kernel for whole ones
  std::filesystem::path checkpoint_dir;
  bool force = false;  // replace another run's checkpoints there
  std::optional<std::filesystem::path> resume;
  std::optional<std::filesystem::path> init;
  bool no_verify = false;  // of the file of `resume` or `init`
};

/// Parses the command line. With --help or --version, prints what they say and returns nothing.
/// Throws ValueError (or DeviceError for a device that no one has) whose message is one line.
[[nodiscard]] std::optional<TrainOptions> parse_train_options(int argc, const char* const* argv);

/// Completes the options by those of a checkpoint's run: what the command line does not name is
/// taken from there; --data and --epochs may be others. Throws ValueError that lists every option
/// that differs, and for options that have no effect in that run; IoError where its data is not
/// found (find_saved_data()).
void adopt_saved_config(TrainOptions& options, const Dict& saved);

}  // namespace wick::tools
