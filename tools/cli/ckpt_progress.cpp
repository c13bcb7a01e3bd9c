// SPDX-License-Identifier: MIT
#include "tools/cli/ckpt_progress.h"

#include <algorithm>
#include <iostream>
#include <utility>

#include <unistd.h>

namespace wick::tools {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kWorthShowing = 32 * kMiB;

}  // namespace

ByteProgress::ByteProgress(std::string label, std::uint64_t total) : total_(total) {
  if (total < kWorthShowing || ::isatty(STDERR_FILENO) != 1) return;
  ProgressBarOptions options;
  options.label = std::move(label);
  options.unit = "MiB";
  options.total = static_cast<std::int64_t>(total / kMiB);
  ask_terminal(options, STDERR_FILENO);
  bar_.emplace(std::cerr, std::move(options));
}

ByteProgress::~ByteProgress() {
  if (bar_) bar_->finish();
}

void ByteProgress::advance(std::uint64_t bytes) {
  if (!bar_) return;
  done_ = std::min(done_ + bytes, total_);
  const auto now = static_cast<std::int64_t>(done_ / kMiB);
  if (now > drawn_) bar_->advance(0, now - drawn_);
  drawn_ = now;
}

}  // namespace wick::tools
