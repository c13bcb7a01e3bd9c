// SPDX-License-Identifier: MIT
// IDX and MNIST files: what is read, and how each kind of damage is reported.
#include "tools/data/idx.h"

#include <csignal>
#include <fstream>

#include <gmock/gmock.h>
#include <sys/resource.h>

#include "tests/memory_use.h"
#include "tests/support.h"
#include "tools/data/gzip.h"
#include "tools/data/mnist.h"
#include "tools/data/open_dataset.h"
#include "wick/core/error.h"

namespace wick::tools {
namespace {

namespace fs = std::filesystem;
using wick::testing::expect_throw_with;
using wick::testing::mnist_dir;
using wick::testing::TempDir;
using Bytes = std::vector<std::uint8_t>;

void write_bytes(const fs::path& path, std::span<const std::uint8_t> bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

Bytes read_bytes(const fs::path& path) {
  const ByteBuffer buffer = read_file(path);
  return {buffer.bytes().begin(), buffer.bytes().end()};
}

/// Five images of 2 x 3 pixels, and labels for them.
Tensor images() {
  return Tensor::arange(30).to(DType::uint8).view({5, 2, 3});
}
Tensor labels() {
  return Tensor::from<std::uint8_t>({0, 9, 3, 3, 1});
}

/// A folder with MNIST's four files.
class MnistFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    write_idx(images(), train_images());
    write_idx(labels(), train_labels(), Compression::none);
    write_idx(images(), dir_ / "t10k-images-idx3-ubyte", Compression::none);
    write_idx(labels(), dir_ / "t10k-labels-idx1-ubyte.gz");
  }
  [[nodiscard]] fs::path train_images() const { return dir_ / "train-images-idx3-ubyte.gz"; }
  [[nodiscard]] fs::path train_labels() const { return dir_ / "train-labels-idx1-ubyte"; }
  template <typename Error>
  void expect_refused(const std::string& text) const {
    expect_throw_with<Error>([&] { (void)load_mnist(dir_.path()); }, text);
    expect_throw_with<Error>([&] { (void)open_dataset(dir_.path().string()); }, text);
  }
  TempDir dir_;
};

TEST(Idx, ComesBackAsItWasWritten) {
  const TempDir dir;
  for (const Compression compression : {Compression::none, Compression::gzip}) {
    for (const Tensor& values : {images(), labels(), Tensor::zeros({0, 4}, DType::uint8)}) {
      write_idx(values, dir / "file", compression);
      EXPECT_TRUE(bitwise_equal(read_idx(dir / "file"), values));
    }
  }
}

TEST(Idx, IsBigEndianWithItsMagicNumber) {
  const TempDir dir;
  write_idx(Tensor::from<std::uint8_t>({7, 8}, {1, 2}), dir / "file", Compression::none);
  EXPECT_EQ(read_bytes(dir / "file"), (Bytes{0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 2, 7, 8}));
}

TEST(Idx, ReadsGzipOfSeveralMembers) {
  const TempDir dir;
  write_idx(labels(), dir / "plain", Compression::none);
  const Bytes plain = read_bytes(dir / "plain");
  Bytes joined;
  for (const auto& part : {std::span(plain).first(6), std::span(plain).subspan(6)}) {
    const ByteBuffer member = gzip(part);
    joined.insert(joined.end(), member.bytes().begin(), member.bytes().end());
  }
  write_bytes(dir / "joined", joined);
  EXPECT_TRUE(bitwise_equal(read_idx(dir / "joined"), labels()));
}

TEST(Idx, EveryTruncationIsReported) {
  const TempDir dir;
  for (const Compression compression : {Compression::none, Compression::gzip}) {
    write_idx(images(), dir / "whole", compression);
    const Bytes whole = read_bytes(dir / "whole");
    for (std::size_t size = 0; size < whole.size(); ++size) {
      write_bytes(dir / "cut", std::span(whole).first(size));
      expect_throw_with<FormatError>([&] { (void)read_idx(dir / "cut"); },
                                     (dir / "cut").string() + ": ");
    }
  }
}

TEST(Idx, EveryDamagedGzipByteIsReportedOrHarmless) {
  const TempDir dir;
  write_idx(images(), dir / "whole");
  const Bytes whole = read_bytes(dir / "whole");
  int refused = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    Bytes damaged = whole;
    damaged[i] ^= 0x10;
    write_bytes(dir / "damaged", damaged);
    try {
      EXPECT_TRUE(bitwise_equal(read_idx(dir / "damaged"), images()));  // time stamps and the like
    } catch (const FormatError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, static_cast<int>(whole.size()) - 10);
}

TEST(Idx, LyingSizesAllocateNothing) {
  const TempDir dir;
  const Bytes lie = {0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1};
  write_bytes(dir / "lie", lie);
  expect_throw_with<FormatError>([&] { (void)read_idx(dir / "lie"); }, "cut short");
  // A gzip trailer that claims 4 GiB.
  write_idx(labels(), dir / "gzip");
  Bytes bytes = read_bytes(dir / "gzip");
  std::fill(bytes.end() - 4, bytes.end(), std::uint8_t{255});
  write_bytes(dir / "gzip", bytes);
  expect_throw_with<FormatError>([&] { (void)read_idx(dir / "gzip"); }, "damaged");
}

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

/// `megabytes` of zeros as a gzip file, about 1032 to one, behind the bytes of a header.
Bytes packed(const Bytes& header, std::size_t megabytes) {
  Bytes whole = header;
  whole.resize(header.size() + (megabytes << 20));
  const ByteBuffer member = gzip(whole);
  return {member.bytes().begin(), member.bytes().end()};
}

TEST(Idx, GzipIsInflatedAsFarAsTheHeaderSays) {
  const TempDir dir;
  const fs::path path = dir / "bomb.gz";
  const auto expect_cheap = [&path](const std::string& text) {
    expect_throw_with<FormatError>([&] { (void)read_idx(path); }, path.string() + ": " + text);
    EXPECT_LT(wick::testing::peak_memory_of([&] { (void)read_idx(path); }), 8 * kMiB);
  };
  // Ten labels, and 64 MiB behind them.
  const Bytes labels_header = {0, 0, 8, 1, 0, 0, 0, 10};
  const Bytes bomb = packed(labels_header, 64);
  EXPECT_LT(bomb.size(), 80000U);
  write_bytes(path, bomb);
  expect_cheap("its gzip data holds more than the 18 bytes that its header says");
  // In a member of its own.
  Bytes members;
  const ByteBuffer first = gzip(labels_header);
  members.insert(members.end(), first.bytes().begin(), first.bytes().end());
  const Bytes zeros = packed({}, 64);
  members.insert(members.end(), zeros.begin(), zeros.end());
  write_bytes(path, members);
  expect_cheap("its gzip data holds more than the 18 bytes");
  // No IDX file at all.
  write_bytes(path, packed({'t', 'e', 'x', 't'}, 64));
  expect_cheap("magic number 0x74657874");
  // A header that asks for more than the file can hold, with a trailer that agrees.
  Bytes lie = packed({0, 0, 8, 3, 0, 0, 255, 255, 0, 0, 255, 255, 0, 0, 0, 1}, 1);
  std::fill(lie.end() - 4, lie.end(), std::uint8_t{255});
  write_bytes(path, lie);
  expect_cheap(
      "the header says shape [65535, 65535, 1], which is 4294836225 bytes, but a gzip file");
}

TEST(Idx, ManyMembersTakeTimeInProportion) {
  // Empty ones, twenty bytes each, before the one that holds the labels.
  const TempDir dir;
  const ByteBuffer empty = gzip({});
  write_idx(labels(), dir / "whole");
  const Bytes whole = read_bytes(dir / "whole");
  Bytes many;
  for (int i = 0; i < 200000; ++i) {
    many.insert(many.end(), empty.bytes().begin(), empty.bytes().end());
  }
  many.insert(many.end(), whole.begin(), whole.end());
  write_bytes(dir / "many", many);
  EXPECT_TRUE(bitwise_equal(read_idx(dir / "many"), labels()));
}

TEST(Idx, ItsShapeIsReadAlone) {
  const TempDir dir;
  for (const Compression compression : {Compression::none, Compression::gzip}) {
    write_idx(images(), dir / "file", compression);
    EXPECT_EQ(IdxFile(dir / "file").shape(), images().shape());
  }
  // 64 MiB that are not looked at.
  write_bytes(dir / "large", packed({0, 0, 8, 1, 4, 0, 0, 0}, 64));
  EXPECT_EQ(IdxFile(dir / "large").shape(), (Dims{64 << 20}));
  EXPECT_LT(wick::testing::peak_memory_of([&] { (void)IdxFile(dir / "large").shape(); }), 8 * kMiB);
  EXPECT_EQ(read_idx(dir / "large").shape(), (Dims{64 << 20}));
}

// gzip(1) and Python's gzip skip them: tapes and block devices pad files so.
TEST(Idx, ZerosBehindGzipMembersAreSkipped) {
  const TempDir dir;
  write_idx(images(), dir / "whole");
  const Bytes whole = read_bytes(dir / "whole");
  for (const std::size_t zeros : {1U, 3U, 511U, 1U << 20}) {
    Bytes bytes = whole;
    bytes.insert(bytes.end(), zeros, std::uint8_t{0});
    write_bytes(dir / "padded", bytes);
    EXPECT_TRUE(bitwise_equal(read_idx(dir / "padded"), images())) << zeros;
    bytes.push_back(1);
    write_bytes(dir / "padded", bytes);
    expect_throw_with<FormatError>([&] { (void)read_idx(dir / "padded"); }, "damaged or cut short");
  }
}

TEST(Idx, SurplusBytesAreReported) {
  const TempDir dir;
  write_bytes(dir / "file", Bytes{0, 0, 8, 1, 0, 0, 0, 1, 7, 8});
  expect_throw_with<FormatError>([&] { (void)read_idx(dir / "file"); },
                                 "shape [1], which is 1 bytes, but 2 follow it");
}

TEST(Idx, WrongMagicNumbersAreReported) {
  const TempDir dir;
  for (const Bytes& header : {Bytes{0, 0, 9, 1}, Bytes{1, 0, 8, 1}, Bytes{0, 0, 8, 0},
                              Bytes{0, 0, 8, 9}, Bytes{'P', 'N', 'G', '!'}}) {
    Bytes bytes = header;
    bytes.resize(20);
    write_bytes(dir / "file", bytes);
    expect_throw_with<FormatError>([&] { (void)read_idx(dir / "file"); }, "magic number 0x");
  }
}

TEST(Idx, WhatCannotBeReadOrWrittenIsReported) {
  const TempDir dir;
  expect_throw_with<IoError>([&] { (void)read_idx(dir / "none"); }, "No such file");
  expect_throw_with<IoError>([&] { (void)read_idx(dir.path()); }, "it is a folder");
  expect_throw_with<IoError>([&] { write_idx(labels(), dir / "no/folder"); }, "No such file");
  expect_throw_with<DTypeError>([&] { write_idx(Tensor::zeros({2}), dir / "f"); }, "float32");
  expect_throw_with<ShapeError>([&] { write_idx(Tensor::zeros({}, DType::uint8), dir / "f"); },
                                "dimensions");
  EXPECT_TRUE(fs::is_empty(dir.path()));
}

TEST(Idx, AFailedWriteLeavesTheOldFile) {
  const TempDir dir;
  write_idx(labels(), dir / "file");
  const Bytes before = read_bytes(dir / "file");
  // Files may have ten bytes from here on, as on a disk that is full.
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit tight{10, old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
  expect_throw_with<IoError>([&] { write_idx(images(), dir / "file"); }, "cannot write");
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(read_bytes(dir / "file"), before);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), {}), 1);
}

TEST_F(MnistFolder, IsReadWhole) {
  const DataSplit split = load_mnist(dir_.path());
  EXPECT_EQ(split.train.images.shape(), (Dims{5, 1, 2, 3}));
  EXPECT_TRUE(bitwise_equal(split.train.images.view({5, 2, 3}), images()));
  EXPECT_EQ(split.train.labels.to_vector<std::int64_t>(),
            (std::vector<std::int64_t>{0, 9, 3, 3, 1}));
  EXPECT_EQ(split.test.class_names.size(), 10U);
  EXPECT_EQ(split.test.class_names[7], "7");
}

TEST_F(MnistFolder, WrittenByUsIsReadByUs) {
  const TempDir other;
  write_mnist(load_mnist(dir_.path()), other.path());
  const DataSplit again = load_mnist(other.path());
  EXPECT_TRUE(bitwise_equal(again.test.images.view({5, 2, 3}), images()));
  EXPECT_TRUE(bitwise_equal(again.test.labels, labels().to(DType::int64)));
}

TEST_F(MnistFolder, AMissingFileIsNamed) {
  fs::remove(train_labels());
  expect_refused<IoError>("no file train-labels-idx1-ubyte");
}

TEST_F(MnistFolder, ATruncatedFileIsNamed) {
  fs::resize_file(train_labels(), 10);
  expect_refused<FormatError>(train_labels().string() + ": the header says shape [5]");
  write_idx(labels(), train_labels(), Compression::none);
  fs::resize_file(train_images(), 30);
  expect_refused<FormatError>(train_images().string() + ": the gzip data is damaged or cut short");
}

TEST_F(MnistFolder, DifferingCountsAreReported) {
  write_idx(labels().slice(0, 0, 4), train_labels(), Compression::none);
  expect_refused<FormatError>("has 5 images");
}

TEST_F(MnistFolder, ShapesAreComparedBeforeAnythingIsInflated) {
  const auto load = [&] { (void)load_mnist(dir_.path()); };
  // 64 MiB in one image, with an honest header.
  write_bytes(train_images(), packed({0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 32, 0, 0, 0, 32, 0}, 64));
  expect_refused<FormatError>("has 1 images, but");
  EXPECT_LT(wick::testing::peak_memory_of(load), 8 * kMiB);
  write_idx(labels().slice(0, 0, 1), train_labels(), Compression::none);
  expect_refused<FormatError>("its images are 8192 x 8192 pixels; images for training may have");
  EXPECT_LT(wick::testing::peak_memory_of(load), 8 * kMiB);
}

TEST_F(MnistFolder, LabelsOutOfRangeAreReported) {
  write_idx(Tensor::from<std::uint8_t>({0, 1, 10, 2, 3}), train_labels(), Compression::none);
  expect_refused<FormatError>("label 10 at position 2 is out of range");
}

TEST_F(MnistFolder, ExchangedFilesAreReported) {
  write_idx(images(), train_labels(), Compression::none);
  expect_refused<FormatError>("labels need magic number 0x00000801");
  write_idx(labels(), train_images());
  expect_refused<FormatError>("images need magic number 0x00000803");
}

TEST_F(MnistFolder, OtherSizesInTheTestPartAreReported) {
  write_idx(images().view({5, 3, 2}), dir_ / "t10k-images-idx3-ubyte", Compression::none);
  expect_refused<FormatError>("training images are 2 x 3 pixels, test images 3 x 2");
}

TEST_F(MnistFolder, NoImagesAtAllAreReported) {
  write_idx(Tensor::zeros({0, 2, 3}, DType::uint8), train_images());
  write_idx(Tensor::zeros({0}, DType::uint8), train_labels(), Compression::none);
  expect_refused<FormatError>("holds no images");
}

TEST(OpenDataset, SaysWhatItExpects) {
  const TempDir dir;
  expect_throw_with<IoError>([&] { (void)open_dataset((dir / "none").string()); },
                             "No such file or directory; give a folder");
  expect_throw_with<IoError>([&] { (void)open_dataset(dir.path().string()); }, "neither MNIST's");
  write_idx(labels(), dir / "file");
  expect_throw_with<IoError>([&] { (void)open_dataset((dir / "file").string()); }, "no folder");
}

TEST(Mnist, TheRealFilesAreRead) {
  const auto folder = mnist_dir();
  if (!folder) GTEST_SKIP() << "MNIST is not there: set WICK_MNIST to its folder";
  const DataSplit split = load_mnist(*folder);
  EXPECT_EQ(split.train.images.shape(), (Dims{60000, 1, 28, 28}));
  EXPECT_EQ(split.test.images.shape(), (Dims{10000, 1, 28, 28}));
  EXPECT_EQ(split.train.labels.at<std::int64_t>({0}), 5);
  EXPECT_EQ(split.test.labels.at<std::int64_t>({9999}), 6);
}

}  // namespace
}  // namespace wick::tools
