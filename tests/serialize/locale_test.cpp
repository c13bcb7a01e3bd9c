// SPDX-License-Identifier: MIT
// Files are the same bytes, and are read the same, whatever locale the program has set.
#include <functional>

#include <gtest/gtest.h>

#include "tests/foreign_locale.h"
#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/serialize/any_file.h"
#include "wick/serialize/checkpoint.h"
#include "wick/serialize/checkpoint_file.h"
#include "wick/serialize/npy.h"
#include "wick/serialize/safetensors.h"

namespace wick {
namespace {

// Sizes of more than three digits, and more than a thousand storages.
StateDict large_state() {
  StateDict state;
  state.set("weight", Tensor::arange(123'456, DType::float32).view({-1, 1}));
  for (int i = 0; i < 1100; ++i) state.set(std::to_string(i), Tensor::arange(2));
  return state;
}

Value large_value() {
  List list{{1234567, -0.5, 1e300, std::complex<double>(1000.5, -2000), Size{{100000, 2}},
             Device{DeviceType::cuda, 1000},
             BigInteger::from_string("123456789012345678901234567890"),
             Bytes{std::string(5000, 'x')}, "12.345,6"}};
  return Dict{{"state", large_state().to_value()}, {"list", std::move(list)}, {1000, 1000.25}};
}

// Writes the same file with and without the foreign locale, and compares.
void expect_same_file(const std::function<void(const std::filesystem::path&)>& write,
                      const std::function<bool(const std::filesystem::path&)>& is_right) {
  const testing::TempDir directory;
  const auto plain = directory / "plain" / "file";
  const auto foreign = directory / "foreign" / "file";  // .pt files hold their own name
  std::filesystem::create_directory(directory / "plain");
  std::filesystem::create_directory(directory / "foreign");
  write(plain);
  EXPECT_TRUE(is_right(plain));
  const testing::ForeignLocale locale;
  write(foreign);
  const auto read = [](const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  EXPECT_TRUE(read(plain) == read(foreign));
  EXPECT_TRUE(is_right(plain));
  EXPECT_TRUE(is_right(foreign));
}

TEST(Locale, OfTheProgramChangesNoCheckpoint) {
  const Value value = large_value();
  expect_same_file([&](const auto& path) { save(value, path); },
                   [&](const auto& path) { return load(path) == value; });
}

TEST(Locale, OfTheProgramChangesNoOpenCheckpoint) {
  const StateDict state = large_state();
  expect_same_file([&](const auto& path) { save(state, path); },
                   [&](const auto& path) {
                     StateDict target;
                     for (const auto& [name, tensor] : state) {
                       target.set(name, Tensor::zeros(tensor.shape(), tensor.dtype()));
                     }
                     CheckpointFile::open(path).load_into(target);
                     return target.to_value() == state.to_value();
                   });
}

TEST(Locale, OfTheProgramChangesNoSafetensors) {
  const StateDict state = large_state();
  expect_same_file(
      [&](const auto& path) {
        save_safetensors(state, path, {{"step", "1.5"}});
      },
      [&](const auto& path) {
        const StateDict back = load_safetensors(path);
        for (const auto& [name, tensor] : state) {
          if (!bitwise_equal(back.at(name), tensor)) return false;
        }
        return back.size() == state.size();
      });
}

TEST(Locale, OfTheProgramChangesNoNpyOrNpz) {
  const StateDict state = large_state();
  const Tensor weight = state.at("weight");
  expect_same_file([&](const auto& path) { save_npy(weight, path); },
                   [&](const auto& path) { return bitwise_equal(load_npy(path), weight); });
  expect_same_file([&](const auto& path) { save_npz(state, path); },
                   [&](const auto& path) { return load_npz(path).to_value() == state.to_value(); });
}

TEST(Locale, OfTheProgramChangesNoShardIndexAndNoLegacyFile) {
  const testing::TempDir directory;
  save_safetensors(large_state(), directory / "a.safetensors");
  testing::write_file(directory / "model.safetensors.index.json",
                      R"({"metadata": {"total_size": 1234567.5, "x": 1e3},)"
                      R"( "weight_map": {"weight": "a.safetensors", "1000": "a.safetensors"}})");
  const auto fixture = std::filesystem::path(WICK_FIXTURES) / "serialize" / "legacy_more_kinds.pt";
  const Value shards = load_any(directory / "model.safetensors.index.json");
  const testing::ForeignLocale locale;
  EXPECT_TRUE(load_any(directory / "model.safetensors.index.json") == shards);
  EXPECT_EQ(shards.as_dict().size(), 2U);
  EXPECT_NO_THROW(static_cast<void>(load(fixture, kCpu)));
}

TEST(Locale, OfTheProgramChangesNoMessage) {
  const testing::TempDir directory;
  testing::write_file(directory / "a.safetensors", std::string(8, '\xff') + std::string(3000, ' '));
  std::string plain;
  const auto message = [&] {
    try {
      static_cast<void>(load_safetensors(directory / "a.safetensors"));
    } catch (const FormatError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  plain = message();
  const testing::ForeignLocale locale;
  EXPECT_EQ(message(), plain);
  EXPECT_NE(plain, "");
}

}  // namespace
}  // namespace wick
