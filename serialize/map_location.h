// SPDX-License-Identifier: MIT
// torch.load's map_location: where the tensors of a file go.
#pragma once

#include <concepts>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "wick/core/compiler.h"
#include "wick/core/device.h"

namespace wick {

class Backend;

/// Made, mostly implicitly, from what torch.load takes:
/// - nothing: each tensor goes to the device it was saved from;
/// - a Device, or its name: all go there;
/// - a map from the names of devices in the file ("cuda:1") to devices: those that are not in it
///   stay where they were;
/// - a function that gets the name of a storage's device and returns another device, or nothing for
///   the same one.
class WICK_API MapLocation {
 public:
  using Map = std::map<std::string, Device, std::less<>>;
  using Function = std::function<std::optional<Device>(std::string_view location)>;

  MapLocation() = default;
  MapLocation(std::nullopt_t) {}
  MapLocation(Device device);
  MapLocation(std::optional<Device> device);
  /// Throws DeviceError where no device has that name.
  MapLocation(std::string_view device) : MapLocation(Device::parse(device)) {}
  MapLocation(const std::string& device) : MapLocation(Device::parse(device)) {}
  MapLocation(const char* device) : MapLocation(Device::parse(device)) {}
  MapLocation(Map devices);
  template <std::invocable<std::string_view> F>
  MapLocation(F function) : function_(std::move(function)) {}

  /// The backend on which a storage goes that was saved from `location`. Throws DeviceError, which
  /// names both devices and the remedy, where there is none.
  [[nodiscard]] Backend& backend(std::string_view location) const;

 private:
  Function function_;
};

}  // namespace wick
