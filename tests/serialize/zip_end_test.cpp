// SPDX-License-Identifier: MIT
// Bytes behind an archive: PyTorch reads such files, and so does wick.
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "serialize/zip_directory.h"
#include "serialize/zip_writer.h"
#include "tests/cpu_time.h"
#include "tests/support.h"
#include "wick/core/error.h"
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

class ZipEnd : public ::testing::Test {
 protected:
  ZipEnd() {
    save(value, path);
    good = content(path);
  }
  std::uint64_t trailing(const std::string& bytes) {
    write_file(path, bytes);
    EXPECT_TRUE(load(path) == value);
    return CheckpointFile::open(path).trailing_bytes();
  }
  TempDir directory;
  std::filesystem::path path = directory / "x.pt";
  Value value = Dict{{"w", Tensor::ones({3})}};
  std::string good;
};

TEST_F(ZipEnd, MayBeFollowedByAsMuchAsPyTorchPassesOver) {
  EXPECT_EQ(trailing(good), 0u);
  for (const std::size_t count : {1, 21, 22, 100, 4096, 65535, 65536, 69562}) {
    EXPECT_EQ(trailing(good + std::string(count, '\0')), count);
    EXPECT_EQ(trailing(good + std::string(count, 'P')), count);
  }
  for (const std::size_t count : {69563, 70000, 1 << 20, 3 << 20}) {
    write_file(path, good + std::string(count, '\0'));
    expect_throw_with<FormatError>(
        [&] { static_cast<void>(load(path)); },
        std::to_string(count) + " bytes follow the end of the ZIP archive; at most 69562");
  }
  write_file(path, good.substr(0, good.size() - 30) + std::string(100, '\0'));
  expect_throw_with<FormatError>([&] { static_cast<void>(load(path)); }, "is truncated");
}

TEST_F(ZipEnd, BytesBehindItMayLookLikeAnotherEnd) {
  const std::string end("PK\x05\x06", 4);
  EXPECT_EQ(trailing(good + end), 4u);
  EXPECT_EQ(trailing(good + end + std::string(40, '\0')), 44u);
  EXPECT_EQ(trailing(good + end + std::string(40, '\xff')), 44u);
  // A copy of the true one, whose directory would lie elsewhere.
  EXPECT_EQ(trailing(good + good.substr(good.size() - 22) + "x"), 23u);
}

TEST_F(ZipEnd, MakesNoLongWorkOfManyFalseEnds) {
  std::string ends;
  while (ends.size() < 69'000) ends += std::string("PK\x05\x06", 4);
  EXPECT_LT(testing::cpu_seconds([&] { EXPECT_EQ(trailing(good + ends), ends.size()); }), 5);
  while (ends.size() < 32 << 20) ends += ends;
  write_file(path, good + ends);
  EXPECT_LT(testing::cpu_seconds([&] { EXPECT_THROW(static_cast<void>(load(path)), FormatError); }),
            5);
}

TEST_F(ZipEnd, TheCommentOfAnArchiveIsNoneOfIt) {
  std::string with_comment = good;
  with_comment[with_comment.size() - 2] = 5;
  EXPECT_EQ(trailing(with_comment + "notes"), 0u);
  EXPECT_EQ(trailing(with_comment + "notes and more"), 9u);
}

TEST_F(ZipEnd, OfArraysToo) {
  StateDict state;
  state.set("a", Tensor::ones({2}));
  const auto npz = directory / "a.npz";
  save_npz(state, npz);
  write_file(npz, content(npz) + "behind");
  EXPECT_TRUE(bitwise_equal(load_npz(npz).at("a"), Tensor::ones({2})));
  EXPECT_EQ(NpzFile(npz).trailing_bytes(), 6u);
}

}  // namespace
}  // namespace wick
