// SPDX-License-Identifier: MIT
// A progress bar in the manner of Python's tqdm:
//   Epoch 1/2:  43%|████▎     | 812/1875 [00:01<00:01, 812.3 batch/s, loss=0.3421]
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>

namespace wick::tools {

struct ProgressBarOptions {
  std::string label;         // before the bar
  std::string unit = "it";   // what is counted
  std::int64_t total = 0;    // how many there are
  std::int64_t initial = 0;  // how many were done before, by another run
  /// True: one line, redrawn at most ten times a second. False: a line of its own at each tenth of
  /// the way, and at the end, but not more often than every second.
  bool terminal = false;
  int width = 80;  // of the terminal, in columns
  /// Measures the width anew before each drawing, so that the line fits a window that has changed;
  /// 0: not known. Without it, the width stays.
  std::function<int()> measure_width = {};
  /// Seconds from any fixed point; replaced in tests.
  std::function<double()> clock = [] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  };
};

/// The options' `terminal`, `width` and `measure_width` for a file descriptor such as
/// STDERR_FILENO.
void ask_terminal(ProgressBarOptions& options, int descriptor);

/// Draws to a stream while something is going on. On a terminal a line is never as wide as it: the
/// bar is shorter, or left out, and then the rest is cut. A step that draws nothing costs a
/// comparison: the clock is read only every so many steps, as many as were made in a twentieth of a
/// second.
class ProgressBar {
 public:
  /// The stream must live longer than the bar.
  ProgressBar(std::ostream& out, ProgressBarOptions options);

  /// Counts `count` more. `note` is a number shown as "name=0.1234" at the end of the line.
  void advance(double note, std::int64_t count = 1) {
    done_ += count;
    note_ = note;
    if (done_ >= next_look_) look();
  }
  void set_note_name(std::string name) { note_name_ = std::move(name); }
  /// Draws the last state and leaves the line. Afterwards advance() must not be called.
  void finish();

  [[nodiscard]] std::int64_t done() const noexcept { return done_; }
  /// Since the construction.
  [[nodiscard]] double seconds() const { return options_.clock() - start_; }

 private:
  void look();
  void draw(double now);
  void measure();
  [[nodiscard]] std::string tail(double elapsed) const;

  std::ostream& out_;
  ProgressBarOptions options_;
  std::string note_name_;
  double note_ = 0;
  double start_ = 0;
  double last_draw_ = 0;
  double last_look_ = 0;
  std::int64_t done_ = 0;
  std::int64_t last_look_done_ = 0;
  std::int64_t next_look_ = 0;
  std::int64_t next_tenth_ = 0;  // when not on a terminal: `done_` at the next line
};

/// "01:23", or "1:02:03" from an hour on; "?" for what is no number.
[[nodiscard]] std::string format_duration(double seconds);

/// The first `count` columns of text in UTF-8, whose characters have one each.
[[nodiscard]] std::string first_columns(std::string_view text, int count);

/// Eight-column-wise precise bar of `width` columns, `fraction` of it filled.
[[nodiscard]] std::string format_bar(double fraction, int width);

}  // namespace wick::tools
