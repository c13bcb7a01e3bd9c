// SPDX-License-Identifier: MIT
// How much the process has read, by read() and its like.
#pragma once

#include <cstdint>
#include <fstream>
#include <functional>
#include <string>

namespace wick::testing {

/// Bytes that the work reads, with a few hundred of the counting itself; 0 where the system does
/// not tell.
inline std::uint64_t bytes_read_by(const std::function<void()>& work) {
  const auto total = [] {
    std::ifstream io("/proc/self/io");
    std::string label;
    std::uint64_t count = 0;
    return io >> label >> count && label == "rchar:" ? count : 0;
  };
  const std::uint64_t before = total();
  work();
  return total() - before;
}

}  // namespace wick::testing
