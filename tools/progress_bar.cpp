// SPDX-License-Identifier: MIT
// A progress bar in the manner of Python's tqdm.
#include "tools/progress_bar.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include <sys/ioctl.h>
#include <unistd.h>

#include "wick/core/text.h"

namespace wick::tools {
namespace {

constexpr double kRedraw = 0.1;   // seconds between two drawings on a terminal
constexpr double kLook = 0.05;    // seconds between two looks at the clock
constexpr double kLine = 1.0;     // seconds between two lines elsewhere
constexpr int kWidestBar = 40;    // columns
constexpr int kNarrowestBar = 4;  // columns

template <typename... Args>
std::string format(const char* pattern, Args... args) {
  std::array<char, 128> buffer{};
  std::snprintf(buffer.data(), buffer.size(), pattern, args...);
  return buffer.data();
}

/// Columns of text in UTF-8: its bytes but the continuing ones.
int columns(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

}  // namespace

void ask_terminal(ProgressBarOptions& options, int descriptor) {
  options.terminal = ::isatty(descriptor) == 1;
  if (!options.terminal) return;
  options.measure_width = [descriptor] {
    winsize size{};
    return ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? static_cast<int>(size.ws_col) : 0;
  };
  const int width = options.measure_width();
  if (width > 0) options.width = width;
}

std::string format_duration(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "?";
  const auto whole = static_cast<long long>(seconds);
  const int s = static_cast<int>(whole % 60);
  const int m = static_cast<int>(whole / 60 % 60);
  if (whole < 3600) return format("%02d:%02d", m, s);
  return format("%lld:%02d:%02d", whole / 3600, m, s);
}

std::string first_columns(std::string_view text, int count) {
  std::size_t end = 0;
  for (int column = 0; end < text.size(); ++end) {
    const bool begins = (static_cast<unsigned char>(text[end]) & 0xc0) != 0x80;
    if (begins && column++ >= count) break;
  }
  return std::string(text.substr(0, end));
}

std::string format_bar(double fraction, int width) {
  static constexpr std::array kEighths = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int eighths =
      static_cast<int>(std::clamp(fraction, 0.0, 1.0) * static_cast<double>(width) * 8.0);
  std::string bar;
  for (int i = 0; i < eighths / 8; ++i) bar += "█";
  bar += kEighths[static_cast<std::size_t>(eighths % 8)];
  bar.append(static_cast<std::size_t>(std::max(0, width - columns(bar))), ' ');
  return bar;
}

ProgressBar::ProgressBar(std::ostream& out, ProgressBarOptions options)
    : out_(out), options_(std::move(options)) {
  start_ = options_.clock();
  last_look_ = last_draw_ = start_;
  done_ = last_look_done_ = options_.initial;
  next_look_ = done_ + 1;
  next_tenth_ = (done_ * 10 / std::max<std::int64_t>(options_.total, 1) + 1) * options_.total / 10;
  if (options_.terminal) draw(start_);
}

void ProgressBar::look() {
  const double now = options_.clock();
  // As many steps until the next look as fit into kLook at the rate since the last one, but at
  // most twice as many as last time: one slow start or one fast burst must not mislead for long.
  const std::int64_t steps = std::max<std::int64_t>(done_ - last_look_done_, 1);
  const double elapsed = now - last_look_;
  const double factor = elapsed > 0 ? std::min(kLook / elapsed, 2.0) : 2.0;
  next_look_ = done_ + std::max<std::int64_t>(
                           1, static_cast<std::int64_t>(static_cast<double>(steps) * factor));
  last_look_ = now;
  last_look_done_ = done_;
  if (options_.terminal) {
    if (now - last_draw_ >= kRedraw) draw(now);
  } else if (done_ >= next_tenth_ && done_ < options_.total && now - last_draw_ >= kLine) {
    draw(now);
  }
}

void ProgressBar::finish() {
  draw(options_.clock());
  if (options_.terminal) out_ << '\n' << std::flush;
}

void ProgressBar::measure() {
  const int width = options_.measure_width ? options_.measure_width() : 0;
  if (width > 0) options_.width = width;
}

void ProgressBar::draw(double now) {
  const double fraction =
      options_.total > 0 ? static_cast<double>(done_) / static_cast<double>(options_.total) : 1.0;
  std::string line = options_.label.empty() ? "" : options_.label + ": ";
  line += format("%3d%%|", static_cast<int>(fraction * 100));
  const std::string end = tail(now - start_);
  if (options_.terminal) {
    measure();
    // One column stays free, so that no terminal wraps the line.
    const int room = options_.width - 1 - columns(line) - columns(end);
    if (room >= kNarrowestBar) {
      line += format_bar(fraction, std::min(room, kWidestBar));
    } else {
      line.pop_back();  // no bar: "43% 812/1875 [...]"
    }
    line += room >= kNarrowestBar ? end : end.substr(1);
    line = first_columns(line, options_.width - 1);
    out_ << '\r' << line << "\x1b[K" << std::flush;  // and erase what was longer before
  } else {
    line += format_bar(fraction, 10) + end;
    out_ << line << std::endl;
    next_tenth_ =
        (done_ * 10 / std::max<std::int64_t>(options_.total, 1) + 1) * options_.total / 10;
  }
  last_draw_ = now;
}

std::string ProgressBar::tail(double elapsed) const {
  const std::int64_t here = done_ - options_.initial;
  const double rate = elapsed > 0 ? static_cast<double>(here) / elapsed : 0.0;
  const double left = rate > 0 ? static_cast<double>(options_.total - done_) / rate : HUGE_VAL;
  std::string text = format("| %lld/%lld [", static_cast<long long>(done_),
                            static_cast<long long>(options_.total));
  text += format_duration(elapsed) + "<" + format_duration(left) + ", ";
  text += rate > 0 ? fixed_point(rate, rate < 10 ? 2 : 1) + ' ' : "? ";
  text += options_.unit + "/s";
  if (!note_name_.empty() && here > 0) text += ", " + note_name_ + '=' + fixed_point(note_, 4);
  return text + "]";
}

}  // namespace wick::tools
