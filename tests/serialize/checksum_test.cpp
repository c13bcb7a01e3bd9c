// SPDX-License-Identifier: MIT
// Checksums that were never worked out, or are stale: what torch.load reads, wick reads.
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "serialize/zip_reader.h"
#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/serialize/any_file.h"
#include "wick/serialize/checkpoint.h"
#include "wick/serialize/checkpoint_file.h"
#include "wick/serialize/npy.h"

namespace wick {
namespace {

using testing::expect_throw_with;
using testing::TempDir;
using testing::write_file;

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Sets the CRC-32 of records to 0 as torch.serialization.set_crc32_options(False) does: in the
// directory and in the descriptor behind the data.
std::string without_crc(std::string bytes, const std::string& only = {}) {
  for (std::size_t at = bytes.find("PK\x01\x02"); at != std::string::npos;
       at = bytes.find("PK\x01\x02", at + 1)) {
    std::uint16_t name_bytes = 0;
    std::memcpy(&name_bytes, &bytes[at + 28], 2);
    if (!only.empty() && bytes.substr(at + 46, name_bytes) != only) continue;
    const std::string descriptor = "PK\x07\x08" + bytes.substr(at + 16, 4);
    const std::size_t place = bytes.find(descriptor);
    if (place != std::string::npos) bytes.replace(place + 4, 4, 4, '\0');
    bytes.replace(at + 16, 4, 4, '\0');
  }
  return bytes;
}

class Checksum : public ::testing::Test {
 protected:
  Checksum() {
    save(value, path);
    good = content(path);
    const float seven = 7;
    stale = good;
    std::memcpy(&stale[place_of_data()], &seven, 4);
  }
  // Of x/data/0, which holds the only ones.
  [[nodiscard]] std::size_t place_of_data() const {
    const InputFile file(path);
    const ZipReader zip(file);
    return static_cast<std::size_t>(zip.data_offset(*zip.find("x/data/0")));
  }
  TempDir directory;
  std::filesystem::path path = directory / "x.pt";
  Value value = Dict{{"w", Tensor::ones({3})}};
  Value changed = [] {
    Tensor w = Tensor::ones({3});
    w.data<float>()[0] = 7;
    return Dict{{"w", w}};
  }();
  std::string good;
  std::string stale;  // as a write through a shared mapping leaves it
};

TEST_F(Checksum, OfZeroIsNone) {
  write_file(path, without_crc(good));
  EXPECT_TRUE(load(path) == value);
  EXPECT_TRUE(CheckpointFile::open(path, kCpu, {.mmap = false}).value() == value);
  const CheckpointFile file = CheckpointFile::open(path, kCpu, {.verify = true});
  EXPECT_TRUE(file.value() == value);
  file.verify();
  StateDict target;
  target.set("w", Tensor::zeros({3}));
  file.load_into(target);
  EXPECT_TRUE(bitwise_equal(target.at("w"), Tensor::ones({3})));
  const InputFile bytes(path);
  const ZipReader zip(bytes);
  for (const ZipEntry& entry : zip.entries()) EXPECT_FALSE(entry.has_crc()) << entry.name;
}

TEST_F(Checksum, OfZeroInOneRecordLeavesTheOthersChecked) {
  const std::string partly = without_crc(good, "x/data/0");
  write_file(path, partly);
  EXPECT_TRUE(load(path) == value);
  std::string damaged = partly;
  damaged[damaged.find("3\n")] = '2';  // of x/version
  write_file(path, damaged);
  EXPECT_THROW(CheckpointFile::open(path).verify(), ChecksumError);
}

TEST_F(Checksum, OfAnEmptyRecordIsZero) {
  save(Dict{{"w", Tensor::ones({0})}}, path);
  const InputFile file(path);
  const ZipReader zip(file);
  EXPECT_TRUE(zip.find("x/data/0")->has_crc());
}

TEST_F(Checksum, ThatIsStaleNamesWhatMayHaveHappened) {
  write_file(path, stale);
  const auto refuse = [&](const auto& read) {
    expect_throw_with<ChecksumError>([&] { static_cast<void>(read()); },
                                     "changed in place, as through torch.load(mmap=True)");
  };
  refuse([&] { return load(path); });
  refuse([&] { return load_any(path); });
  refuse([&] { return CheckpointFile::open(path, kCpu, {.mmap = false}).value(); });
  refuse([&] { return CheckpointFile::open(path, kCpu, {.verify = true}).value(); });
}

TEST_F(Checksum, ThatIsStaleIsPassedOverOnRequest) {
  write_file(path, stale);
  EXPECT_TRUE(load(path, {}, {.verify = false}) == changed);
  EXPECT_TRUE(load_any(path, {}, {.verify = false}) == changed);
  for (const bool mmap : {false, true}) {
    const CheckpointFile file =
        CheckpointFile::open(path, kCpu, {.mmap = mmap, .verify = true, .ignore_crc = true});
    EXPECT_TRUE(file.value() == changed);
    StateDict target;
    target.set("w", Tensor::zeros({3}));
    file.load_into(target);
    EXPECT_EQ(target.at("w").at<float>({0}), 7);
  }
  // Writing it anew makes it right.
  save(load(path, {}, {.verify = false}), path);
  EXPECT_TRUE(load(path) == changed);
}

TEST_F(Checksum, OfArraysToo) {
  StateDict state;
  state.set("a", Tensor::ones({2}));
  const auto npz = directory / "a.npz";
  save_npz(state, npz);
  const std::string arrays = content(npz);
  write_file(npz, without_crc(arrays));
  EXPECT_TRUE(bitwise_equal(load_npz(npz).at("a"), Tensor::ones({2})));
  std::string other = arrays;
  other[other.find("\x80\x3f") + 1] = '\x40';
  write_file(npz, other);
  EXPECT_THROW(static_cast<void>(load_npz(npz)), ChecksumError);
  EXPECT_EQ(load_npz(npz, kCpu, {.verify = false}).at("a").numel(), 2);
}

}  // namespace
}  // namespace wick
