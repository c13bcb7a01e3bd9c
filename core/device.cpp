// SPDX-License-Identifier: MIT
#include "core/device.h"

#include <charconv>
#include <ostream>

#include "core/error.h"

namespace wick {

Device Device::parse(std::string_view text) {
  if (text == "cpu" || text == "cpu:0") return kCpu;
  if (text == "meta") return kMeta;
  constexpr std::string_view kCuda = "cuda";
  if (text.starts_with(kCuda)) {
    const std::string_view rest = text.substr(kCuda.size());
    if (rest.empty()) return {DeviceType::cuda, 0};
    int index = -1;
    const char* const end = rest.data() + rest.size();
    if (rest.front() == ':') {
      const auto [stop, error] = std::from_chars(rest.data() + 1, end, index);
      if (error == std::errc{} && stop == end && index >= 0) return {DeviceType::cuda, index};
    }
  }
  throw DeviceError(
      concat("unknown device \"", text, "\"; use \"cpu\", \"cuda\", \"cuda:N\" or \"meta\""));
}

std::string to_string(Device device) {
  switch (device.type) {
    case DeviceType::cpu: return "cpu";
    case DeviceType::meta: return "meta";
    case DeviceType::cuda: break;
  }
  return "cuda:" + std::to_string(device.index);
}

std::ostream& operator<<(std::ostream& out, Device device) {
  return out << to_string(device);
}

}  // namespace wick
