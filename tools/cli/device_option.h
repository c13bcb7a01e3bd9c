// SPDX-License-Identifier: MIT
// The option --device of the programs.
#pragma once

#include <string>

#include "wick/core/device.h"

namespace wick::tools {

/// "cpu", "cuda" or "cuda:N". Throws ValueError, in the option's words, for anything else.
[[nodiscard]] Device parse_device_option(const std::string& text);

/// Throws DeviceError, in the option's words, where this program cannot compute on the device.
void require_device(Device device);

}  // namespace wick::tools
