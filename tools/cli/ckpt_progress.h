// SPDX-License-Identifier: MIT
// A progress bar over bytes, where there is a terminal to see it and enough to wait for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tools/progress_bar.h"

namespace wick::tools {

class ByteProgress {
 public:
  /// Draws on standard error; nothing for less than 32 MiB or where that is no terminal.
  ByteProgress(std::string label, std::uint64_t total);
  ByteProgress(const ByteProgress&) = delete;
  ByteProgress& operator=(const ByteProgress&) = delete;
  /// Leaves the line, also when an exception passes.
  ~ByteProgress();

  void advance(std::uint64_t bytes);

 private:
  std::optional<ProgressBar> bar_;
  std::uint64_t done_ = 0;   // bytes
  std::uint64_t total_ = 0;  // bytes
  std::int64_t drawn_ = 0;   // MiB
};

}  // namespace wick::tools
