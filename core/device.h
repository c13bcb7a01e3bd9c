// SPDX-License-Identifier: MIT
// Names a place where tensors live: "cpu", "cuda:0", or nowhere: "meta".
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

namespace wick {

enum class DeviceType : std::uint8_t {
  cpu,
  cuda,
  meta,  // PyTorch's: tensors with a dtype, shape and strides, but no elements
};

/// A plain identifier; it says nothing about whether the device exists (see backend_for).
struct Device {
  DeviceType type = DeviceType::cpu;
  int index = 0;  // always 0 for cpu and meta

  /// Parses "cpu", "cuda" (device 0), "cuda:N" or "meta". Throws DeviceError for anything else.
  [[nodiscard]] static Device parse(std::string_view text);
  friend bool operator==(const Device&, const Device&) = default;
};

inline constexpr Device kCpu{};
inline constexpr Device kMeta{DeviceType::meta, 0};

/// "cpu", "cuda:N" or "meta".
[[nodiscard]] std::string to_string(Device device);
std::ostream& operator<<(std::ostream& out, Device device);

}  // namespace wick
