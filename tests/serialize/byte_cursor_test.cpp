// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "serialize/byte_reader.h"
#include "serialize/byte_writer.h"
#include "serialize/utf8.h"
#include "tests/support.h"

namespace wick {
namespace {

TEST(ByteCursor, ReadsBackWhatIsWritten) {
  ByteWriter writer;
  writer.write(std::uint8_t{0xAB});
  writer.write(std::uint16_t{0x1234});
  writer.write(std::uint32_t{0x89ABCDEF});
  writer.write(std::uint64_t{0xFEDCBA9876543210});
  writer.bytes("name\nrest");
  writer.fill(2, 'Z');
  EXPECT_EQ(writer.str().substr(1, 2), "\x34\x12");  // little-endian
  ByteReader reader(writer.str(), "here");
  EXPECT_EQ(reader.read<std::uint8_t>(), 0xAB);
  EXPECT_EQ(reader.read<std::uint16_t>(), 0x1234);
  EXPECT_EQ(reader.read<std::uint32_t>(), 0x89ABCDEF);
  EXPECT_EQ(reader.read<std::uint64_t>(), 0xFEDCBA9876543210);
  EXPECT_EQ(reader.take_line(), "name");
  EXPECT_EQ(reader.take(reader.remaining()), "restZZ");
}

TEST(ByteCursor, ErrorsSayWhereAndLeaveTheCursorInside) {
  ByteReader reader("abc", "file \"x\", record \"r\"", 100);
  reader.skip(1);
  testing::expect_throw_with<FormatError>([&] { static_cast<void>(reader.read<std::uint32_t>()); },
                                          "file \"x\", record \"r\", offset 101: needs 4");
  testing::expect_throw_with<FormatError>([&] { reader.skip(UINT64_MAX); }, "only 2 are left");
  testing::expect_throw_with<FormatError>([&] { static_cast<void>(reader.take_line()); }, "no end");
  EXPECT_EQ(reader.take(2), "bc");
}

TEST(Utf8, AcceptsWhatPythonAcceptsWithSurrogatepass) {
  for (const char* const good : {"", "plain", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                                 "\xed\xa0\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_utf8(good)) << good;
  }
  for (const char* const bad : {"\x80", "\xc0\xaf", "\xc3", "\xe0\x80\x80", "\xf0\x80\x80\x80",
                                "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc3(", "\xff"}) {
    EXPECT_FALSE(is_utf8(bad)) << bad;
  }
}

TEST(Utf8, ConvertsLatin1BothWays) {
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(static_cast<unsigned char>(i)));
  EXPECT_EQ(utf8_to_latin1(latin1_to_utf8(all)), all);
  EXPECT_EQ(utf8_to_latin1("\xe2\x82\xac"), std::nullopt);  // above U+00FF
  EXPECT_EQ(utf8_to_latin1("\xc3"), std::nullopt);
}

}  // namespace
}  // namespace wick
