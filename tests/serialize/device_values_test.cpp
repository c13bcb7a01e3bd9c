// SPDX-License-Identifier: MIT
// torch.device as a value: a name and perhaps an index, whatever exists here.
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "serialize/pickle_reader.h"
#include "serialize/pickle_writer.h"
#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/serialize/checkpoint.h"

namespace wick {
namespace {

using namespace std::string_view_literals;

// PyTorch 2.15:
//   d = torch.device; same = d('xpu', 1)
//   torch.save([d('cuda'), d('cuda', 0), d('cpu'), d('cpu', 0), d('mps'), d('meta', 1),
//               d('privateuseone', 3), same, same, (d('hpu'),)], 'dev.pt')    # data.pkl of it
constexpr std::string_view kPyTorchs =
    "\x80\x02]q\x00(ctorch\ndevice\nq\x01X\x04\x00\x00\x00"
    "cudaq\x02\x85q\x03Rq\x04h\x01X\x04\x00\x00\x00"
    "cudaq\x05K\x00\x86q\x06Rq\x07h\x01X\x03\x00\x00\x00"
    "cpuq\x08\x85q\tRq\nh\x01X\x03\x00\x00\x00"
    "cpuq\x0bK\x00\x86q\x0cRq\rh\x01X\x03\x00\x00\x00mpsq\x0e\x85q\x0fRq\x10h\x01X\x04\x00\x00\x00"
    "metaq\x11K\x01\x86q\x12Rq\x13h\x01X\r\x00\x00\x00privateuseoneq\x14K\x03\x86q\x15Rq\x16h\x01X"
    "\x03\x00\x00\x00xpuq\x17K\x01\x86q\x18Rq\x19h\x19h\x01X\x03\x00\x00\x00hpuq\x1a\x85q\x1bRq\x1c"
    "\x85q\x1d"
    "e."sv;

std::shared_ptr<Storage> no_storages(const StorageId& /*id*/, DType /*dtype*/) {
  throw ValueError("there are none");
}

Value read(std::string_view pickle) {
  return unpickle_value(pickle, "p", no_storages, pickle.size());
}

TEST(DeviceValues, AreReadAndWrittenAsPyTorchWritesThem) {
  const Value value = read(kPyTorchs);
  const std::vector<DeviceName> names = {DeviceName("cuda"),
                                         DeviceName("cuda", 0),
                                         DeviceName("cpu"),
                                         DeviceName("cpu", 0),
                                         DeviceName("mps"),
                                         DeviceName("meta", 1),
                                         DeviceName("privateuseone", 3),
                                         DeviceName("xpu", 1),
                                         DeviceName("xpu", 1)};
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(value.at_index(i).as_device(), names[i]) << i;
  }
  EXPECT_EQ(value.at_index(9).at_index(0).as_device(), DeviceName("hpu"));
  EXPECT_TRUE(pickle_value(value).bytes == kPyTorchs) << "the same bytes, the shared object once";
}

TEST(DeviceValues, MayBeKeysAndBackendsFromOutsidePyTorch) {
  const Value value = Dict{{DeviceName("npu", 1), DeviceName("npu")}, {DeviceName("cuda"), 1}};
  const Value back = read(pickle_value(value).bytes);
  EXPECT_TRUE(back == value);
  EXPECT_EQ(back.at(DeviceName("npu", 1)).as_device(), DeviceName("npu"));
  // One argument with the index in it, as hand-made files have it.
  EXPECT_EQ(read("\x80\x02"
                 "ctorch\ndevice\nX\x06\0\0\0cuda:3\x85R."sv)
                .as_device(),
            DeviceName("cuda", 3));
}

TEST(DeviceValues, WhatIsNoneIsRefused) {
  const auto refuse = [](std::string_view pickle, const char* text) {
    testing::expect_throw_with<FormatError>([&] { static_cast<void>(read(pickle)); }, text);
  };
  refuse(
      "\x80\x02"
      "ctorch\ndevice\nX\x04\0\0\0cudaK\x01\x85\x86R."sv,
      "expected a int");
  refuse(
      "\x80\x02"
      "ctorch\ndevice\nX\x04\0\0\0cudaJ\xff\xff\xff\xff\x86R."sv,
      "negative index");
  refuse(
      "\x80\x02"
      "ctorch\ndevice\nX\x04\0\0\0cuda\x8a\x05\xff\xff\xff\xff\x7f\x86R."sv,
      "index");
  refuse(
      "\x80\x02"
      "ctorch\ndevice\nX\x06\0\0\0cuda:0K\x01\x86R."sv,
      "no type of device");
  refuse(
      "\x80\x02"
      "ctorch\ndevice\nX\x03\0\0\0a\nb\x85R."sv,
      "no type of device");
  refuse(
      "\x80\x02"
      "ctorch\ndevice\nX\0\0\0\0\x85R."sv,
      "no type of device");
}

}  // namespace
}  // namespace wick
