// SPDX-License-Identifier: MIT
// What all programs that read checkpoints do with records that were changed, and with tensors of
// devices that are not here.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "serialize/input_file.h"
#include "serialize/zip_reader.h"
#include "serialize/zip_writer.h"
#include "tests/tools/programs_fixture.h"
#include "wick/serialize/checkpoint_file.h"

namespace wick::testing {
namespace {

using namespace std::string_literals;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void replace_all(std::string& text, std::string_view old, std::string_view now) {
  for (std::size_t at = text.find(old); at != std::string::npos;
       at = text.find(old, at + now.size())) {
    text.replace(at, old.size(), now);
  }
}

class ReadingPrograms : public Programs {
 protected:
  static std::filesystem::path fixtures() {
    return std::filesystem::path(WICK_FIXTURES) / "serialize";
  }

  void SetUp() override {
    Programs::SetUp();
    const ProcessResult result = train(training("run", {"--epochs", "1"}));
    ASSERT_EQ(result.status, 0) << result.err;
    trained_ = last_line(result.out);
  }

  /// run/last.tar with another last bit in a weight, as if it had been changed in place.
  void write_stale(const std::string& name) const {
    std::string bytes = content(at("run/last.tar"));
    const CheckpointFile checkpoint = CheckpointFile::open(at("run/last.tar"));
    const InputFile file(at("run/last.tar"));
    const ZipReader zip(file);
    for (const TensorInfo& info : checkpoint.tensors()) {
      if (info.name != "model.layer1.weight") continue;
      bytes[static_cast<std::size_t>(zip.data_offset(*zip.find(info.record)))] ^= 1;
      write_file(dir_ / name, bytes);
      return;
    }
    FAIL() << "no model.layer1.weight";
  }

  /// run/last.tar as if its tensors had been on another device.
  void write_from_device(const std::string& name, const std::string& device) const {
    const InputFile file(at("run/last.tar"));
    const ZipReader zip(file);
    std::string archive;
    ZipWriter writer([&archive](std::string_view piece) { archive.append(piece); }, "");
    for (const ZipEntry& entry : zip.entries()) {
      std::string record = zip.read(entry);
      if (entry.name.ends_with("/data.pkl")) {
        const std::string cpu = "X\3\0\0\0cpu"s;
        ASSERT_NE(record.find(cpu), std::string::npos);
        replace_all(record, cpu, "X"s + static_cast<char>(device.size()) + "\0\0\0"s + device);
      }
      writer.add(entry.name, record);
    }
    writer.finish();
    write_file(dir_ / name, archive);
  }

  /// Programs and arguments that read a file with a run in it, wherever its tensors were.
  [[nodiscard]] std::vector<std::pair<std::string, Arguments>> readers_of(
      const std::string& path) const {
    return {
        {"train", {"--resume", path, "--checkpoint-dir", at("resumed")}},
        {"train", training("begun", {"--init", path, "--epochs", "0"})},
        {"predict", {path, "--data", at("data")}},
        {"ckpt", {"ls", path}},
        {"ckpt", {"show", path}},
        {"ckpt", {"show", path, "model.layer1.weight"}},
        {"ckpt", {"verify", path}},
        {"ckpt", {"diff", path, path}},
        {"ckpt", {"convert", path, at("converted.pt")}},
        {"ckpt", {"convert", path, at("model.safetensors"), "--root", "model"}},
        {"ckpt", {"extract", path, "model.layer1.weight", at("weight.npy")}},
    };
  }
  [[nodiscard]] ProcessResult start(const std::string& program, const Arguments& arguments) const {
    return run(program, arguments, dir_.path());
  }

  std::string trained_;  // the accuracy's line
};

TEST_F(ReadingPrograms, NameNoVerifyWhereAChecksumIsWrongAndReadOnWithIt) {
  write_stale("stale.tar");
  const std::vector<std::pair<std::string, Arguments>> cases = {
      {"train", {"--resume", at("stale.tar"), "--checkpoint-dir", at("resumed")}},
      {"train", training("begun", {"--init", at("stale.tar"), "--epochs", "0"})},
      {"predict", {at("stale.tar"), "--data", at("data")}},
  };
  for (const auto& [program, arguments] : cases) {
    SCOPED_TRACE(program + " " + arguments[0]);
    const ProcessResult refused = start(program, arguments);
    expect_refused(refused, 1, "CRC-32 is not the recorded one); --no-verify reads on");
    EXPECT_THAT(refused.err, HasSubstr("stale.tar"));
    Arguments reading = arguments;
    reading.emplace_back("--no-verify");
    const ProcessResult read = start(program, reading);
    EXPECT_EQ(read.status, 0) << read.err;
    EXPECT_EQ(last_line(read.out), trained_);
    EXPECT_THAT(start(program, {"--help"}).out, HasSubstr("--no-verify"));
  }
}

TEST_F(ReadingPrograms, ReadTensorsOfAnyDeviceWithoutIt) {
  for (const std::string device : {"cuda:0", "mps", "xpu:1"}) {
    write_from_device("there.tar", device);
    for (const auto& [program, arguments] : readers_of(at("there.tar"))) {
      SCOPED_TRACE(device + ": " + program + " " + arguments[0]);
      const ProcessResult result = start(program, arguments);
      EXPECT_EQ(result.status, 0) << result.err;
      EXPECT_THAT(result.out + result.err, Not(AnyOf(HasSubstr("load("), HasSubstr("kCpu"))));
    }
  }
}

// What the library says of its functions is not for those who run programs.
TEST_F(ReadingPrograms, SpeakOfTheirOptionsAlone) {
  std::string legacy = content((fixtures() / "legacy_training.pt").string());
  const std::string cpu = "X\3\0\0\0cpu"s;
  ASSERT_NE(legacy.find(cpu), std::string::npos);
  for (const std::string device : {"cuda:0", "mps"}) {
    std::string there = legacy;
    replace_all(there, cpu, "X"s + static_cast<char>(device.size()) + "\0\0\0"s + device);
    write_file(dir_ / "legacy.pt", there);
    for (const auto& [program, arguments] : readers_of(at("legacy.pt"))) {
      SCOPED_TRACE(device + ": " + program + " " + arguments[0]);
      const ProcessResult result = start(program, arguments);
      EXPECT_LE(result.status, 1) << result.err;
      EXPECT_THAT(result.out + result.err, Not(AnyOf(HasSubstr("load("), HasSubstr("kCpu"))));
    }
  }
  const std::string foreign = (fixtures() / "foreign.pt").string();
  expect_refused(start("train", {"--resume", foreign}), 1, "a new run starts from that by --init");
  for (const auto& [program, arguments] : readers_of(foreign)) {
    const ProcessResult result = start(program, arguments);
    EXPECT_THAT(result.out + result.err, Not(HasSubstr("LoadOptions"))) << program;
  }
}

}  // namespace
}  // namespace wick::testing
