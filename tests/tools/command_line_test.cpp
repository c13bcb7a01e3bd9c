// SPDX-License-Identifier: MIT
// What all programs say about their command lines: versions, and mistyped names.
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "tests/tools/programs_fixture.h"
#include "tools/cli/names.h"
#include "wick/core/version.h"

namespace wick::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using tools::did_you_mean;
using tools::edit_distance;
using tools::nearest_name;

constexpr const char* kPrograms[] = {"train", "predict", "synthetic", "ckpt"};

class CommandLine : public ::testing::Test {
 protected:
  [[nodiscard]] ProcessResult start(const std::string& program, const Arguments& arguments) const {
    return run(program, arguments, dir_.path());
  }
  TempDir dir_;
};

TEST_F(CommandLine, VersionIsThatOfTheLibrary) {
  for (const std::string program : kPrograms) {
    const ProcessResult result = start(program, {"--version"});
    EXPECT_EQ(result.status, 0) << program << ": " << result.err;
    EXPECT_EQ(result.out, program + " (wick) " + std::string(version()) + "\n");
    EXPECT_EQ(result.err, "");
    EXPECT_THAT(start(program, {"--help"}).out, HasSubstr("--version")) << program;
  }
}

// Other arguments are not looked at, and nothing is made.
TEST_F(CommandLine, VersionAndHelpGoBeforeWhatIsMissing) {
  EXPECT_EQ(start("predict", {"--version"}).status, 0);
  EXPECT_EQ(start("synthetic", {"--version", (dir_ / "new").string()}).status, 0);
  EXPECT_FALSE(std::filesystem::exists(dir_ / "new"));
  EXPECT_THAT(start("ckpt", {"ls", "--help"}).out, HasSubstr("--json"));
}

TEST_F(CommandLine, MistypedNamesAreAnsweredWithTheRightOne) {
  struct Row {
    std::string program;
    Arguments arguments;
    std::string text;
  };
  const std::vector<Row> rows = {
      {"train", {"--epoch", "3"}, "--epoch: no such option; did you mean --epochs?"},
      {"train", {"--data", "synthetic", "--epoch=3"}, "--epoch: no such option; did you mean"},
      {"train", {"--batchsize", "3"}, "--batchsize: no such option; did you mean --batch-size?"},
      {"train", {"--batch", "3"}, "--batch: no such option; did you mean --batch-size?"},
      {"train", {"-epochs", "3"}, "-epochs: no such option; did you mean --epochs?"},
      {"train", {"--optimiser", "sgd"}, "did you mean --optimizer?"},
      {"train", {"--shceduler", "step"}, "did you mean --scheduler?"},
      {"train", {"--momentun", "0.9"}, "did you mean --momentum?"},
      {"train",
       {"--data", "synthetic", "--optimizer", "adamm"},
       "--optimizer is adamm; it must be sgd, adam, adamw, rmsprop, adagrad, nadam, radam or "
       "adamax; did you mean adam?"},
      {"train",
       {"--data", "synthetic", "--scheduler", "cosin"},
       "cosine, restarts or onecycle; did you mean cosine?"},
      {"predict", {"--devise", "cpu"}, "--devise: no such option; did you mean --device?"},
      {"predict", {"x.tar", "a.png", "--treads=2"}, "did you mean --threads?"},
      {"synthetic", {"--sed", "3", "x"}, "--sed: no such option; did you mean --seed?"},
      {"ckpt", {"ls", "--jsn", "x.pt"}, "--jsn: no such option; did you mean --json?"},
      {"ckpt", {"diff", "a.pt", "b.pt", "--rtoll", "1"}, "did you mean --rtol?"},
      {"ckpt", {"veryfy", "x.pt"}, "no command is called 'veryfy'; did you mean verify?"},
      {"ckpt",
       {"train", "x.pt"},
       "no command is called 'train'; there are ls, show, diff, verify, convert or extract"},
  };
  for (const Row& row : rows) {
    const ProcessResult result = start(row.program, row.arguments);
    EXPECT_EQ(result.status, 2);
    EXPECT_THAT(result.err, HasSubstr(row.text));
    EXPECT_THAT(result.err, HasSubstr("(see " + row.program + " --help)"));
  }
  // Where nothing is near, nothing is guessed.
  const ProcessResult far = start("train", {"--wavelength", "3"});
  EXPECT_THAT(far.err, HasSubstr("--wavelength: no such option (see"));
  EXPECT_THAT(far.err, Not(HasSubstr("mean")));
}

TEST(Names, DistanceCountsMistakesOfTyping) {
  EXPECT_EQ(edit_distance("epochs", "epochs"), 0U);
  EXPECT_EQ(edit_distance("epoch", "epochs"), 1U);
  EXPECT_EQ(edit_distance("epcohs", "epochs"), 1U);  // two exchanged
  EXPECT_EQ(edit_distance("opochs", "epochs"), 1U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("abc", ""), 3U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(Names, TheNearestIsFoundWhereOneIsNear) {
  const std::vector<std::string> names = {"--lr", "--seed", "--step-size", "--batch-size"};
  EXPECT_EQ(nearest_name("--sed", names), "--seed");
  EXPECT_EQ(nearest_name("--batch", names), "--batch-size");
  EXPECT_EQ(nearest_name("--Ir", names), "--lr");
  EXPECT_EQ(nearest_name("--temperature", names), "");
  EXPECT_EQ(nearest_name("", names), "");
  EXPECT_EQ(nearest_name(std::string(100000, 'x'), names), "");
  EXPECT_EQ(did_you_mean("--sed", names), "; did you mean --seed?");
  EXPECT_EQ(did_you_mean("--temperature", names), "");
}

}  // namespace
}  // namespace wick::testing
