// SPDX-License-Identifier: MIT
// How much memory a piece of work takes at its peak.
#pragma once

#include <cstdint>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

namespace wick::testing {

/// A line of /proc/self/status ("VmHWM", "VmRSS"), in bytes.
inline std::uint64_t memory_line(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name + ":")) return std::stoull(line.substr(name.size() + 1)) * 1024;
  }
  throw std::runtime_error("/proc/self/status has no " + name);
}

/// Runs `work` in a child process, so that memory which this one keeps for later does not hide
/// anything, and returns by how many bytes its resident memory rose at the peak. What `work` throws
/// ends it; the child's own expectations are not reported.
template <typename Work>
std::uint64_t peak_memory_of(Work&& work) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("pipe failed");
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    ::close(ends[0]);
    std::ofstream("/proc/self/clear_refs") << 5;  // the peak begins anew
    const std::uint64_t before = memory_line("VmRSS");
    try {
      work();
    } catch (...) {
    }
    const std::uint64_t peak = memory_line("VmHWM");
    const std::uint64_t risen = peak > before ? peak - before : 0;
    const bool written = ::write(ends[1], &risen, sizeof risen) == sizeof risen;
    ::_exit(written ? 0 : 1);
  }
  ::close(ends[1]);
  std::uint64_t risen = 0;
  const bool read = ::read(ends[0], &risen, sizeof risen) == sizeof risen;
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!read || status != 0) throw std::runtime_error("the child process failed");
  return risen;
}

}  // namespace wick::testing
