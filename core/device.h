// SPDX-License-Identifier: MIT
// Names a place where tensors live: "cpu", "cuda:0".
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

namespace wick {

enum class DeviceType : std::uint8_t { cpu, cuda };

/// A plain identifier; it says nothing about whether the device exists (see backend_for).
struct Device {
  DeviceType type = DeviceType::cpu;
  int index = 0;  // always 0 for the CPU

  /// Parses "cpu", "cuda" (device 0) or "cuda:N". Throws DeviceError for anything else.
  [[nodiscard]] static Device parse(std::string_view text);
  friend bool operator==(const Device&, const Device&) = default;
};

inline constexpr Device kCpu{};

/// "cpu" or "cuda:N".
[[nodiscard]] std::string to_string(Device device);
std::ostream& operator<<(std::ostream& out, Device device);

}  // namespace wick
