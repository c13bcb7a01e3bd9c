// SPDX-License-Identifier: MIT
// Names a place where tensors live: "cpu", "cuda:0", or nowhere: "meta". And torch.device as a
// value, which names places of other machines too.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include "wick/core/compiler.h"

namespace wick {

enum class DeviceType : std::uint8_t {
  cpu,
  cuda,
  meta,  // PyTorch's: tensors with a dtype, shape and strides, but no elements
};

/// A plain identifier; it says nothing about whether the device exists (see backend_for).
struct WICK_API Device {
  DeviceType type = DeviceType::cpu;
  int index = 0;  // always 0 for cpu and meta

  /// Parses "cpu", "cuda" (device 0), "cuda:N" or "meta". Throws DeviceError for anything else.
  [[nodiscard]] static Device parse(std::string_view text);
  friend bool operator==(const Device&, const Device&) = default;
};

WICK_HIDDEN inline constexpr Device kCpu{};
WICK_HIDDEN inline constexpr Device kMeta{DeviceType::meta, 0};

/// "cpu", "cuda:N" or "meta".
[[nodiscard]] WICK_API std::string to_string(Device device);
WICK_API std::ostream& operator<<(std::ostream& out, Device device);

/// torch.device as a value, such as a checkpoint keeps: the word for a kind of device and perhaps
/// an index, whatever exists here. As in Python, "cuda" and "cuda:0" are different values.
class WICK_API DeviceName {
 public:
  /// "cpu" and "meta" without an index, "cuda" with it.
  DeviceName(Device device);
  /// Throws DeviceError where `type` is no word (letters, digits, underscores; 64 at most) or the
  /// index is negative. Knows no list of types: backends outside PyTorch add their own.
  explicit DeviceName(std::string type, std::optional<int> index = std::nullopt);
  /// "xpu" or "xpu:1". Throws DeviceError for anything else.
  [[nodiscard]] static DeviceName parse(std::string_view text);

  [[nodiscard]] const std::string& type() const noexcept { return type_; }
  [[nodiscard]] std::optional<int> index() const noexcept { return index_; }
  /// The place that has this name: a "cuda" without an index is the first one. Throws DeviceError
  /// where wick drives no devices of this type; the place itself need not exist.
  [[nodiscard]] Device device() const;
  friend bool operator==(const DeviceName&, const DeviceName&) = default;

 private:
  std::string type_;
  std::optional<int> index_;
};

/// "xpu" or "xpu:1": str(torch.device(...)).
[[nodiscard]] WICK_API std::string to_string(const DeviceName& name);
WICK_API std::ostream& operator<<(std::ostream& out, const DeviceName& name);

}  // namespace wick
