// SPDX-License-Identifier: MIT
#include "serialize/inflate.h"

#include <memory>
#include <random>
#include <span>
#include <string>

#include <gtest/gtest.h>
#include <libdeflate.h>

#include "serialize/zip_reader.h"
#include "tests/bytes_read.h"
#include "tests/serialize/archive_builder.h"
#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/serialize/npy.h"

namespace wick {
namespace {

std::string deflate(std::string_view content, int level) {
  const std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)> compressor(
      libdeflate_alloc_compressor(level), &libdeflate_free_compressor);
  std::string packed(libdeflate_deflate_compress_bound(compressor.get(), content.size()), '\0');
  packed.resize(libdeflate_deflate_compress(compressor.get(), content.data(), content.size(),
                                            packed.data(), packed.size()));
  return packed;
}

// Gives the data in pieces, and counts what was asked for.
struct Pieces {
  std::string_view data;
  std::size_t piece = 7;
  std::size_t given = 0;
  [[nodiscard]] PackedSource source() {
    return [this] {
      const std::string_view next = data.substr(given, piece);
      given += next.size();
      return std::span<const char>(next);
    };
  }
};

std::optional<std::string> inflate(std::string_view packed, std::size_t count) {
  Pieces pieces{packed};
  return inflate_beginning(pieces.source(), count);
}

TEST(Inflate, GivesWhatLibdeflatePacked) {
  std::mt19937 random(20);
  for (int round = 0; round < 400; ++round) {
    std::string content(random() % 3000 + (round % 10 == 0 ? 70'000 : 0), '\0');
    const unsigned kinds = 1U << random() % 9;
    for (char& c : content) c = static_cast<char>(random() % kinds);
    const std::size_t half = content.size() / 2;
    if (round % 3 == 0) content.replace(half, half, content.substr(0, half));
    const std::string packed = deflate(content, static_cast<int>(random() % 13));
    EXPECT_EQ(inflate(packed, content.size()), content) << round;
    const std::size_t part = random() % (content.size() + 1);
    EXPECT_EQ(inflate(packed, part), content.substr(0, part)) << round;
    EXPECT_EQ(inflate(packed, content.size() + 10), content) << round;
  }
}

TEST(Inflate, ReadsNoMoreThanItNeeds) {
  std::mt19937 random(1);
  std::string content(1 << 20, '\0');
  for (char& c : content) c = static_cast<char>(random());
  const std::string packed = deflate(content, 6);
  Pieces pieces{packed, 64};
  EXPECT_EQ(inflate_beginning(pieces.source(), 1000), content.substr(0, 1000));
  EXPECT_LT(pieces.given, 3000u);
}

TEST(Inflate, DamagedDataGiveNothingOrSomething) {
  std::mt19937 random(3);
  std::string content(3000, '\0');
  for (char& c : content) c = static_cast<char>(random() % 50);
  const std::string packed = deflate(content, 9);
  for (std::size_t size = 0; size < packed.size(); ++size) {
    const auto result = inflate(packed.substr(0, size), content.size());
    // What is cut off may be the end of the block alone.
    EXPECT_TRUE(!result || (*result == content && size + 3 > packed.size())) << size;
  }
  for (int round = 0; round < 20'000; ++round) {
    std::string damaged = packed;
    damaged[random() % damaged.size()] = static_cast<char>(random());
    const auto result = inflate(damaged, 4000);
    if (result) {
      EXPECT_LE(result->size(), 4000u);
    }
  }
}

TEST(Inflate, CompressedArraysAreListedByTheirHeaders) {
  const testing::TempDir directory;
  Tensor bytes = Tensor::empty({4 << 20}, DType::uint8);
  std::mt19937 random(5);
  for (std::int64_t i = 0; i < bytes.numel(); ++i) {
    bytes.data<std::uint8_t>()[i] = static_cast<std::uint8_t>(random() % 64);
  }
  std::string plain;
  write_npy(bytes, [&plain](std::string_view piece) { plain += piece; });
  testing::ArchiveBuilder archive;
  archive.add("a.npy", plain, true);
  archive.add("b.npy", plain, true);
  testing::write_file(directory / "x.npz", archive.finish());
  const InputFile file(directory / "x.npz");
  const ZipReader zip(file);
  const auto beginning = [&] {
    EXPECT_EQ(zip.read_beginning(zip.entries().at(0), 128), plain.substr(0, 128));
  };
  EXPECT_LT(testing::bytes_read_by(beginning), 10'000u);
  // The directory and its surroundings, and a little of each record.
  const auto open = [&] { static_cast<void>(NpzFile(directory / "x.npz")); };
  EXPECT_LT(testing::bytes_read_by(open), 100'000u);
  const NpzFile npz(directory / "x.npz");
  EXPECT_EQ(npz.entries().at(0).header.shape, (Dims{4 << 20}));
  EXPECT_TRUE(bitwise_equal(npz.read(npz.entries()[1]), bytes));
}

}  // namespace
}  // namespace wick
