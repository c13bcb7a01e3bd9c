// SPDX-License-Identifier: MIT
#include "wick/serialize/map_location.h"

#include <utility>

#include "wick/core/backend.h"
#include "wick/core/error.h"

namespace wick {

MapLocation::MapLocation(Device device)
    : function_([device](std::string_view /*location*/) { return device; }) {}

MapLocation::MapLocation(std::optional<Device> device) {
  if (device) *this = MapLocation(*device);
}

MapLocation::MapLocation(Map devices)
    : function_([devices = std::move(devices)](std::string_view location) -> std::optional<Device> {
        const auto known = devices.find(location);
        if (known == devices.end()) return std::nullopt;
        return known->second;
      }) {}

Backend& MapLocation::backend(std::string_view location) const {
  if (function_) {
    if (const std::optional<Device> device = function_(location)) {
      try {
        return backend_for(*device);
      } catch (const DeviceError& error) {
        throw DeviceError(concat("load: map_location puts a tensor of device \"",
                                 location.substr(0, 40), "\" on ", *device,
                                 ", which is not available here (", error.what(), ")"));
      }
    }
  }
  try {
    return backend_for(DeviceName::parse(location).device());
  } catch (const DeviceError& error) {
    throw DeviceError(concat("load: a tensor was saved from device \"", location.substr(0, 40),
                             "\", which is not available here (", error.what(), ")"),
                      Remedy::map_location, "pass map_location, as in load(path, kCpu)");
  }
}

}  // namespace wick
