// SPDX-License-Identifier: MIT
#include "wick/serialize/map_location.h"

#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/serialize/checkpoint.h"

namespace wick {
namespace {

// A device that no machine has.
constexpr const char* kAbsent = "cuda:97";

TEST(MapLocation, WithoutOneTensorsStayWhereTheyWere) {
  EXPECT_EQ(MapLocation().backend("cpu").device(), kCpu);
  EXPECT_EQ(MapLocation(std::nullopt).backend("cpu").device(), kCpu);
  for (const char* const location : {kAbsent, "mps", "xla:0"}) {
    for (const char* const part : {location, "pass map_location, as in load(path, kCpu)"}) {
      testing::expect_throw_with<DeviceError>(
          [&] { static_cast<void>(MapLocation().backend(location)); }, part);
    }
  }
}

// Whatever PyTorch's own devices are called, and those of backends from outside it.
TEST(MapLocation, StoragesOfForeignDevicesGoWhereItSays) {
  for (const std::string location :
       {"mps", "mps:0", "xpu:1", "hpu:0", "xla:0", "npu:2", "privateuseone:0", "cpu:0", "cuda"}) {
    SCOPED_TRACE(location);
    EXPECT_EQ(MapLocation(kCpu).backend(location).device(), kCpu);
    EXPECT_EQ(MapLocation(MapLocation::Map{{location, kCpu}}).backend(location).device(), kCpu);
    std::string seen;
    const MapLocation function = [&seen](std::string_view where) -> std::optional<Device> {
      seen = where;
      return kCpu;
    };
    EXPECT_EQ(function.backend(location).device(), kCpu);
    EXPECT_EQ(seen, location);
  }
  testing::expect_throw_with<DeviceError>([] { static_cast<void>(MapLocation().backend("npu:2")); },
                                          "wick drives no devices of type \"npu\"");
}

TEST(MapLocation, ADeviceIsForAll) {
  for (const MapLocation& where :
       {MapLocation(kCpu), MapLocation("cpu"), MapLocation(std::string("cpu")),
        MapLocation(std::optional<Device>(kCpu))}) {
    for (const char* const location : {"cpu", kAbsent, "mps"}) {
      EXPECT_EQ(where.backend(location).device(), kCpu);
    }
  }
  EXPECT_THROW(MapLocation("gpu"), DeviceError);
  testing::expect_throw_with<DeviceError>(
      [] { static_cast<void>(MapLocation(kAbsent).backend("cpu")); },
      "map_location puts a tensor of device \"cpu\" on cuda:97, which is not available here");
}

TEST(MapLocation, AMapIsForTheDevicesInIt) {
  const MapLocation where = MapLocation::Map{{kAbsent, kCpu}};
  EXPECT_EQ(where.backend(kAbsent).device(), kCpu);
  EXPECT_EQ(where.backend("cpu").device(), kCpu);
  testing::expect_throw_with<DeviceError>([&] { static_cast<void>(where.backend("cuda:98")); },
                                          "cuda:98");
}

TEST(MapLocation, AFunctionDecidesForEach) {
  std::string seen;
  const MapLocation where = [&seen](std::string_view location) -> std::optional<Device> {
    seen = location;
    if (location == "mps") return kCpu;
    return std::nullopt;
  };
  EXPECT_EQ(where.backend("mps").device(), kCpu);
  EXPECT_EQ(seen, "mps");
  EXPECT_EQ(where.backend("cpu").device(), kCpu);
  EXPECT_THROW(static_cast<void>(where.backend(kAbsent)), DeviceError);
}

TEST(MapLocation, LoadTakesEveryForm) {
  const testing::TempDir directory;
  const auto path = directory / "x.pt";
  save(Tensor::ones({2}), path);
  const auto load_anywhere = [](std::string_view) { return std::optional<Device>(kCpu); };
  for (const Value& value :
       {load(path), load(path, kCpu), load(path, "cpu"), load(path, std::nullopt),
        load(path, MapLocation::Map{{"cpu", kCpu}}), load(path, load_anywhere)}) {
    EXPECT_EQ(value.as_tensor().to_vector<float>(), (std::vector<float>{1, 1}));
  }
}

}  // namespace
}  // namespace wick
