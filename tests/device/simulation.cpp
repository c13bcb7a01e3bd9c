// SPDX-License-Identifier: MIT
// Two simulated devices, before the first test asks for one.
#include "tests/simt/simt.h"

namespace {

const bool kTwoDevices = [] {
  wick::simt::set_device_count(2);
  return true;
}();

}  // namespace
