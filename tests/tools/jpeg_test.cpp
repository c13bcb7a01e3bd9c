// SPDX-License-Identifier: MIT
// JPEG files, and folders of them; hostile ones.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "tests/memory_use.h"
#include "tests/support.h"
#include "tests/tools/process.h"
#include "tools/data/image_file.h"
#include "tools/data/jpeg_file.h"
#include "tools/data/open_dataset.h"
#include "tools/data/png_file.h"
#include "wick/core/error.h"

namespace wick::tools {
namespace {

namespace fs = std::filesystem;
using wick::testing::expect_throw_with;
using wick::testing::TempDir;
using Values = std::vector<std::uint8_t>;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

fs::path fixture(const std::string& name) {
  return fs::path(WICK_FIXTURES) / "tools/jpeg" / name;
}

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Jpeg : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!has_jpeg()) GTEST_SKIP() << "built without libjpeg";
  }
};

// The numbers are those of Pillow; tests/fixtures/tools/make_jpegs.py prints them.
TEST_F(Jpeg, IsDecodedAsPillowDoes) {
  const Tensor grey = read_image(fixture("grey.jpg"));
  EXPECT_EQ(grey.shape(), (Dims{1, 3, 5}));
  EXPECT_EQ(grey.to_vector<std::uint8_t>(),
            (Values{0, 17, 34, 51, 68, 85, 102, 119, 136, 153, 170, 187, 204, 221, 238}));
  for (const char* const name : {"colour.jpg", "progressive.jpg"}) {
    const Tensor colour = read_image(fixture(name));
    EXPECT_EQ(colour.shape(), (Dims{3, 2, 4})) << name;
    EXPECT_EQ(colour.to_vector<std::uint8_t>(),
              (Values{0,   30,  60, 90, 119, 149, 180, 210, 255, 225, 195, 165,
                      135, 105, 75, 45, 1,   7,   15,  21,  28,  34,  43,  49}))
        << name;
  }
}

TEST_F(Jpeg, KindsThatAreNotTakenAreNamed) {
  expect_throw_with<FormatError>([] { (void)read_image(fixture("cmyk.jpg")); },
                                 "cmyk.jpg: is a JPEG image in CMYK; convert it to RGB");
  const TempDir dir;
  wick::testing::write_file(dir / "a.jpg", "");
  expect_throw_with<FormatError>([&] { (void)read_image(dir / "a.jpg"); }, "the file is empty");
  wick::testing::write_file(dir / "a.jpg", "GIF89a");
  expect_throw_with<FormatError>([&] { (void)read_image(dir / "a.jpg"); },
                                 "not a PNG or JPEG image, by its first bytes");
  expect_throw_with<IoError>([&] { (void)read_image(dir / "none.jpg"); }, "No such file");
}

// The content counts, not the name.
TEST_F(Jpeg, NamesDoNotMatter) {
  const TempDir dir;
  fs::copy_file(fixture("grey.jpg"), dir / "a.png");
  EXPECT_EQ(read_image(dir / "a.png").shape(), (Dims{1, 3, 5}));
  EXPECT_TRUE(is_image_name("x.JPG") && is_image_name("x.jpeg") && is_image_name("x.Png"));
  EXPECT_FALSE(is_image_name("x.txt") || is_image_name("jpg") || is_image_name("x.jpg.bak"));
}

TEST_F(Jpeg, EveryTruncationIsReported) {
  const TempDir dir;
  const fs::path path = dir / "bad.jpg";
  for (const char* const name : {"grey.jpg", "progressive.jpg"}) {
    const std::string whole = content(fixture(name));
    for (std::size_t size = 3; size < whole.size(); ++size) {
      wick::testing::write_file(path, whole.substr(0, size));
      expect_throw_with<FormatError>([&] { (void)read_jpeg(path); },
                                     path.string() + ": not a readable JPEG image: ");
    }
  }
}

// No end of the process, whatever is in the file.
TEST_F(Jpeg, EveryChangedByteIsReportedOrHarmless) {
  const TempDir dir;
  const fs::path path = dir / "bad.jpg";
  std::size_t refused = 0;
  for (const char* const name : {"grey.jpg", "colour.jpg", "progressive.jpg", "cmyk.jpg"}) {
    const std::string whole = content(fixture(name));
    for (std::size_t i = 3; i < whole.size(); ++i) {
      for (const int flip : {0x01, 0x10, 0x80, 0xff}) {
        std::string damaged = whole;
        damaged[i] = static_cast<char>(damaged[i] ^ flip);
        wick::testing::write_file(path, damaged);
        try {
          (void)read_jpeg(path);
        } catch (const FormatError&) {
          ++refused;
        }
      }
    }
  }
  EXPECT_GT(refused, 1000U);
}

/// A progressive grey image, black, with as many scans as are asked for beyond the first: three for
/// each of its 63 other coefficients, none of which says anything.
std::string empty_scans(int width, int height, int scans) {
  const auto big_endian = [](int value) {
    return std::string{static_cast<char>(value >> 8), static_cast<char>(value)};
  };
  const auto table = [](char kind) {  // of Huffman codes: one bit for the only symbol, 0
    return std::string("\xff\xc4\x00\x14", 4) + kind + '\1' + std::string(16, '\0');
  };
  const int blocks = ((width + 7) / 8) * ((height + 7) / 8);
  std::string file = "\xff\xd8";
  file += std::string("\xff\xdb\x00\x43\x00", 5) + std::string(64, '\1');
  file += std::string("\xff\xc2\x00\x0b\x08", 5) + big_endian(height) + big_endian(width) +
          std::string("\x01\x01\x11\x00", 4);
  file += table('\x00') + table('\x10');
  const auto scan = [&](int from, int to, int bits) {
    file += std::string("\xff\xda\x00\x08\x01\x01\x00", 7) + static_cast<char>(from) +
            static_cast<char>(to) + static_cast<char>(bits);
    file += std::string(static_cast<std::size_t>(blocks / 8), '\0') +
            static_cast<char>(0xff >> (blocks % 8));
    if (file.back() == '\xff') file += '\0';  // as data
  };
  scan(0, 0, 0);
  constexpr int kPasses[] = {0x02, 0x21, 0x10};
  for (int i = 0; i < scans; ++i) scan(1 + i / 3, 1 + i / 3, kPasses[i % 3]);
  return file + "\xff\xd9";
}

TEST_F(Jpeg, ManyScansAreRefused) {
  const TempDir dir;
  wick::testing::write_file(dir / "a.jpg", empty_scans(10, 10, 99));
  EXPECT_EQ(read_jpeg(dir / "a.jpg").to_vector<std::uint8_t>(), Values(100, 128));
  wick::testing::write_file(dir / "a.jpg", empty_scans(10, 10, 100));
  expect_throw_with<FormatError>([&] { (void)read_jpeg(dir / "a.jpg"); },
                                 "it has more than 100 scans");
}

/// A file with another size in its header.
std::string with_size(std::string file, int width, int height) {
  std::size_t at = file.find("\xff\xc0");
  if (at == std::string::npos) at = file.find("\xff\xc2");
  for (const int value : {height, width}) {
    file[at + 5] = static_cast<char>(value >> 8);
    file[at + 6] = static_cast<char>(value);
    at += 2;
  }
  return file;
}

TEST_F(Jpeg, ALyingHeaderAllocatesNothing) {
  const TempDir dir;
  const fs::path path = dir / "lie.jpg";
  for (const char* const name : {"grey.jpg", "colour.jpg", "progressive.jpg"}) {
    wick::testing::write_file(path, with_size(content(fixture(name)), 65000, 65000));
    expect_throw_with<FormatError>([&] { (void)read_jpeg(path); },
                                   "the header says 65000 x 65000 pixels, too many for a file of ");
    EXPECT_LT(wick::testing::peak_memory_of([&] { (void)read_jpeg(path); }), 24 * kMiB) << name;
  }
  wick::testing::write_file(path, with_size(content(fixture("grey.jpg")), 0, 3));
  expect_throw_with<FormatError>([&] { (void)read_jpeg(path); }, "not a readable JPEG image");
  // As many as are possible: 64 million pixels, which are not there.
  wick::testing::write_file(path, with_size(content(fixture("progressive.jpg")), 4096, 4096));
  expect_throw_with<FormatError>([&] { (void)read_jpeg(path); }, "not a readable JPEG image");
  EXPECT_LT(wick::testing::peak_memory_of([&] { (void)read_jpeg(path); }), 400 * kMiB);
}

TEST_F(Jpeg, ItsShapeIsKnownBeforeItIsDecoded) {
  const TempDir dir;
  wick::testing::write_file(dir / "a.jpg", empty_scans(8000, 8000, 0));
  Dims seen;
  const auto refuse = [&seen](const Dims& shape) {
    seen = shape;
    throw ShapeError("is too large");
  };
  expect_throw_with<ShapeError>([&] { (void)read_jpeg(dir / "a.jpg", refuse); },
                                (dir / "a.jpg").string() + ": is too large");
  EXPECT_EQ(seen, (Dims{1, 8000, 8000}));
  EXPECT_LT(wick::testing::peak_memory_of([&] { (void)read_jpeg(dir / "a.jpg", refuse); }),
            24 * kMiB);
  EXPECT_EQ(read_jpeg(dir / "a.jpg").shape(), seen);
}

/// Two classes, with PNG and JPEG images of one size.
class JpegFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const std::string part : {"train", "test"}) {
      for (const std::string name : {"a", "b"}) fs::create_directories(dir_ / part / name);
      write_png(Tensor::full({1, 3, 5}, 9, DType::uint8), dir_ / part / "a/1.png");
      fs::copy_file(fixture("grey.jpg"), dir_ / part / "b/1.JPEG");
    }
    fs::copy_file(fixture("grey.jpg"), dir_ / "train/a/0.jpg");
  }
  TempDir dir_;
};

TEST_F(JpegFolder, IsReadWithPngsInSortedOrder) {
  if (!has_jpeg()) GTEST_SKIP() << "built without libjpeg";
  const DataSplit split = open_dataset(dir_.path().string());
  EXPECT_EQ(split.train.labels.to_vector<std::int64_t>(), (std::vector<std::int64_t>{0, 0, 1}));
  EXPECT_EQ(split.train.images.shape(), (Dims{3, 1, 3, 5}));
  EXPECT_EQ(split.train.images.at<std::uint8_t>({0, 0, 2, 4}), 238);
  EXPECT_EQ(split.train.images.at<std::uint8_t>({1, 0, 2, 4}), 9);
}

TEST_F(JpegFolder, TrainsAndPredicts) {
  if (!has_jpeg()) GTEST_SKIP() << "built without libjpeg";
  const std::string data = dir_.path().string();
  const auto trained = wick::testing::run(
      "train", {"--data", data, "--epochs", "1", "--checkpoint-dir", (dir_ / "run").string()},
      dir_.path());
  ASSERT_EQ(trained.status, 0) << trained.err;
  const auto told = wick::testing::run(
      "predict", {(dir_ / "run/last.tar").string(), fixture("grey.jpg").string()}, dir_.path());
  EXPECT_EQ(told.status, 0) << told.err;
  EXPECT_THAT(told.out, ::testing::HasSubstr("grey.jpg: "));
}

// Where libjpeg is not built in, nothing is left out without a word.
TEST_F(JpegFolder, WithoutLibjpegTheImageIsNamedWithTheRemedy) {
  if (has_jpeg()) GTEST_SKIP() << "built with libjpeg";
  expect_throw_with<FormatError>(
      [&] { (void)open_dataset(dir_.path().string()); },
      (dir_ / "train/a/0.jpg").string() +
          ": is a JPEG image, and this program was built without libjpeg; install libjpeg-dev");
  EXPECT_EQ(image_kinds(), "PNG");
}

}  // namespace
}  // namespace wick::tools
