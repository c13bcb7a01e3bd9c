// SPDX-License-Identifier: MIT
// What people do wrong with the programs, and what they read then: one line that names the thing,
// its value and the remedy, a status that is not 0, and nothing left behind.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/sanitizers.h"
#include "tests/tools/programs_fixture.h"

namespace wick::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

struct Mistake {
  Arguments arguments;  // "@x" is the file x in the folder of the test
  int status = 0;
  std::string text;  // "@" is that folder
};

class Mistakes : public Programs {
 protected:
  void SetUp() override {
    Programs::SetUp();
    write_file(dir_ / "empty", "");
    write_file(dir_ / "text.txt", "this is a text");
    fs::create_directories(dir_ / "folder");
    ASSERT_EQ(train(training("run", {"--epochs", "1"})).status, 0);
    before_ = names();
  }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(dir_.path())) {
      const std::string name = entry.path().filename().string();
      if (name != "stdout" && name != "stderr") all.push_back(entry.path().string());
    }
    std::sort(all.begin(), all.end());
    return all;
  }
  [[nodiscard]] std::string whole(const std::string& text) const {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '@') {
        result += text[i];
        continue;
      }
      result += dir_.path().string();
      const bool name_follows = i + 1 < text.size() && std::isalnum(text[i + 1]) != 0;
      if (name_follows) result += '/';
    }
    return result;
  }
  void expect_answer(const std::string& program, const Mistake& mistake) const {
    Arguments arguments;
    std::string command = program;
    for (const std::string& argument : mistake.arguments) {
      arguments.push_back(whole(argument));
      command += ' ' + argument;
    }
    SCOPED_TRACE(command);
    const ProcessResult result = run(program, arguments, dir_.path());
    expect_refused(result, mistake.status, program + ": " + whole(mistake.text));
    EXPECT_EQ(result.err.find("see " + program + " --help") != std::string::npos,
              mistake.status == 2)
        << result.err;
    EXPECT_EQ(names(), before_);
  }
  void expect_answers(const std::string& program, const std::vector<Mistake>& mistakes) const {
    for (const Mistake& mistake : mistakes) expect_answer(program, mistake);
    EXPECT_GE(mistakes.size(), 20U);
  }
  std::vector<std::string> before_;
};

TEST_F(Mistakes, OfTrainAreExplained) {
  const std::string new_run = "@new";
  expect_answers(
      "train",
      {
          {{}, 2, "--data is missing; it must be a folder with MNIST's files or images"},
          {{"@data"}, 2, "'@data' is one argument too many"},
          {{"--data"}, 2, "--data needs a value, DIR"},
          {{"--data", "--lr", "1"}, 2, "--data needs a value, DIR; the option --lr follows it"},
          {{"--data", "@nowhere", "--checkpoint-dir", new_run},
           1,
           "data '@nowhere': No such file or directory; give a folder of IDX files or images"},
          {{"--data", "@text.txt", "--checkpoint-dir", new_run}, 1, "data '@text.txt': it is no f"},
          {{"--data", "@folder", "--checkpoint-dir", new_run},
           1,
           "data '@folder': the folder has neither MNIST's files (train-images-idx3-ubyte.gz, ...) "
           "nor images (train/<class>/*.png or *.jpg)"},
          {{"--data", "@data", "--lr", "nan"}, 2, "--lr is nan; it must be a positive number"},
          {{"--data", "@data", "--lr", "0,1"}, 2, "--lr is 0,1; it must be a number, as 0.01"},
          {{"--data", "@data", "--lr", "1", "--lr", "2"},
           2,
           "--lr is given 2 times, as 1 and 2; give it once"},
          {{"--data", "@data", "--epochs", "-1"},
           2,
           "--epochs is -1; it must be a whole number from 0 on"},
          {{"--data", "@data", "--epochs", "ten"}, 2, "--epochs is ten; it must be a whole number"},
          {{"--data", "@data", "--batch-size", "0"},
           2,
           "--batch-size is 0; it must be a whole number from 1 on"},
          {{"--data", "@data", "--batch-size", "99999999999999999999"},
           2,
           "--batch-size is 99999999999999999999; it must be a whole number"},
          {{"--data", "@data", "--seed", ""}, 2, "--seed has an empty value"},
          {{"--data", "@data", "--normalize=maybe"},
           2,
           "--normalize takes no value; leave '=maybe' out"},
          {{"--data", "@data", "--threads", "0"},
           2,
           "--threads is 0; it must be a whole number from 1 to 1024"},
          {{"--data", "@data", "--model", "32,"},
           2,
           "--model is 32,; it must be sizes, as in 512,512"},
          {{"--data", "@data", "--val-split", "0.0001", "--checkpoint-dir", new_run},
           1,
           "--val-split 0.0001 holds out none of 1999 training images; give "},
          {{"--data", "@data", "--checkpoint-dir", "@text.txt"},
           1,
           "cannot make the checkpoint folder '@text.txt': Not a directory"},
          {{"--data", "@data", "--checkpoint-dir", "@run"},
           1,
           "--checkpoint-dir '@run' has the checkpoints of another run"},
          {{"--data", "@data", "--device", "gpu"},
           2,
           "--device is gpu; it must be cpu, cuda or cuda:N"},
          {{"--resume", "@nowhere.tar"}, 1, "cannot open \"@nowhere.tar\": No such file"},
          {{"--resume", "@run"},
           1,
           "--resume '@run' is a folder; give a checkpoint in it, as @run/last.tar"},
          {{"--resume", "@folder"}, 1, "--resume '@folder' is a folder; give a checkpoint"},
          {{"--resume", "@empty"}, 1, "file \"@empty\", offset 0: not a checkpoint: it is empty"},
          {{"--resume", "@text.txt"}, 1, "file \"@text.txt\", offset 0: not a checkpoint: it is a"},
          {{"--resume", "@run/last.tar", "--lr", "2"},
           1,
           "--resume '@run/last.tar' is a checkpoint of another run: --lr is 2, there it is 0.001"},
          {{"--resume", "@run/last.tar", "--epochs", "0"}, 1, "cannot resume from '@run/last.tar'"},
          {{"--resume", "@run/last.tar", "--init", "@run/last.tar"},
           2,
           "--resume goes on with a run, --init begins one: give one of them"},
          {{"--data", "@data", "--init", "@folder"}, 1, "--init '@folder' is a folder; give a"},
          {{"--data", "@data", "--init", "@run/last.tar", "--checkpoint-dir", "@run"},
           1,
           "--init '@run/last.tar' is a file that this run would overwrite; give another"},
      });
}

TEST_F(Mistakes, AModelThatNoMemoryHoldsIsNamed) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer ends the program here";
  const std::string sizes = "1000000,1000000";
  expect_answer("train",
                {{"--data", "@data", "--model", sizes, "--checkpoint-dir", "@run", "--force"},
                 1,
                 "out of memory, with --model 1000000,1000000 and --batch-size 32; smaller ones"});
}

TEST_F(Mistakes, OfPredictAreExplained) {
  const std::string checkpoint = "@run/last.tar";
  expect_answers(
      "predict",
      {
          {{}, 2, "CHECKPOINT is missing: a file with a trained network"},
          {{"--data", "@data"}, 2, "CHECKPOINT is missing: a file with a trained network"},
          {{checkpoint}, 2, "nothing to classify: give images or --data"},
          {{checkpoint, ""}, 2, "argument 2 is empty"},
          {{checkpoint, "--data"}, 2, "--data needs a value, DIR"},
          {{checkpoint, "--data", "@data", "--data", "@folder"},
           2,
           "--data is given 2 times, as @data and @folder; give it once"},
          {{checkpoint, "--dat", "@data"}, 2, "--dat: no such option; did you mean --data?"},
          {{checkpoint, "--data", "@data", "--threads", "many"},
           2,
           "--threads is many; it must be a whole number from 1 to 1024"},
          {{checkpoint, "--data", "@data", "--threads", "0"}, 2, "--threads is 0; it must be a"},
          {{checkpoint, "--data", "@data", "--device", "tpu"},
           2,
           "--device is tpu; it must be cpu, cuda or cuda:N"},
          {{checkpoint, "--data", "@data", "--no-verify=1"}, 2, "--no-verify takes no value"},
          {{checkpoint, "--data", "@data", "--activation", "relo"},
           2,
           "--activation: no activation is called 'relo'; there are none, relu, "},
          {{checkpoint, "--data", "@data", "--activation", "tanh"},
           1,
           "--activation is tanh, but \"@run/last.tar\" is of tools/train, whose networks have "
           "relu; leave it out"},
          {{"@nowhere.tar", "a.png"}, 1, "cannot open \"@nowhere.tar\": No such file"},
          {{"@run", "a.png"},
           1,
           "CHECKPOINT '@run' is a folder; give a checkpoint in it, as @run/last.tar"},
          {{"@empty", "a.png"}, 1, "file \"@empty\", offset 0: not a checkpoint: it is empty"},
          {{"@text.txt", "a.png"}, 1, "file \"@text.txt\", offset 0: not a checkpoint"},
          {{checkpoint, "@nowhere.png"}, 1, "cannot read '@nowhere.png': No such file"},
          {{checkpoint, "@folder"}, 1, "cannot read '@folder': it is a folder"},
          {{checkpoint, "@empty"}, 1, "@empty: the file is empty"},
          {{checkpoint, "@text.txt"}, 1, "@text.txt: not a PNG or JPEG image, by its first bytes"},
          {{checkpoint, "--data", "@nowhere"}, 1, "data '@nowhere': No such file or directory"},
          {{checkpoint, "--data", "@folder"}, 1, "data '@folder': the folder has neither"},
      });
}

TEST_F(Mistakes, OfSyntheticAreExplained) {
  const std::string range = "; it must be a whole number from 1 to 10000000";
  expect_answers(
      "synthetic",
      {
          {{}, 2, "FOLDER is missing: to write into, made where it is missing"},
          {{""}, 2, "argument 1 is empty"},
          {{"--train", "5"}, 2, "FOLDER is missing"},
          {{"@new", "@other"}, 2, "'@other' is one argument too many"},
          {{"@new", "--train"}, 2, "--train needs a value, N"},
          {{"@new", "--train", "x"}, 2, "--train is x" + range},
          {{"@new", "--train", "0"}, 2, "--train is 0" + range},
          {{"@new", "--train", "-5"}, 2, "--train is -5" + range},
          {{"@new", "--train", "1.5"}, 2, "--train is 1.5" + range},
          {{"@new", "--train", "99999999999"}, 2, "--train is 99999999999" + range},
          {{"@new", "--train", "nan"}, 2, "--train is nan" + range},
          {{"@new", "--train="}, 2, "--train has an empty value"},
          {{"@new", "--train", "1", "--train", "2"}, 2, "--train is given 2 times, as 1 and 2"},
          {{"@new", "--test", "0"}, 2, "--test is 0" + range},
          {{"@new", "--seed", "-1"}, 2, "--seed is -1; it must be a whole number from 0 on"},
          {{"@new", "--seed", "today"}, 2, "--seed is today; it must be a whole number"},
          {{"@new", "--png"}, 2, "--png needs a value, N"},
          {{"@new", "--png", "0"}, 2, "--png is 0" + range},
          {{"@new", "--png", "--seed", "1"}, 2, "--png needs a value, N; the option --seed"},
          {{"@new", "--png", "2", "--train", "2"}, 2, "--train has no effect with --png 2"},
          {{"@new", "--png", "2", "--force"}, 2, "--force has no effect with --png 2"},
          {{"@new", "--tran", "5"}, 2, "--tran: no such option; did you mean --train?"},
          {{"@text.txt"}, 1, "cannot make '@text.txt': Not a directory"},
          {{"@text.txt/new"}, 1, "cannot make '@text.txt/new': Not a directory"},
          {{"@data"},
           1,
           "FOLDER '@data' has a data set in it; give another folder, or --force to replace it"},
      });
}

TEST_F(Mistakes, OfCkptAreExplained) {
  const std::string file = "@run/last.tar";
  expect_answers(
      "ckpt",
      {
          {{}, 2, "a command is missing: ls, show, diff, verify, convert or extract"},
          {{"lst", file}, 2, "no command is called 'lst'; did you mean ls?"},
          {{file}, 2, "no command is called '@run/last.tar'; there are ls, show"},
          {{"ls"}, 2, "FILE is missing: checkpoints of any format"},
          {{"ls", ""}, 2, "argument 2 is empty"},
          {{"ls", "@nowhere"}, 1, "cannot open \"@nowhere\": No such file or directory"},
          {{"ls", "@folder"}, 1, "file \"@folder\": a folder, not a file"},
          {{"ls", "@empty"}, 1, "file \"@empty\", offset 0: not a checkpoint: it is empty"},
          {{"verify", "@text.txt"}, 1, "file \"@text.txt\", offset 0: not a checkpoint: it is a t"},
          {{"ls", file, "--json=yes"}, 2, "--json takes no value; leave '=yes' out"},
          {{"show", file, "nothing"},
           1,
           "no tensor \"nothing\" in file \"@run/last.tar\"; ckpt ls"},
          {{"show", file, "--items", "-1"}, 2, "--items is -1; it must be a whole number from 0"},
          {{"show", file, "--items", "few"}, 2, "--items is few; it must be a whole number from"},
          {{"diff", file}, 2, "B is missing: a checkpoint of any format"},
          {{"diff", file, file, file}, 2, "'@run/last.tar' is one argument too many"},
          {{"diff", file, file, "--rtol", "-1"},
           2,
           "--rtol is -1; it must be a number from 0 on, as 0.01"},
          {{"diff", file, file, "--atol", "nan"}, 2, "--atol is nan; it must be a number from 0"},
          {{"convert", file}, 2, "OUT is missing: to write; its ending says the format"},
          {{"convert", file, "@out"}, 2, "OUT is '@out', which has no ending; give --to pt, safe"},
          {{"convert", file, "@out.zip"},
           2,
           "OUT is '@out.zip', whose ending says no format; give --to pt, safetensors"},
          {{"convert", file, "@o.pt", "--to", "pkl"}, 2, "--to is pkl; it must be pt, safetens"},
          {{"convert", file, "@o.pt", "--dtype", "float99"},
           2,
           "--dtype is float99; it must be a dtype of floating-point numbers, as float16"},
          {{"convert", file, "@o.pt", "--dtype", "int8"}, 2, "--dtype is int8; it must be a dtype"},
          {{"convert", file, "@o.pt", "--map-location", "gpu"},
           2,
           "--map-location is gpu; it must be cpu, cuda, cuda:N or meta"},
          {{"convert", file, "@o.npz", "--map-location", "cpu"},
           2,
           "--map-location has no effect with OUT '@o.npz', since only .pt files keep devices"},
          {{"convert", file, "@nowhere/o.pt"}, 1, "cannot write \"@nowhere/o.pt\": cannot create"},
          {{"convert", file, "@o.pt", "--root", "nothing"}, 1, "no"},
          {{"convert", file, "@o.npz", "--only", "nothing"}, 1, "no tensor \"nothing\" in file"},
          {{"extract", file, "model"}, 2, "OUT is missing: to write"},
          {{"extract", file, "model", "@o.npy"}, 1, "a .npy file holds one tensor, not 4; choose"},
      });
}

TEST_F(Mistakes, FilesThatMayNotBeReadAreNamed) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read all files";
  fs::copy_file(at("run/last.tar"), at("secret.tar"));
  ::chmod(at("secret.tar").c_str(), 0);
  for (const auto& [program, arguments] : std::vector<std::pair<std::string, Arguments>>{
           {"train", {"--resume", at("secret.tar")}},
           {"train", training("new", {"--init", at("secret.tar")})},
           {"predict", {at("secret.tar"), "--data", at("data")}},
           {"predict", {at("run/last.tar"), at("secret.tar")}},
           {"ckpt", {"ls", at("secret.tar")}}}) {
    const ProcessResult result = run(program, arguments, dir_.path());
    expect_refused(result, 1, "secret.tar");
    EXPECT_THAT(result.err, HasSubstr("Permission denied"));
  }
}

TEST_F(Mistakes, DrawnDigitsReplaceADataSetOnlyByForce) {
  const auto size = [this] { return fs::file_size(at("data/train-images-idx3-ubyte.gz")); };
  const auto before = size();
  const ProcessResult forced =
      run("synthetic", {at("data"), "--train", "20", "--test", "5", "--force"}, dir_.path());
  EXPECT_EQ(forced.status, 0) << forced.err;
  EXPECT_THAT(forced.out, HasSubstr("data: 20 training digits, 5 for the test"));
  EXPECT_LT(size(), before);
}

}  // namespace
}  // namespace wick::testing
