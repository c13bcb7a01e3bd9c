// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <memory>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <libdeflate.h>
#include <unistd.h>

#include "serialize/atomic_file.h"
#include "serialize/serialization_id.h"
#include "serialize/zip_format.h"
#include "serialize/zip_reader.h"
#include "serialize/zip_writer.h"
#include "tests/support.h"
#include "wick/core/error.h"

namespace wick {
namespace {

namespace fs = std::filesystem;

std::string small_archive() {
  std::string bytes;
  ZipWriter zip([&bytes](std::string_view piece) { bytes.append(piece); }, "a");
  zip.add("first", "hello");
  zip.add("empty", "");
  zip.begin("pieces", 6);
  zip.append("abc");
  zip.append("def");
  zip.end();
  zip.finish();
  return bytes;
}

// Writes the bytes to a file and opens it as an archive.
struct Opened {
  Opened(const testing::TempDir& directory, const std::string& bytes)
      : path(directory / "z.zip"), file((write_file_atomically(path, bytes), path)), zip(file) {}
  fs::path path;
  InputFile file;
  ZipReader zip;
};

void patch(std::string& bytes, std::size_t at, std::string_view with) {
  std::ranges::copy(with, bytes.begin() + static_cast<std::ptrdiff_t>(at));
}

TEST(Zip, ReadsBackWhatIsWritten) {
  const testing::TempDir directory;
  const Opened opened(directory, small_archive());
  ASSERT_EQ(opened.zip.entries().size(), 3u);
  EXPECT_EQ(opened.zip.entries()[0].name, "a/first");
  EXPECT_EQ(opened.zip.read(*opened.zip.find("a/first")), "hello");
  EXPECT_EQ(opened.zip.read(*opened.zip.find("a/empty")), "");
  EXPECT_EQ(opened.zip.read(*opened.zip.find("a/pieces")), "abcdef");
  EXPECT_EQ(opened.zip.find("first"), nullptr);
}

// Checksums of large records are worked out beside the writing, whatever came before them.
TEST(Zip, LargeRecordsInSeveralParts) {
  std::string data(9 << 20, '\0');
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * i >> 7);
  const std::string_view view(data);
  std::string bytes;
  ZipWriter zip([&bytes](std::string_view piece) { bytes.append(piece); }, "a");
  zip.begin("large", data.size());
  zip.append(view.substr(0, 3));
  zip.append(view.substr(3, 6 << 20));
  zip.append(view.substr(3 + (6 << 20)));
  zip.end();
  zip.finish();
  const testing::TempDir directory;
  const Opened opened(directory, bytes);
  EXPECT_EQ(opened.zip.read(*opened.zip.find("a/large")), data);  // and its checksum agrees
}

TEST(Zip, AFailingSinkEndsALargeRecord) {
  const std::string data(5 << 20, 'x');
  ZipWriter zip(
      [](std::string_view piece) {
        if (piece.front() == 'x') throw IoError("full");
      },
      "a");
  zip.begin("large", data.size());
  EXPECT_THROW(zip.append(data), IoError);
}

TEST(Zip, DataAreAligned) {
  const std::string bytes = small_archive();
  EXPECT_EQ(bytes.find("hello") % ZipWriter::kAlignment, 0u);
  EXPECT_EQ(bytes.find("abcdef") % ZipWriter::kAlignment, 0u);
  EXPECT_EQ(bytes, small_archive());
}

TEST(Zip, WriterWantsExactlyTheAnnouncedBytes) {
  ZipWriter zip([](std::string_view) {}, "a");
  zip.begin("r", 3);
  EXPECT_THROW(zip.append("four"), ValueError);
  zip.append("ab");
  EXPECT_THROW(zip.end(), ValueError);
  EXPECT_THROW(zip.begin("s", 1), ValueError);
  zip.append("c");
  zip.end();
}

// The digits are from a file that torch.save made of these records.
TEST(Zip, SerializationIdIsPyTorchs) {
  std::vector<ZipWriter::Record> records;
  const std::pair<const char*, std::uint32_t> known[] = {{"data.pkl", 0x7e90cc13},
                                                         {".format_version", 0x83dcefb7},
                                                         {".storage_alignment", 0xe971773f},
                                                         {"byteorder", 0x19e33d85},
                                                         {"data/0", 0x27a207b6},
                                                         {"data/1", 0x09cba2c3},
                                                         {"data/2", 0x6c8f4e1c},
                                                         {"version", 0x55679ed1}};
  for (const auto& [name, crc] : known) records.push_back({name, 1, 0, crc});
  const std::string id = serialization_id(records);
  ASSERT_EQ(id.size(), 40u);
  EXPECT_EQ(id.substr(20), "01289756037946232296");
#ifdef __GLIBCXX__
  EXPECT_EQ(id.substr(0, 20), "08494888479650487350");
#endif
}

// Writes to a file in which large pieces, here all zeros, are holes.
class SparseSink {
 public:
  explicit SparseSink(const fs::path& path)
      : descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) {}
  SparseSink(const SparseSink&) = delete;
  SparseSink& operator=(const SparseSink&) = delete;
  ~SparseSink() { ::close(descriptor_); }
  void write(std::string_view bytes) {
    if (bytes.size() < 4096) {
      ASSERT_EQ(::pwrite(descriptor_, bytes.data(), bytes.size(), offset_),
                static_cast<ssize_t>(bytes.size()));
    }
    offset_ += static_cast<off_t>(bytes.size());
  }

 private:
  int descriptor_;
  off_t offset_ = 0;
};

TEST(Zip, Zip64HoldsMoreThanFourGigabytes) {
  const testing::TempDir directory;
  const fs::path path = directory / "large.zip";
  constexpr std::uint64_t kSize = (std::uint64_t{1} << 32) + 8;
  {
    SparseSink sink(path);
    ZipWriter zip([&sink](std::string_view bytes) { sink.write(bytes); }, "big");
    zip.begin("data/0", kSize);
    const std::string zeros(std::size_t{1} << 24, '\0');
    for (std::uint64_t done = 0; done < kSize;) {
      const std::uint64_t count = std::min<std::uint64_t>(zeros.size(), kSize - done);
      zip.append(std::string_view(zeros).substr(0, static_cast<std::size_t>(count)));
      done += count;
    }
    zip.end();
    zip.add("behind", "found");  // its header lies above 4 GiB
    zip.finish();
  }
  const InputFile file(path);
  const ZipReader zip(file);
  const ZipEntry* const large = zip.find("big/data/0");
  ASSERT_NE(large, nullptr);
  EXPECT_EQ(large->size, kSize);
  EXPECT_EQ(zip.read(*zip.find("big/behind")), "found");
  zip.check(*large);  // its local header
}

// One deflated record, as other tools write them.
std::string deflated_archive(const std::string& content, std::uint32_t claimed_size) {
  const std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)> compressor(
      libdeflate_alloc_compressor(9), &libdeflate_free_compressor);
  std::string packed(content.size() + 100, '\0');
  packed.resize(libdeflate_deflate_compress(compressor.get(), content.data(), content.size(),
                                            packed.data(), packed.size()));
  const std::uint32_t crc = libdeflate_crc32(0, content.data(), content.size());
  ByteWriter common;  // from the flags to the length of the extra fields
  common.write(std::uint16_t{0});
  common.write(zip::kMethodDeflated);
  common.write(std::uint32_t{0});
  common.write(crc);
  common.write(static_cast<std::uint32_t>(packed.size()));
  common.write(claimed_size);
  common.write(std::uint16_t{1});
  common.write(std::uint16_t{0});
  ByteWriter out;
  out.write(zip::kLocalHeaderSignature);
  out.write(std::uint16_t{20});
  out.bytes(common.str() + "r" + packed);
  const auto directory_offset = static_cast<std::uint32_t>(out.size());
  out.write(zip::kCentralHeaderSignature);
  out.write(std::uint32_t{20});
  out.bytes(common.str());
  out.fill(14, '\0');  // comment, disk, attributes, offset
  out.bytes("r");
  const auto directory_size = static_cast<std::uint32_t>(out.size() - directory_offset);
  out.write(zip::kEndSignature);
  out.write(std::uint32_t{0});
  out.write(std::uint16_t{1});
  out.write(std::uint16_t{1});
  out.write(directory_size);
  out.write(directory_offset);
  out.write(std::uint16_t{7});
  out.bytes("comment");
  return out.release();
}

TEST(Zip, ReadsDeflatedRecords) {
  const testing::TempDir directory;
  const std::string content(100000, 'y');
  const Opened opened(directory, deflated_archive(content, 100000));
  EXPECT_EQ(opened.zip.read(opened.zip.entries()[0]), content);
}

TEST(Zip, DeflatedRecordsMayNotLieAboutTheirSize) {
  const testing::TempDir directory;
  for (const std::uint32_t claimed : {99999u, 100001u, 0u}) {
    const Opened opened(directory, deflated_archive(std::string(100000, 'y'), claimed));
    testing::expect_throw_with<FormatError>(
        [&] { static_cast<void>(opened.zip.read(opened.zip.entries()[0])); }, "deflated data");
  }
  const Opened bomb(directory, deflated_archive(std::string(100000, 'y'), 0xFFFFFFF0));
  testing::expect_throw_with<FormatError>(
      [&] { static_cast<void>(bomb.zip.read(bomb.zip.entries()[0])); }, "cannot hold");
}

TEST(Zip, DamagedDataAreFound) {
  const testing::TempDir directory;
  std::string bytes = small_archive();
  patch(bytes, bytes.find("hello"), "jello");
  const Opened opened(directory, bytes);
  testing::expect_throw_with<FormatError>(
      [&] { static_cast<void>(opened.zip.read(*opened.zip.find("a/first"))); },
      "record \"a/first\", offset 0: the data are damaged");
}

TEST(Zip, LyingDirectoriesAreRefused) {
  const testing::TempDir directory;
  const std::string good = small_archive();
  const std::size_t first = good.find("PK\x01\x02");
  const std::size_t second = good.find("PK\x01\x02", first + 4);
  const auto refuse = [&](std::size_t at, std::string_view with, const char* message) {
    std::string bytes = good;
    patch(bytes, at, with);
    testing::expect_throw_with<FormatError>(
        [&] {
          const Opened opened(directory, bytes);
          for (const ZipEntry& entry : opened.zip.entries()) {
            static_cast<void>(opened.zip.read(entry));
          }
        },
        message);
  };
  using namespace std::string_view_literals;
  refuse(first + 20, "\xff\xff\x00\x00"sv, "reach into the next record");  // compressed size
  refuse(first + 42, "\x05\x00\x00\x00"sv, "no local header");             // header offset
  refuse(first + 42, "\x00\x00\x00\x70"sv, "or beyond the data");          // header offset
  refuse(first + 24, "\x06\x00\x00\x00"sv, "a stored record of 5 bytes claims 6");
  refuse(first + 10, "\x0c\x00"sv, "disagree");  // method
  refuse(first + 8, "\x09\x08"sv, "encrypted");
  refuse(first + 46, "b"sv, "disagree");                         // name
  refuse(second + 46, "a/first"sv.substr(0, 7), "two records");  // same length
  refuse(first + 46, "\xff/first"sv, "the name of a record is not UTF-8");
  refuse(first, "PK\x01\x03"sv, "no directory entry");
  const std::size_t end64 = good.find("PK\x06\x06");
  refuse(end64 + 24, std::string(16, '\xff'), "claims");                     // counts
  refuse(end64 + 48, "\xff\xff\xff\xff\xff\xff\xff\xff"sv, "does not lie");  // offset
  refuse(end64 + 40, "\xff\xff\xff\xff\xff\xff\xff\x7f"sv, "does not lie");  // size
  refuse(good.find("PK\x06\x07") + 8, "\xff\xff\xff\xff\xff\xff\xff\xff"sv, "cannot lie");
}

TEST(Zip, TruncationIsFound) {
  const testing::TempDir directory;
  const std::string good = small_archive();
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_THROW(Opened(directory, good.substr(0, size)), FormatError) << size;
  }
}

TEST(InputFile, NamesWhatCannotBeRead) {
  const testing::TempDir directory;
  testing::expect_throw_with<IoError>([&] { InputFile(directory / "none"); }, "No such file");
  testing::expect_throw_with<IoError>([&] { InputFile(directory.path()); }, "a directory");
  testing::expect_throw_with<IoError>([&] { InputFile("/dev/zero"); }, "not a regular file");
  write_file_atomically(directory / "short", "abc");
  const InputFile file(directory / "short");
  std::string room(4, '\0');
  testing::expect_throw_with<IoError>([&] { file.read_at(0, room); }, "1 byte(s) early");
}

}  // namespace
}  // namespace wick
