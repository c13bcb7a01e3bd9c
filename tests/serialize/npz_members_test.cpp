// SPDX-License-Identifier: MIT
// NumPy's archives in which not everything is an array, or an array is not everything.
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/placeholder.h"
#include "serialize/any_file.h"
#include "serialize/npy.h"
#include "serialize/zip_writer.h"
#include "tests/support.h"

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
