// SPDX-License-Identifier: MIT
// Ctrl-C as a question instead of an end.
#pragma once

namespace wick::tools {

/// While it lives, the first SIGINT, SIGTERM or SIGHUP is only remembered; the second ends the
/// program at once. What is ignored when it is made stays ignored, as SIGHUP under nohup is and
/// SIGINT of a job in the background. One object at a time.
class StopSignal {
 public:
  StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  ~StopSignal();

  /// The signal that came, or 0.
  [[nodiscard]] static int received() noexcept;
};

}  // namespace wick::tools
