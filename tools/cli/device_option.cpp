// SPDX-License-Identifier: MIT
#include "tools/cli/device_option.h"

#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/kernels/devices.h"

namespace wick::tools {

Device parse_device_option(const std::string& text) {
  try {
    const Device device = Device::parse(text);
    if (device.type == DeviceType::cpu || device.type == DeviceType::cuda) return device;
  } catch (const DeviceError&) {
    // What is wrong is said below, without the devices that no program computes on.
  }
  throw ValueError(concat("--device is ", text, "; it must be cpu, cuda or cuda:N"));
}

void require_device(Device device) {
  try {
    (void)backend_for(device);
  } catch (const DeviceError& error) {
    // The library's remedy is a C++ call's; the reason is the same here.
    const std::string message = error.what();
    const std::string prefix = concat("device ", device, ": ");
    const std::size_t begin = message.starts_with(prefix) ? prefix.size() : 0;
    const std::string reason = message.substr(begin, message.find("; use the device") - begin);
    throw DeviceError(concat("--device ", device, ": ", reason, "; --device cpu is always there"));
  }
}

}  // namespace wick::tools
