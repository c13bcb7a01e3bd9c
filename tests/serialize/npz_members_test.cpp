// SPDX-License-Identifier: MIT
// NumPy's archives in which not everything is an array, or an array is not everything.
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "serialize/npy_header.h"
#include "serialize/zip_writer.h"
#include "tests/memory_use.h"
#include "tests/sanitizers.h"
#include "tests/serialize/archive_builder.h"
#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/core/placeholder.h"
#include "wick/serialize/any_file.h"
#include "wick/serialize/npy.h"

namespace wick {
namespace {

using testing::expect_throw_with;
using testing::TempDir;
using testing::write_file;

std::string archive_of(const std::vector<std::pair<std::string, std::string>>& records) {
  std::string archive;
  ZipWriter zip([&archive](std::string_view piece) { archive.append(piece); }, "");
  for (const auto& [name, content] : records) zip.add(name, content);
  zip.finish();
  return archive;
}

struct NpzMembers : ::testing::Test {
  TempDir directory;
  std::filesystem::path path = directory / "a.npz";
  std::string array = make_npy_header(DType::uint8, {4}) + "1234";
};

// What numpy.load of NumPy 2.4 makes of the same archive, but for the bytes.
TEST_F(NpzMembers, ThatAreNoArraysHideNoOthers) {
  write_file(path, archive_of({{"notes", "hello"},
                               {"a.npy", array},
                               {"folder/", ""},
                               {"damaged.npy", "hello"},
                               {"plain", array},  // an array by its content
                               {"both", "text"},
                               {"both.npy", array},
                               {"long.npy", array + "behind"}}));
  EXPECT_EQ(recognise_file(path), FileFormat::npz);
  const NpzFile file(path);
  std::vector<std::string> arrays;
  for (const NpzFile::Entry& entry : file.entries()) {
    arrays.push_back(entry.name);
    EXPECT_EQ(entry.trailing_bytes, entry.name == "long" ? 6u : 0u);
    EXPECT_EQ(file.read(entry).to_vector<std::uint8_t>(),
              (std::vector<std::uint8_t>{'1', '2', '3', '4'}));
  }
  EXPECT_EQ(arrays, (std::vector<std::string>{"a", "plain", "both.npy", "long"}));
  std::vector<std::string> others;
  for (const NpzFile::Other& other : file.others()) {
    others.push_back(other.name);
    EXPECT_FALSE(other.is_array);
  }
  EXPECT_EQ(others, (std::vector<std::string>{"notes", "folder/", "damaged", "both"}));
  expect_throw_with<FormatError>([&] { static_cast<void>(load_npz(path)); }, "\"notes\"");
  const Value value = load_any(path, {}, {.placeholders = true});
  EXPECT_EQ(value.as_dict().size(), 8u);
  EXPECT_EQ(value.at("a").as_tensor().numel(), 4);
  EXPECT_EQ(value.at("notes").as_placeholder().type, "bytes");
}

// Long enough to be read in pieces.
TEST_F(NpzMembers, BytesBehindArraysArePassedOverAndChecked) {
  const Tensor numbers = Tensor::arange(300'001);
  std::string bytes;
  write_npy(numbers, [&bytes](std::string_view piece) { bytes.append(piece); });
  std::string archive = archive_of({{"n.npy", bytes + std::string(5'000'003, 'x')}});
  write_file(path, archive);
  EXPECT_TRUE(bitwise_equal(load_npz(path).at("n"), numbers));
  archive[archive.rfind("xxx")] = 'y';
  write_file(path, archive);
  expect_throw_with<FormatError>([&] { static_cast<void>(load_npz(path)); }, "CRC-32");
}

// As they lie in stored ones: whatever the length of the header, the byte order and the order of
// the dimensions.
TEST_F(NpzMembers, DeflatedArraysAreTheSame) {
  std::mt19937 random(std::random_device{}());
  for (int round = 0; round < 200; ++round) {
    const std::string code = std::vector<std::string>{"u1", "i2", "f4", "f8", "c8"}[random() % 5];
    const std::int64_t rows = random() % 4;
    const std::int64_t columns = random() % 5;
    const std::size_t size = static_cast<std::size_t>(code[1] - '0');
    std::string dict = concat("{'descr': '", random() % 2 == 0 ? '<' : '>', code,
                              "', 'fortran_order': ", random() % 2 == 0 ? "True" : "False",
                              ", 'shape': (", rows, ", ", columns, "), }");
    dict += std::string(random() % 130, ' ') + '\n';
    std::string bytes = "\x93NUMPY\x01";
    bytes += '\0';
    bytes += static_cast<char>(dict.size() % 256);
    bytes += static_cast<char>(dict.size() / 256);
    bytes += dict;
    for (std::size_t i = 0; i < size * static_cast<std::size_t>(rows * columns); ++i) {
      bytes += static_cast<char>(random() % 128);  // no NaN: they are compared by ==
    }
    if (random() % 4 == 0) bytes += "behind";
    std::vector<Tensor> read;
    for (const bool deflated : {false, true}) {
      testing::ArchiveBuilder archive;
      archive.add("a.npy", bytes, deflated);
      write_file(path, archive.finish());
      read.push_back(load_npz(path).at("a"));
    }
    EXPECT_EQ(read[0].shape(), read[1].shape());
    EXPECT_EQ(read[0].strides(), read[1].strides());
    EXPECT_TRUE(bitwise_equal(read[0].contiguous(), read[1].contiguous())) << dict;
    // What is saved of it are its elements alone.
    EXPECT_EQ(read[1].storage()->bytes(), read[1].nbytes());
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(read[1].storage()->data()) % 64, 0u);
  }
}

TEST_F(NpzMembers, DeflatedArraysAreInMemoryOnce) {
  constexpr std::size_t kBytes = 64 << 20;
  testing::ArchiveBuilder archive;
  archive.add("a.npy", make_npy_header(DType::uint8, {kBytes}) + std::string(kBytes, '7'), true);
  write_file(path, archive.finish());
  EXPECT_LT(testing::peak_memory_of([&] { (void)NpzFile(path).read_all(); }), kBytes / 2 * 3);
}

// A thousandth of it in the file, a megabyte in memory for each number that is kept.
TEST_F(NpzMembers, WhatIsBesideDeflatedElementsIsNotKept) {
  constexpr std::size_t kBeside = 1 << 20;
  const std::string header = make_npy_header(DType::float32, {1});
  std::string wide = header;
  wide.pop_back();  // the line's end
  wide += std::string(60'000, ' ') + '\n';
  wide[8] = static_cast<char>((wide.size() - 10) % 256);
  wide[9] = static_cast<char>((wide.size() - 10) / 256);
  testing::ArchiveBuilder archive;
  for (int i = 0; i < 100; ++i) {
    archive.add(concat("wide", i, ".npy"), wide + std::string(4, '\0'), true);
  }
  for (int i = 0; i < 10; ++i) {
    archive.add(concat("long", i, ".npy"), header + std::string(4 + kBeside, '\0'), true);
  }
  write_file(path, archive.finish());
  if (!testing::kSanitized) {
    EXPECT_LT(testing::peak_memory_of([&] { static_cast<void>(load_npz(path)); }), 4 * kBeside);
  }
  const StateDict state = load_npz(path);
  EXPECT_EQ(state.at("wide7").item<float>(), 0.0F);
  EXPECT_EQ(state.at("long7").item<float>(), 0.0F);
}

TEST_F(NpzMembers, OtherArchivesStayWhatTheyAre) {
  for (const auto& [records, name] :
       {std::pair{archive_of({{"a", array}}), "\"a\""},
        std::pair{archive_of({{"x/data.pkl", "."}, {"x/a.npy", array}}), "\"x/data.pkl\""}}) {
    write_file(path, records);
    EXPECT_EQ(recognise_file(path), FileFormat::torch);
    expect_throw_with<FormatError>([&] { static_cast<void>(load_npz(path)); }, name);
  }
}

}  // namespace
}  // namespace wick
