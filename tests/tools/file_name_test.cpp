// SPDX-License-Identifier: MIT
// Names of files as text of checkpoints. Expected values are Python's:
//   os.fsdecode(b"...").encode("utf-8", "surrogatepass")
#include "tools/data/file_name.h"

#include <random>

#include <gmock/gmock.h>

#include "serialize/utf8.h"
#include "tests/tools/programs_fixture.h"
#include "tools/data/png_file.h"

namespace wick::tools {
namespace {

TEST(FileName, Utf8StaysAsItIs) {
  for (const std::string name : {"", "plain", "caf\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
    EXPECT_EQ(text_of_file_name(name), name);
    EXPECT_EQ(file_name_of(name), name);
  }
}

TEST(FileName, OtherBytesAreSurrogatesAsInPython) {
  // Latin-1, a cut character, a longer form than needed, a surrogate, beyond U+10FFFF.
  const std::pair<std::string, std::string> cases[] = {
      {"caf\xe9", "caf\xed\xb3\xa9"},
      {"\xe2\x82", "\xed\xb3\xa2\xed\xb2\x82"},
      {"\xc0\x80", "\xed\xb3\x80\xed\xb2\x80"},
      {"\xed\xb3\xbf", "\xed\xb3\xad\xed\xb2\xb3\xed\xb2\xbf"},
      {"\xf4\x90\x80\x80", "\xed\xb3\xb4\xed\xb2\x90\xed\xb2\x80\xed\xb2\x80"},
      {"\xff\xc3\xa9", "\xed\xb3\xbf\xc3\xa9"},
  };
  for (const auto& [name, text] : cases) {
    EXPECT_EQ(text_of_file_name(name), text);
    EXPECT_EQ(file_name_of(text), name);
  }
}

TEST(FileName, AnyBytesComeBackFromTextThatACheckpointHolds) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  // Bytes on which the rules of UTF-8 turn, more often than others.
  const std::string edges =
      "\x7f\x80\x8f\x90\x9f\xa0\xbf\xc1\xc2\xdf\xe0\xe1\xec\xed\xee\xf0\xf1\xf4\xf5\xff";
  for (int round = 0; round < 20000; ++round) {
    std::string name(random() % 8, ' ');
    for (char& c : name) {
      c = random() % 2 == 0 ? edges[random() % edges.size()] : static_cast<char>(random() % 256);
    }
    const std::string text = text_of_file_name(name);
    ASSERT_TRUE(is_utf8(text));
    ASSERT_EQ(file_name_of(text), name);
  }
}

}  // namespace
}  // namespace wick::tools

namespace wick::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// In Latin-1: neither the folder of the data nor one of its classes is UTF-8.
TEST_F(Programs, NamesThatAreNotUtf8AreTrainedWithAndComeBack) {
  const std::string data =
      at("donn\xe9"
         "es");
  const std::string label = "\xe9t\xe9";
  const tools::DataSplit digits = tools::synthetic_split({40, 20, 1});
  for (const auto& [part, images] :
       {std::pair{"train", digits.train.images}, {"test", digits.test.images}}) {
    for (std::int64_t i = 0; i < images.size(0); ++i) {
      const fs::path folder = fs::path(data) / part / (i % 2 == 0 ? label : "winter");
      fs::create_directories(folder);
      tools::write_png(images[i], folder / (std::to_string(i) + ".png"));
    }
  }
  const std::string out = at("r\xe9sultats");
  const ProcessResult result =
      train({"--data", data, "--checkpoint-dir", out, "--epochs", "1", "--scheduler", "none"});
  ASSERT_EQ(result.status, 0) << result.err;
  const Value last = load(out + "/last.tar");
  EXPECT_EQ(last.at("config").at("data").as_string(), at("donn\xed\xb3\xa9"
                                                         "es"));
  EXPECT_EQ(last.at("data").at("classes").at_index(1).as_string(), "\xed\xb3\xa9t\xed\xb3\xa9");
  // Without --data: the folder is found again.
  const ProcessResult resumed = train({"--resume", out + "/last.tar", "--epochs", "2"});
  EXPECT_EQ(resumed.status, 0) << resumed.err;
  const ProcessResult scored = predict({out + "/last.tar", "--data", data});
  EXPECT_EQ(scored.status, 0) << scored.err;
}

}  // namespace
}  // namespace wick::testing
