// SPDX-License-Identifier: MIT
#include "wick/core/device.h"

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/error.h"

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

// All of what torch.device takes in PyTorch 2.15, and a backend from outside it.
TEST(DeviceName, CarriesEveryTypeAndIndex) {
  for (const char* const type :
       {"cpu",    "cuda", "ipu",  "xpu",  "mkldnn", "opengl",        "opencl",
        "ideep",  "hip",  "ve",   "fpga", "maia",   "xla",           "lazy",
        "vulkan", "mps",  "meta", "hpu",  "mtia",   "privateuseone", "npu"}) {
    EXPECT_EQ(to_string(DeviceName::parse(type)), type);
    EXPECT_EQ(DeviceName::parse(type), DeviceName(type));
    const std::string indexed = concat(type, ":3");
    EXPECT_EQ(concat(DeviceName::parse(indexed)), indexed);
    EXPECT_EQ(DeviceName::parse(indexed), DeviceName(type, 3));
  }
  EXPECT_FALSE(DeviceName("cuda") == DeviceName("cuda", 0));
  EXPECT_FALSE(DeviceName("cpu") == DeviceName("cpu", 0));
}

TEST(DeviceName, OfAPlaceAndBack) {
  EXPECT_EQ(DeviceName(kCpu), DeviceName("cpu"));
  EXPECT_EQ(DeviceName(kMeta), DeviceName("meta"));
  EXPECT_EQ(DeviceName(Device{DeviceType::cuda, 0}), DeviceName("cuda", 0));
  EXPECT_EQ(DeviceName("cuda").device(), (Device{DeviceType::cuda, 0}));
  EXPECT_EQ(DeviceName("cuda", 4).device(), (Device{DeviceType::cuda, 4}));
  EXPECT_EQ(DeviceName("cpu", 4).device(), kCpu);
  EXPECT_EQ(DeviceName("meta", 0).device(), kMeta);
  testing::expect_throw_with<DeviceError>([] { static_cast<void>(DeviceName("mps").device()); },
                                          "no devices of type \"mps\"");
}

TEST(DeviceName, RefusesWhatIsNone) {
  for (const char* const text : {"", ":0", "cuda:", "cuda:-1", "cuda:x", "cuda:1:2", "cuda: 1",
                                 "a b", "cuda:99999999999", "caf\xc3\xa9", "a\nb"}) {
    EXPECT_THROW(static_cast<void>(DeviceName::parse(text)), DeviceError) << text;
  }
  EXPECT_THROW(static_cast<void>(DeviceName(std::string(65, 'x'))), DeviceError);
  EXPECT_THROW(static_cast<void>(DeviceName::parse(std::string(1000, 'x'))), DeviceError);
  EXPECT_THROW(static_cast<void>(DeviceName("cuda", -1)), DeviceError);
  EXPECT_THROW(static_cast<void>(DeviceName("cuda:0", 1)), DeviceError);
}

}  // namespace
}  // namespace wick
