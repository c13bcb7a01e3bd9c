// SPDX-License-Identifier: MIT
// Text from files and names, as it is printed.
#include "tools/printable.h"

#include <random>

#include <gmock/gmock.h>

#include "serialize/utf8.h"
#include "tests/tools/programs_fixture.h"
#include "tools/data/png_file.h"

namespace wick::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using tools::message_line;
using tools::plain_name;
using tools::quote;
using tools::shortened;

// Python: repr("…") of the same texts, with " for '.
TEST(Printable, WhatSteersATerminalIsEscaped) {
  EXPECT_EQ(quote("plain"), "\"plain\"");
  EXPECT_EQ(quote("a\x1b[31mb\n\r\t\x7f\x01"), "\"a\\x1b[31mb\\n\\r\\t\\x7f\\x01\"");
  EXPECT_EQ(quote("\u202etxt.exe"), "\"\\u202etxt.exe\"");
  EXPECT_EQ(quote("\u2066\u200b\ufeff\u00ad\u2028\u061c"),
            "\"\\u2066\\u200b\\ufeff\\u00ad\\u2028\\u061c\"");
  EXPECT_EQ(quote("\u0085\u009b31m"), "\"\\u0085\\u009b31m\"");
  EXPECT_EQ(quote("\U000e0041"), "\"\\U000e0041\"");
  EXPECT_EQ(quote("say \"a\\b\""), "\"say \\\"a\\\\b\\\"\"");
  EXPECT_EQ(quote("Zürich 日本 \U0001f600"), "\"Zürich 日本 \U0001f600\"");
}

TEST(Printable, BytesThatAreNotUtf8AreEscaped) {
  EXPECT_EQ(quote("\xff\x80"
                  "a\xc3"),
            "\"\\xff\\x80a\\xc3\"");
  EXPECT_EQ(quote("\xed\xb2\x80"), "\"\\udc80\"");  // a lone surrogate
  EXPECT_EQ(quote("\xc0\xaf"), "\"\\xc0\\xaf\"");   // not the shortest form
}

TEST(Printable, LongTextIsCutBetweenCharacters) {
  EXPECT_EQ(quote("abcdef", 3), "\"abc\"...");
  EXPECT_EQ(quote("abc", 3), "\"abc\"");
  EXPECT_EQ(quote("ééé", 3), "\"éé\"...");
  EXPECT_EQ(shortened("ééé", 3), "é...");
  EXPECT_EQ(shortened("abc", 3), "abc");
  EXPECT_EQ(plain_name(std::string(400, 'k')), std::string(400, 'k'));
  EXPECT_EQ(plain_name(std::string(200000, 'k')), '"' + std::string(400, 'k') + "\"...");
}

TEST(Printable, NamesAreInQuotesOnlyWhereTheyMustBe) {
  EXPECT_EQ(plain_name("layer1.weight"), "layer1.weight");
  EXPECT_EQ(plain_name("a \"b\" \\ ü"), "a \"b\" \\ ü");
  EXPECT_EQ(plain_name(""), "\"\"");
  EXPECT_EQ(plain_name("9\ntest accuracy 100 %"), "\"9\\ntest accuracy 100 %\"");
}

TEST(Printable, MessagesAreOneLine) {
  EXPECT_EQ(message_line("file 'a\nb': bad"), "file 'a\\nb': bad");
  EXPECT_EQ(message_line("does not fit:\n  missing key \"a\"\n  shape of \"b\"\n"),
            "does not fit: missing key \"a\"; shape of \"b\"");
  EXPECT_EQ(message_line("\x1b]0;title\x07"), "\\x1b]0;title\\x07");
  const std::string line = message_line("file '" + std::string(200000, 'k') + "' is damaged");
  EXPECT_LT(line.size(), 2100U);
  EXPECT_THAT(line, HasSubstr("bytes left out"));
  EXPECT_TRUE(line.starts_with("file 'kkk") && line.ends_with("kkk' is damaged"));
  EXPECT_EQ(message_line(""), "");
  EXPECT_EQ(message_line("a\n   "), "a; ");
}

TEST(Printable, WhateverComesInIsPlainTextAfterwards) {
  const auto seed = std::random_device{}();
  std::mt19937 random(seed);
  for (int round = 0; round < 2000; ++round) {
    std::string text(random() % 60, ' ');
    for (char& c : text)
      c = static_cast<char>(random() % 2 == 0 ? random() : 0xe2 - random() % 100);
    for (const std::string& out : {quote(text), plain_name(text), message_line(text)}) {
      ASSERT_TRUE(is_utf8(out)) << "seed " << seed;
      for (const char c : out) {
        ASSERT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) << "seed " << seed;
      }
    }
  }
}

TEST_F(Programs, NamesFromFilesCannotSteerATerminal) {
  tools::write_png(Tensor::full({1, 2, 2}, 255, DType::uint8), at("a\x1b[2J.png"));
  const std::string evil = "9 (1.0000)\nb.png: \x1b[31mcat\u202e";
  save(Dict{{"model", Dict{{"fc.weight", Tensor::ones({2, 4})}}},
            {"data", Dict{{"classes", List{{evil, evil}}}}}},
       at("evil.pt"));
  const ProcessResult result = predict({at("evil.pt"), at("a\x1b[2J.png")});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 1) << result.out;
  EXPECT_THAT(result.out,
              HasSubstr("a\\x1b[2J.png\": \"9 (1.0000)\\nb.png: \\x1b[31mcat\\u202e\""));
  EXPECT_THAT(result.out + result.err, Not(HasSubstr("\x1b")));

  save(Dict{{"a.weight", Tensor::ones({2, 4})}, {"b\n\x1b[31m" + std::string(100000, 'x'), 3}},
       at("key\u202e.pt"));
  for (const char* const program : {"predict", "ckpt"}) {
    const ProcessResult refused =
        run(program,
            program == std::string("ckpt") ? Arguments{"ls", at("none\x1b.pt")}
                                           : Arguments{at("key\u202e.pt"), "x.png"},
            dir_.path());
    expect_refused(refused, 1, program == std::string("ckpt") ? "none\\x1b.pt" : "key\\u202e.pt");
    EXPECT_LT(refused.err.size(), 2300U);
    EXPECT_THAT(refused.err, Not(HasSubstr("\x1b")));
  }
  const ProcessResult shown = run("ckpt", {"show", at("key\u202e.pt")}, dir_.path());
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_LT(shown.out.size(), 2000U);
  EXPECT_THAT(shown.out, HasSubstr("\"b\\n\\x1b[31mxxx"));
  expect_refused(predict({at("evil.pt"), "x.png", "--device", "\x1b[31m\u202e"}), 2,
                 "\\x1b[31m\\u202e");
}

}  // namespace
}  // namespace wick::testing
