// SPDX-License-Identifier: MIT
// Of this process. What the system tells its parent has the parent's own memory in it.
#pragma once

#include <fstream>
#include <string>

/// The bytes that it had at most; 0 where the system does not say.
inline long peak_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    long kilobytes = 0;
    if (word == "VmHWM:" && status >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}
