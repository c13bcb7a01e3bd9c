// SPDX-License-Identifier: MIT
#include "core/device.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support.h"

namespace wick {
namespace {

TEST(Device, ParsesPyTorchsNames) {
  EXPECT_EQ(Device::parse("cpu"), kCpu);
  EXPECT_EQ(Device::parse("cpu:0"), kCpu);
  EXPECT_EQ(Device::parse("meta"), kMeta);
  EXPECT_EQ(Device::parse("cuda"), (Device{DeviceType::cuda, 0}));
  EXPECT_EQ(Device::parse("cuda:0"), (Device{DeviceType::cuda, 0}));
  EXPECT_EQ(Device::parse("cuda:13"), (Device{DeviceType::cuda, 13}));
}

TEST(Device, PrintsWhatItParses) {
  for (const char* const text : {"cpu", "cuda:0", "cuda:7", "meta"}) {
    EXPECT_EQ(to_string(Device::parse(text)), text);
    EXPECT_EQ(concat(Device::parse(text)), text);
  }
}

TEST(Device, RefusesEverythingElse) {
  for (const char* const text :
       {"", "CPU", "cpu:1", "cpu:", "cuda:", "cuda:-1", "cuda:+1", "cuda:1x", "cuda: 1", "cuda0",
        "cuda:99999999999", "cudaa", "gpu", " cpu", "mps"}) {
    testing::expect_throw_with<DeviceError>([text] { static_cast<void>(Device::parse(text)); },
                                            concat('"', text, '"'));
  }
}

}  // namespace
}  // namespace wick
