// SPDX-License-Identifier: MIT
// ckpt on several files, and on standard input.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "tests/support.h"
#include "tests/tools/process.h"
#include "wick/serialize/any_file.h"
#include "wick/serialize/checkpoint.h"
#include "wick/serialize/safetensors.h"

namespace wick::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class CkptSeveral : public ::testing::Test {
 protected:
  void SetUp() override {
    save(Dict{{"a", Tensor::ones({2, 3})}}, dir_ / "a.pt");
    save(Dict{{"b", Tensor::ones({4})}}, dir_ / "b.pt");
    StateDict state;
    state.set("c", Tensor::ones({5}));
    save_safetensors(state, dir_ / "c.safetensors");
    write_file(dir_ / "bad.pt", "this is no checkpoint");
    write_file(dir_ / "empty.pt", "");
    std::ifstream file(dir_ / "a.pt", std::ios::binary);
    const std::string whole{std::istreambuf_iterator<char>(file), {}};
    write_file(dir_ / "cut.pt", whole.substr(0, whole.size() / 2));
    fs::create_directories(dir_ / "folder");
  }
  [[nodiscard]] std::string at(const std::string& name) const { return (dir_ / name).string(); }
  [[nodiscard]] ProcessResult ckpt(const std::vector<std::string>& arguments,
                                   const ProcessOptions& options = {}) const {
    return run("ckpt", arguments, dir_.path(), options);
  }
  static std::ptrdiff_t lines_of(const std::string& text) {
    return std::count(text.begin(), text.end(), '\n');
  }
  TempDir dir_;
};

TEST_F(CkptSeveral, VerifyLooksAtAllAndNamesEachThatFails) {
  const ProcessResult good = ckpt({"verify", at("a.pt"), at("b.pt"), at("c.safetensors")});
  EXPECT_EQ(good.status, 0) << good.err;
  for (const char* const name : {"a.pt: good", "b.pt: good", "c.safetensors: good"}) {
    EXPECT_THAT(good.out, HasSubstr(name));
  }
  const ProcessResult mixed = ckpt({"verify", at("bad.pt"), at("a.pt"), at("none.pt"),
                                    at("empty.pt"), at("cut.pt"), at("folder"), at("b.pt")});
  EXPECT_EQ(mixed.status, 1);
  EXPECT_THAT(mixed.out, HasSubstr("a.pt: good"));
  EXPECT_THAT(mixed.out, HasSubstr("b.pt: good"));
  EXPECT_EQ(lines_of(mixed.out), 2) << mixed.out;
  EXPECT_EQ(lines_of(mixed.err), 5) << mixed.err;
  for (const char* const name : {"bad.pt", "none.pt", "empty.pt", "cut.pt", "folder"}) {
    EXPECT_THAT(mixed.err, HasSubstr(at(name)));
  }
}

TEST_F(CkptSeveral, LsPutsATitleOverEach) {
  const ProcessResult result = ckpt({"ls", at("a.pt"), at("bad.pt"), at("c.safetensors")});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.out, HasSubstr(at("a.pt") + ":\nNAME"));
  EXPECT_THAT(result.out, HasSubstr("\n\n" + at("c.safetensors") + ":\nNAME"));
  EXPECT_THAT(result.err, HasSubstr(at("bad.pt")));
  EXPECT_EQ(lines_of(result.err), 1) << result.err;
  // One file has none.
  EXPECT_THAT(ckpt({"ls", at("a.pt")}).out, Not(HasSubstr(at("a.pt"))));
}

TEST_F(CkptSeveral, LsJsonIsAnArray) {
  const ProcessResult two = ckpt({"ls", "--json", at("a.pt"), at("b.pt")});
  ASSERT_EQ(two.status, 0) << two.err;
  const nlohmann::json parsed = nlohmann::json::parse(two.out);
  ASSERT_TRUE(parsed.is_array());
  ASSERT_EQ(parsed.size(), 2U);
  EXPECT_EQ(parsed[0].at("file"), at("a.pt"));
  EXPECT_EQ(parsed[1].at("tensors").at(0).at("name"), "b");
  const ProcessResult none = ckpt({"ls", "--json", at("bad.pt"), at("empty.pt")});
  EXPECT_EQ(none.status, 1);
  EXPECT_EQ(nlohmann::json::parse(none.out), nlohmann::json::array());
  EXPECT_TRUE(nlohmann::json::parse(ckpt({"ls", "--json", at("a.pt")}).out).is_object());
}

TEST_F(CkptSeveral, ReadsStandardInputFromAFileAndFromAPipe) {
  for (const bool piped : {false, true}) {
    for (const char* const name : {"a.pt", "c.safetensors"}) {
      const ProcessOptions from{.input = at(name), .piped_input = piped};
      const ProcessResult listed = ckpt({"ls", "-"}, from);
      EXPECT_EQ(listed.status, 0) << listed.err;
      EXPECT_EQ(listed.out, ckpt({"ls", at(name)}).out);
      const ProcessResult verified = ckpt({"verify", at("b.pt"), "-"}, from);
      EXPECT_EQ(verified.status, 0) << verified.err;
      EXPECT_THAT(verified.out, HasSubstr("\nstandard input: good ("));
      EXPECT_EQ(ckpt({"diff", "-", at(name)}, from).status, 0);
      EXPECT_EQ(ckpt({"diff", "-", "-"}, from).status, 0);
      EXPECT_EQ(ckpt({"diff", "-", at("b.pt")}, from).status, 1);
      ASSERT_EQ(ckpt({"convert", "-", at("out.pt")}, from).status, 0);
      EXPECT_EQ(ckpt({"diff", at("out.pt"), at(name)}).status, 0);
    }
  }
  const ProcessOptions from{.input = at("a.pt"), .piped_input = true};
  EXPECT_EQ(nlohmann::json::parse(ckpt({"ls", "--json", "-"}, from).out).at("file"),
            "standard input");
  EXPECT_THAT(ckpt({"show", "-", "a"}, from).out, HasSubstr("float32"));
}

TEST_F(CkptSeveral, WhatIsWrongWithStandardInputIsSaidOfIt) {
  for (const char* const name : {"bad.pt", "empty.pt", "cut.pt"}) {
    for (const bool piped : {false, true}) {
      const ProcessResult result = ckpt({"verify", "-"}, {.input = at(name), .piped_input = piped});
      EXPECT_EQ(result.status, 1) << name;
      EXPECT_THAT(result.err, HasSubstr("standard input")) << name;
      EXPECT_THAT(result.err, Not(HasSubstr("/proc/"))) << name;
      EXPECT_EQ(lines_of(result.err), 1) << result.err;
    }
  }
  const ProcessResult closed = ckpt({"ls", "-"}, {.closed = {0}});
  EXPECT_EQ(closed.status, 1);
  EXPECT_THAT(closed.err, HasSubstr("cannot read standard input: "));
  // The other files are looked at nevertheless.
  const ProcessResult beside = ckpt({"verify", "-", at("a.pt")}, {.closed = {0}});
  EXPECT_EQ(beside.status, 1);
  EXPECT_THAT(beside.out, HasSubstr("a.pt: good"));
  EXPECT_THAT(beside.err, HasSubstr("cannot read standard input: "));
  write_file(dir_ / "m.index.json", R"({"metadata": {}, "weight_map": {"c": "c.safetensors"}})");
  EXPECT_EQ(ckpt({"ls", at("m.index.json")}).status, 0);
  EXPECT_THAT(ckpt({"ls", "-"}, {.input = at("m.index.json")}).err,
              HasSubstr("standard input is an index of shards"));
  const ProcessResult written = ckpt({"convert", at("a.pt"), "-", "--to", "pt"});
  EXPECT_EQ(written.status, 2);
  EXPECT_THAT(written.err, HasSubstr("OUT is -"));
}

TEST_F(CkptSeveral, APipeTooLargeForItsCopyIsAnError) {
  const ProcessResult result =
      ckpt({"ls", "-"}, {.file_limit = 100, .input = at("a.pt"), .piped_input = true});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("cannot keep a copy of standard input in '"));
  EXPECT_THAT(result.err, HasSubstr("TMPDIR may name another folder"));
}

}  // namespace
}  // namespace wick::testing
