// SPDX-License-Identifier: MIT
// PNG files and folders of them.
#include <fstream>

#include <gmock/gmock.h>
#include <png.h>
#include <zlib.h>

#include "tests/memory_use.h"
#include "tests/support.h"
#include "tools/data/file.h"
#include "tools/data/image_folder.h"
#include "tools/data/open_dataset.h"
#include "tools/data/png_file.h"
#include "wick/core/error.h"

namespace wick::tools {
namespace {

namespace fs = std::filesystem;
using wick::testing::expect_throw_with;
using wick::testing::TempDir;

Tensor picture(std::int64_t channels, std::int64_t height, std::int64_t width) {
  return Tensor::arange(channels * height * width).to(DType::uint8).view({channels, height, width});
}

/// Writes rows of raw samples in any of PNG's own formats. The names are libpng's.
void write_raw(const fs::path& path, int width, int color, int depth,
               std::vector<std::vector<png_byte>> rows, const std::vector<png_color>& palette = {},
               int interlace = PNG_INTERLACE_NONE) {
  FILE* const file = std::fopen(path.c_str(), "wb");
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_init_io(png, file);
  png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(rows.size()),
               depth, color, interlace, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!palette.empty()) png_set_PLTE(png, info, palette.data(), static_cast<int>(palette.size()));
  png_write_info(png, info);
  std::vector<png_bytep> pointers;
  for (auto& row : rows) pointers.push_back(row.data());
  png_write_image(png, pointers.data());
  png_write_end(png, nullptr);
  png_destroy_write_struct(&png, &info);
  std::fclose(file);
}

std::vector<std::uint8_t> read_values(const fs::path& path, const Dims& shape) {
  const Tensor image = read_png(path);
  EXPECT_EQ(image.shape(), shape);
  return image.to_vector<std::uint8_t>();
}

using Values = std::vector<std::uint8_t>;

TEST(Png, ComesBackAsItWasWritten) {
  const TempDir dir;
  for (const std::int64_t channels : {1, 3}) {
    const Tensor image = picture(channels, 5, 7);
    write_png(image, dir / "a.png");
    EXPECT_TRUE(bitwise_equal(read_png(dir / "a.png"), image));
  }
}

TEST(Png, EveryKindBecomesGreyOrRgb) {
  const TempDir dir;
  const fs::path path = dir / "a.png";
  write_raw(path, 2, PNG_COLOR_TYPE_GRAY, 8, {{10, 200}});
  EXPECT_EQ(read_values(path, {1, 1, 2}), (Values{10, 200}));
  write_raw(path, 2, PNG_COLOR_TYPE_GRAY_ALPHA, 8, {{10, 0, 200, 255}});
  EXPECT_EQ(read_values(path, {1, 1, 2}), (Values{10, 200}));
  write_raw(path, 2, PNG_COLOR_TYPE_GRAY, 16, {{10, 99, 200, 1}});
  EXPECT_EQ(read_values(path, {1, 1, 2}), (Values{10, 200}));
  write_raw(path, 8, PNG_COLOR_TYPE_GRAY, 1, {{0b10100001}});
  EXPECT_EQ(read_values(path, {1, 1, 8}), (Values{255, 0, 255, 0, 0, 0, 0, 255}));
  write_raw(path, 2, PNG_COLOR_TYPE_GRAY, 4, {{0x1f}});
  EXPECT_EQ(read_values(path, {1, 1, 2}), (Values{17, 255}));
  write_raw(path, 2, PNG_COLOR_TYPE_RGB, 8, {{1, 2, 3, 4, 5, 6}});
  EXPECT_EQ(read_values(path, {3, 1, 2}), (Values{1, 4, 2, 5, 3, 6}));
  write_raw(path, 1, PNG_COLOR_TYPE_RGB, 16, {{1, 9, 2, 9, 3, 9}});
  EXPECT_EQ(read_values(path, {3, 1, 1}), (Values{1, 2, 3}));
  write_raw(path, 1, PNG_COLOR_TYPE_RGB_ALPHA, 8, {{1, 2, 3, 0}});
  EXPECT_EQ(read_values(path, {3, 1, 1}), (Values{1, 2, 3}));
  write_raw(path, 2, PNG_COLOR_TYPE_PALETTE, 8, {{1, 0}}, {{9, 8, 7}, {1, 2, 3}});
  EXPECT_EQ(read_values(path, {3, 1, 2}), (Values{1, 9, 2, 8, 3, 7}));
  write_raw(path, 2, PNG_COLOR_TYPE_GRAY, 8, {{1, 2}, {3, 4}, {5, 6}}, {}, PNG_INTERLACE_ADAM7);
  EXPECT_EQ(read_values(path, {1, 3, 2}), (Values{1, 2, 3, 4, 5, 6}));
}

TEST(Png, EveryTruncationAndFlippedByteIsReportedOrHarmless) {
  const TempDir dir;
  const Tensor image = picture(1, 6, 6);
  write_png(image, dir / "whole.png");
  const ByteBuffer whole = read_file(dir / "whole.png");
  const fs::path path = dir / "bad.png";
  for (std::size_t size = 0; size < whole.size; ++size) {
    write_file(path, whole.bytes().first(size));
    expect_throw_with<FormatError>([&] { (void)read_png(path); }, path.string() + ": not a ");
  }
  for (std::size_t i = 0; i < whole.size; ++i) {
    std::vector<std::uint8_t> damaged(whole.bytes().begin(), whole.bytes().end());
    damaged[i] ^= 0x04;
    write_file(path, damaged);
    expect_throw_with<FormatError>([&] { (void)read_png(path); }, path.string() + ": ");
  }
}

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

/// A chunk of a PNG with its length and checksum.
std::string chunk(const std::string& type, const std::string& data) {
  const auto big_endian = [](std::uint32_t value) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
    return bytes;
  };
  const std::string body = type + data;
  const auto sum =
      ::crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return big_endian(static_cast<std::uint32_t>(data.size())) + body +
         big_endian(static_cast<std::uint32_t>(sum));
}

/// `size` zeros as zlib packs them, 1032 to one.
std::string packed_zeros(std::uint64_t size) {
  z_stream stream{};
  deflateInit(&stream, 9);
  std::vector<Bytef> zeros(1 << 20);
  std::vector<Bytef> out(1 << 16);
  std::string packed;
  for (std::uint64_t left = size;;) {
    const auto part = static_cast<uInt>(std::min<std::uint64_t>(left, zeros.size()));
    left -= part;
    stream.next_in = zeros.data();
    stream.avail_in = part;
    int result = Z_OK;
    do {
      stream.next_out = out.data();
      stream.avail_out = static_cast<uInt>(out.size());
      result = deflate(&stream, left == 0 ? Z_FINISH : Z_NO_FLUSH);
      packed.append(reinterpret_cast<char*>(out.data()), out.size() - stream.avail_out);
    } while (stream.avail_out == 0);
    if (left == 0 && result == Z_STREAM_END) break;
  }
  deflateEnd(&stream);
  return packed;
}

/// A black picture of any size; `pixels` is what the file holds of it, `extra` comes before.
void write_black(const fs::path& path, std::uint32_t width, std::uint32_t height, int depth,
                 int color, const std::string& pixels, const std::string& extra = {}) {
  std::string header;
  for (const std::uint32_t size : {width, height}) {
    for (int shift = 24; shift >= 0; shift -= 8) header += static_cast<char>(size >> shift);
  }
  header += {static_cast<char>(depth), static_cast<char>(color), 0, 0, 0};
  std::string file = "\x89PNG\r\n\x1a\n" + chunk("IHDR", header) + extra;
  if (color == PNG_COLOR_TYPE_PALETTE) file += chunk("PLTE", std::string(6, '\0'));
  wick::testing::write_file(path, file + chunk("IDAT", pixels) + chunk("IEND", ""));
}

TEST(Png, ALyingHeaderAllocatesNothing) {
  const TempDir dir;
  const std::string some(1 << 20, 'x');  // a megabyte that is no picture
  struct Lie {
    std::uint32_t width;
    std::uint32_t height;
    int depth;
    int color;
  };
  for (const Lie& lie : {Lie{65535, 65535, 8, PNG_COLOR_TYPE_RGB},
                         {1000000, 1000000, 1, PNG_COLOR_TYPE_PALETTE},
                         {91000, 91000, 1, PNG_COLOR_TYPE_PALETTE},
                         {1000000, 1000000, 1, PNG_COLOR_TYPE_GRAY},
                         {1, 1000000000, 8, PNG_COLOR_TYPE_GRAY},
                         {33000, 33000, 8, PNG_COLOR_TYPE_RGB}}) {
    write_black(dir / "lie.png", lie.width, lie.height, lie.depth, lie.color, some);
    expect_throw_with<FormatError>([&] { (void)read_png(dir / "lie.png"); },
                                   (dir / "lie.png").string() + ": ");
    EXPECT_LT(wick::testing::peak_memory_of([&] { (void)read_png(dir / "lie.png"); }), 24 * kMiB)
        << lie.width << " x " << lie.height;
  }
  write_black(dir / "lie.png", 65535, 65535, 8, PNG_COLOR_TYPE_RGB, some);
  expect_throw_with<FormatError>([&] { (void)read_png(dir / "lie.png"); },
                                 "the header says 65535 x 65535 pixels, which cannot be in a file"
                                 " of 1048");
}

TEST(Png, ThePictureMayBeAsLargeAsItsBytesAllow) {
  const TempDir dir;
  write_black(dir / "a.png", 4000, 4000, 8, PNG_COLOR_TYPE_GRAY, packed_zeros(4000 * 4001));
  EXPECT_EQ(read_png(dir / "a.png").shape(), (Dims{1, 4000, 4000}));
  write_black(dir / "a.png", 4000, 4000, 1, PNG_COLOR_TYPE_PALETTE, packed_zeros(4000 * 501));
  EXPECT_EQ(read_png(dir / "a.png").shape(), (Dims{3, 4000, 4000}));
  // Bits that become bytes: 24 GB for a megabyte.
  const std::uint64_t side = 20000;
  write_black(dir / "a.png", side, side, 1, PNG_COLOR_TYPE_PALETTE,
              packed_zeros(side * (side / 8 + 1)));
  expect_throw_with<FormatError>([&] { (void)read_png(dir / "a.png"); },
                                 "20000 x 20000 pixels, too many for a file of ");
  EXPECT_LT(wick::testing::peak_memory_of([&] { (void)read_png(dir / "a.png"); }), 24 * kMiB);
}

TEST(Png, ItsShapeIsKnownBeforeItIsDecoded) {
  const TempDir dir;
  // 64 kB that hold 64 MB.
  write_black(dir / "bomb.png", 8000, 8000, 8, PNG_COLOR_TYPE_GRAY, packed_zeros(8000 * 8001ULL));
  EXPECT_LT(fs::file_size(dir / "bomb.png"), 70000U);
  Dims seen;
  const auto refuse = [&seen](const Dims& shape) {
    seen = shape;
    throw ShapeError("is too large");
  };
  expect_throw_with<ShapeError>([&] { (void)read_png(dir / "bomb.png", refuse); },
                                (dir / "bomb.png").string() + ": is too large");
  EXPECT_EQ(seen, (Dims{1, 8000, 8000}));
  EXPECT_LT(wick::testing::peak_memory_of([&] { (void)read_png(dir / "bomb.png", refuse); }),
            24 * kMiB);
}

TEST(Png, TextsAndProfilesAreNotInflated) {
  const TempDir dir;
  const std::string text = packed_zeros(7000000);
  std::string extra;
  for (int i = 0; i < 60; ++i) {
    extra += chunk("zTXt", std::string("key\0\0", 5) + text);
    extra += chunk("iTXt", std::string("key\0\1\0\0\0", 8) + text);
  }
  write_black(dir / "a.png", 2, 2, 8, PNG_COLOR_TYPE_GRAY, packed_zeros(6), extra);
  EXPECT_EQ(read_png(dir / "a.png").shape(), (Dims{1, 2, 2}));
  EXPECT_LT(wick::testing::peak_memory_of([&] { (void)read_png(dir / "a.png"); }), 24 * kMiB);
}

TEST(Png, WhatIsNoPngIsReported) {
  const TempDir dir;
  std::ofstream(dir / "a.png") << "this is a text, not an image";
  expect_throw_with<FormatError>([&] { (void)read_png(dir / "a.png"); }, "not a PNG image");
  expect_throw_with<IoError>([&] { (void)read_png(dir / "b.png"); }, "No such file");
  expect_throw_with<ShapeError>([&] { write_png(picture(2, 3, 3), dir / "c.png"); }, "(1 or 3");
}

/// Two classes with two and one images for training and one each for the test.
class PngFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const std::string part : {"train", "test"}) {
      for (const std::string name : {"cat", "bird"}) fs::create_directories(dir_ / part / name);
    }
    put("train/cat/2.png", 2);
    put("train/cat/10.PNG", 10);
    put("train/bird/x.png", 3);
    put("test/cat/a.png", 4);
    put("test/bird/a.png", 5);
    std::ofstream(dir_ / "train/bird/notes.txt") << "left out";
  }
  void put(const std::string& name, double value, const Dims& shape = {1, 3, 4}) const {
    write_png(Tensor::full(shape, value, DType::uint8), dir_ / name);
  }
  template <typename Error>
  void expect_refused(const std::string& text) const {
    expect_throw_with<Error>([&] { (void)open_dataset(dir_.path().string()); }, text);
  }
  TempDir dir_;
};

TEST_F(PngFolder, IsReadInSortedOrder) {
  const DataSplit split = open_dataset(dir_.path().string());
  EXPECT_EQ(split.train.class_names, (std::vector<std::string>{"bird", "cat"}));
  EXPECT_EQ(split.train.images.shape(), (Dims{3, 1, 3, 4}));
  EXPECT_EQ(split.train.labels.to_vector<std::int64_t>(), (std::vector<std::int64_t>{0, 1, 1}));
  EXPECT_EQ(split.train.images.at<std::uint8_t>({0, 0, 2, 3}), 3);
  EXPECT_EQ(split.train.images.at<std::uint8_t>({1, 0, 0, 0}), 10);
  EXPECT_EQ(split.train.images.at<std::uint8_t>({2, 0, 0, 0}), 2);
  EXPECT_EQ(split.test.labels.numel(), 2);
}

TEST_F(PngFolder, OneColourImageMakesAllHaveThreeChannels) {
  put("test/cat/a.png", 77, {3, 3, 4});
  const DataSplit split = open_dataset(dir_.path().string());
  EXPECT_EQ(split.train.images.shape(), (Dims{3, 3, 3, 4}));
  EXPECT_EQ(split.train.images.at<std::uint8_t>({0, 2, 1, 1}), 3);
}

TEST_F(PngFolder, AnUnreadableImageIsNamed) {
  std::ofstream(dir_ / "train/bird/x.png") << "nothing";
  expect_refused<FormatError>((dir_ / "train/bird/x.png").string() + ": not a PNG");
}

TEST_F(PngFolder, AnotherSizeIsNamed) {
  put("test/bird/a.png", 1, {1, 4, 4});
  expect_refused<FormatError>((dir_ / "test/bird/a.png").string() + ": is 4 x 4 pixels");
}

TEST_F(PngFolder, SizesAreComparedBeforeAnythingIsDecoded) {
  const auto refuse_to_open = [&] { (void)open_dataset(dir_.path().string()); };
  const std::string packed = packed_zeros(8000 * 8001ULL);
  write_black(dir_ / "train/cat/7.png", 8000, 8000, 8, PNG_COLOR_TYPE_GRAY, packed);
  expect_refused<FormatError>((dir_ / "train/cat/7.png").string() + ": is 8000 x 8000 pixels, but");
  EXPECT_LT(wick::testing::peak_memory_of(refuse_to_open), 24 * kMiB);
  // Also the first one, which there is nothing to compare with.
  write_black(dir_ / "train/bird/a.png", 8000, 8000, 8, PNG_COLOR_TYPE_GRAY, packed);
  expect_refused<FormatError>("is 8000 x 8000 pixels; images for training may have");
  EXPECT_LT(wick::testing::peak_memory_of(refuse_to_open), 24 * kMiB);
}

TEST_F(PngFolder, AnEmptyClassIsNamed) {
  fs::remove(dir_ / "train/bird/x.png");
  expect_refused<FormatError>((dir_ / "train/bird").string() +
                              "' has no images (*.png, *.jpg or *.jpeg)");
}

TEST_F(PngFolder, DifferingClassesAreNamed) {
  fs::remove_all(dir_ / "test/bird");
  expect_refused<FormatError>("class 'bird' is in");
  fs::create_directories(dir_ / "test/bird");
  fs::create_directories(dir_ / "test/dog");
  expect_refused<FormatError>("class 'dog' is in");
}

TEST_F(PngFolder, AMissingPartIsNamed) {
  fs::remove_all(dir_ / "test");
  expect_refused<IoError>((dir_ / "test").string());
  fs::create_directories(dir_ / "test");
  expect_refused<FormatError>("has no class folders");
}

}  // namespace
}  // namespace wick::tools
