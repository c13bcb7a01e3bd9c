// SPDX-License-Identifier: MIT
#include "serialize/record_reads.h"

#include <filesystem>
#include <numeric>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>
#include <libdeflate.h>

#include "serialize/atomic_file.h"
#include "serialize/crc32.h"
#include "serialize/parallel.h"
#include "serialize/zip_writer.h"
#include "tests/support.h"
#include "tests/thread_limit.h"
#include "wick/core/error.h"
#include "wick/serialize/background_saver.h"
#include "wick/serialize/checkpoint.h"
#include "wick/serialize/checkpoint_file.h"

namespace wick {
namespace {

std::string noise(std::size_t bytes, std::uint32_t seed) {
  std::string result(bytes, '\0');
  for (char& c : result) {
    seed = seed * 1664525 + 1013904223;
    c = static_cast<char>(seed >> 24);
  }
  return result;
}

TEST(Crc32, IsThatOfZipForEveryLengthAndAlignment) {
  EXPECT_EQ(crc32(0, std::string_view("123456789")), 0xCBF43926u);
  const std::string bytes = noise(5000, 1);
  for (std::size_t begin = 0; begin < 70; begin += 23) {
    for (std::size_t length = 0; begin + length < bytes.size(); length += length < 1100 ? 1 : 61) {
      const std::string_view piece = std::string_view(bytes).substr(begin, length);
      ASSERT_EQ(crc32(0x1234567, piece), libdeflate_crc32(0x1234567, piece.data(), length))
          << begin << ' ' << length;
    }
  }
}

TEST(Crc32, CombinesPieces) {
  const std::string bytes = noise(100000, 2);
  const std::uint32_t whole = crc32(0, bytes);
  for (const std::size_t cut : {0, 1, 255, 4096, 65537, 99999, 100000}) {
    const std::string_view first = std::string_view(bytes).substr(0, cut);
    const std::string_view second = std::string_view(bytes).substr(cut);
    EXPECT_EQ(crc32_combine(crc32(0, first), crc32(0, second), second.size()), whole);
  }
}

TEST(Parallel, RunsEachTaskOnceAndThrowsTheFirstError) {
  std::vector<int> runs(1000, 0);
  run_parallel(runs.size(), 4, [&](std::size_t i) { ++runs[i]; });
  EXPECT_EQ(runs, std::vector<int>(1000, 1));
  for (const std::size_t threads : {1, 4}) {
    testing::expect_throw_with<ValueError>(
        [threads] {
          run_parallel(100, threads, [](std::size_t i) {
            if (i % 10 == 7) throw ValueError(concat("task ", i));
          });
        },
        "task 7");
  }
  EXPECT_GE(reading_threads(0), 1u);
}

TEST(Parallel, GoesOnWithFewerThreadsWhereTheSystemGivesNoMore) {
  for (std::size_t threads = 1; threads <= 8; ++threads) {
    for (std::size_t allowed = 0; allowed < threads; ++allowed) {
      const testing::ThreadLimit limit(static_cast<int>(allowed));
      std::vector<int> runs(100, 0);
      run_parallel(runs.size(), threads, [&](std::size_t i) { ++runs[i]; });
      EXPECT_EQ(runs, std::vector<int>(100, 1));
    }
  }
}

TEST(BackgroundSaver, WritesWhereTheSystemGivesNoThread) {
  const testing::TempDir dir;
  const Value value = Dict{{"w", Tensor::ones({3})}};
  const testing::ThreadLimit limit(0);
  BackgroundSaver saver;
  saver.save(value, dir / "x.pt");
  EXPECT_TRUE(load(dir / "x.pt") == value);
  saver.save(value, dir / "missing" / "x.pt");
  EXPECT_THROW(saver.wait(), IoError);
  saver.wait();
}

// Empty, small and large records side by side: 20 MiB in several pieces.
class RecordReadsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const std::size_t bytes :
         {std::size_t{0}, std::size_t{1}, std::size_t{100}, std::size_t{70000},
          std::size_t{20} << 20, std::size_t{3}, std::size_t{300000}, std::size_t{60000}}) {
      contents.push_back(noise(bytes, static_cast<std::uint32_t>(bytes)));
    }
    AtomicFile file(path);
    ZipWriter zip([&file](std::string_view bytes) { file.write(bytes); }, "a");
    for (std::size_t i = 0; i < contents.size(); ++i) zip.add(std::to_string(i), contents[i]);
    zip.finish();
    file.commit();
  }
  testing::TempDir directory;
  std::filesystem::path path = directory / "a.zip";
  std::vector<std::string> contents;
};

TEST_F(RecordReadsTest, ReadsWhatWasWritten) {
  const InputFile file(path);
  const ZipReader zip(file);
  std::vector<std::string> read;
  for (const std::string& content : contents) read.emplace_back(content.size(), 'x');
  std::vector<RecordRead> reads;
  for (std::size_t i = contents.size(); i-- > 0;) {
    reads.push_back({&zip.entries()[i], read[i].data(), 1});
  }
  read_records(zip, reads);
  EXPECT_EQ(read, contents);

  for (RecordRead& one : reads) one.to = nullptr;
  EXPECT_NO_THROW(read_records(zip, reads));

  std::string part(std::size_t{9} << 20, 'x');
  read_ranges(zip, {{&zip.entries()[4], 12345, part.size(), part.data(), {}}});
  EXPECT_EQ(part, contents[4].substr(12345, part.size()));
}

TEST_F(RecordReadsTest, TurnsNumbersRoundWhereverAPieceEnds) {
  const InputFile file(path);
  const ZipReader zip(file);
  std::string read(contents[4].size(), 'x');
  read_records(zip, {{&zip.entries()[4], read.data(), {.reversed_bytes = 8}}});
  NumberChange{.reversed_bytes = 8}.apply(read);
  EXPECT_EQ(read, contents[4]);
}

TEST_F(RecordReadsTest, DamageAnywhereIsFound) {
  std::string bytes;
  {
    const InputFile file(path);
    bytes.resize(static_cast<std::size_t>(file.size()));
    file.read_at(0, bytes);
  }
  for (const std::size_t record : {2, 3, 4, 6}) {
    const std::string& content = contents[record];
    std::string damaged = bytes;
    const std::size_t at = damaged.find(content) + content.size() - 1;
    damaged[at] = static_cast<char>(~damaged[at]);
    write_file_atomically(path, damaged);
    const InputFile file(path);
    const ZipReader zip(file);
    std::vector<RecordRead> reads;
    for (const ZipEntry& entry : zip.entries()) reads.push_back({.entry = &entry});
    testing::expect_throw_with<FormatError>([&] { read_records(zip, reads); },
                                            concat("record \"a/", record, "\", offset "));
  }
}

// ZIP64 by the number of records.
TEST(Checkpoint, SeventyThousandTensors) {
  constexpr std::int64_t kCount = 70000;
  const testing::TempDir directory;
  StateDict state;
  for (std::int64_t i = 0; i < kCount; ++i) {
    state.set(std::to_string(i), Tensor::scalar<std::int32_t>(static_cast<std::int32_t>(i)));
  }
  save(state, directory / "many.pt", {.sync = false});
  const StateDict back = StateDict::from_value(load(directory / "many.pt"));
  ASSERT_EQ(back.size(), static_cast<std::size_t>(kCount));
  std::int32_t expected = 0;
  for (const auto& [name, tensor] : back) ASSERT_EQ(tensor.item<std::int32_t>(), expected++);
  const CheckpointFile file = CheckpointFile::open(directory / "many.pt");
  EXPECT_EQ(file.tensor("69999").item<std::int32_t>(), 69999);
}

}  // namespace
}  // namespace wick
