// SPDX-License-Identifier: MIT
#include "serialize/json_reader.h"

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/error.h"

namespace wick {
namespace {

using testing::expect_throw_with;

void check(std::string_view text) {
  JsonReader json(text, "text");
  json.skip_value();
  json.finish();
}

std::string read_string(std::string_view text) {
  JsonReader json(text, "text");
  std::string value = json.read_string();
  json.finish();
  return value;
}

std::uint64_t read_unsigned(std::string_view text) {
  return JsonReader(text, "text").read_unsigned();
}

TEST(JsonReader, TakesWhatIsJson) {
  for (const char* const text :
       {"null", "true", "false", "0", "-0", "12", "-1.5e+10", "1E5", "0.25", "\"\"", "[]", "{}",
        " [ 1 , [ ] , { } , \"a\" ] ", "{\"a\":{\"b\":[1,2,{\"c\":null}]},\"a\":1}\t\r\n"}) {
    EXPECT_NO_THROW(check(text)) << text;
  }
}

TEST(JsonReader, RefusesWhatIsNot) {
  for (const char* const text :
       {"",        " ",         "nul",        "nulll",   "True",     "+1",         "01",
        "-",       ".5",        "1.",         "1e",      "1e+",      "0x10",       "NaN",
        "'a'",     "\"",        "\"\\",       "\"\\x\"", "[1,]",     "[,1]",       "[1 2]",
        "[",       "]",         "{",          "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}",
        "{1:2}",   "[1}",       "{\"a\":1]",  "1 2",     "[] []",    "\"\t\"",     "\"\n\"",
        "// c\n1", "\"\\u12\"", "\"\\u12g4\""}) {
    EXPECT_THROW(check(text), FormatError) << text;
  }
  EXPECT_THROW(check(std::string_view("1\0", 2)), FormatError);
  EXPECT_THROW(check(std::string_view("[\0]", 3)), FormatError);
}

TEST(JsonReader, EveryPrefixOfAnObjectIsRefused) {
  const std::string text = R"({"a\u00e9":[1,-2.5e3,true,null,{"b":"c"}],"d":{}})";
  EXPECT_NO_THROW(check(text));
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_THROW(check(std::string_view(text).substr(0, size)), FormatError) << size;
  }
}

TEST(JsonReader, ReadsStrings) {
  EXPECT_EQ(read_string(R"("a\"\\\/\b\f\n\r\t")"), "a\"\\/\b\f\n\r\t");
  EXPECT_EQ(read_string(R"("\u0041\u00e9\u20AC\ud83d\ude00")"),
            "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  EXPECT_EQ(read_string("\"\xF0\x9F\x98\x80\x7f\""), "\xF0\x9F\x98\x80\x7f");
  EXPECT_EQ(read_string(R"("\u0000")"), std::string(1, '\0'));
  for (const char* const half :
       {R"("\ud83d")", R"("\ude00")", R"("\ud83dx")", R"("\ud83d\u0041")"}) {
    EXPECT_THROW(static_cast<void>(read_string(half)), FormatError) << half;
  }
}

TEST(JsonReader, TheTextMustBeUtf8) {
  for (const char* const text : {"\"\xff\"", "\"\xC3\"", "\"\xC0\x80\"", "\"\xED\xA0\x80\"",
                                 "\xEF\xBB\xBF"
                                 "1"}) {
    EXPECT_THROW(check(text), FormatError) << text;
  }
}

TEST(JsonReader, ReadsUnsignedNumbers) {
  EXPECT_EQ(read_unsigned("0"), 0u);
  EXPECT_EQ(read_unsigned("18446744073709551615"), 18446744073709551615u);
  for (const char* const text :
       {"18446744073709551616", "-1", "-0", "1.0", "1e3", "\"1\"", "true"}) {
    EXPECT_THROW(static_cast<void>(read_unsigned(text)), FormatError) << text;
  }
}

TEST(JsonReader, IsBoundedInDepth) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_NO_THROW(check(nested(JsonReader::kMaxDepth)));
  expect_throw_with<FormatError>([&] { check(nested(JsonReader::kMaxDepth + 1)); }, "128 levels");
  EXPECT_THROW(check(std::string(10'000'000, '[')), FormatError);
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  EXPECT_THROW(check(objects), FormatError);
}

TEST(JsonReader, ErrorsSayWhere) {
  expect_throw_with<FormatError>(
      [] {
        JsonReader json("[1, x]", "file \"f\"", 100);
        json.skip_value();
      },
      "file \"f\", offset 104: ");
}

TEST(JsonReader, QuotesAsSerdeDoes) {
  EXPECT_EQ(json_quote("a\"\\/\b\f\n\r\t\x01\x1f\x7f\xC3\xA9"),
            "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xC3\xA9\"");
  for (int c = 0; c < 128; ++c) {
    const std::string text(1, static_cast<char>(c));
    EXPECT_EQ(read_string(json_quote(text)), text) << c;
  }
}

}  // namespace
}  // namespace wick
