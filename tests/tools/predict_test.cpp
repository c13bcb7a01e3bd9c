// SPDX-License-Identifier: MIT
// The programs predict and synthetic from outside.
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>

#include "tests/tools/programs_fixture.h"
#include "tools/data/png_file.h"
#include "wick/serialize/safetensors.h"

namespace wick::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

std::string read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Predict : public Programs {
 protected:
  void SetUp() override {
    Programs::SetUp();
    const ProcessResult result =
        train(training("run", {"--epochs", "3", "--lr", "0.01", "--seed", "3"}));
    ASSERT_EQ(result.status, 0) << result.err;
    trained_ = last_line(result.out);
  }
  [[nodiscard]] std::string checkpoint() const { return at("run/last.tar"); }
  std::string trained_;  // the accuracy's line
};

TEST_F(Predict, TestsAsTheTrainingDid) {
  const ProcessResult result = predict({checkpoint(), "--data", at("data")});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(last_line(result.out), trained_);
  EXPECT_EQ(result.err, "");
}

TEST_F(Predict, ClassifiesPngFilesAsTheDataSet) {
  // Every test image as a file: as many are right as in the data set.
  const tools::Dataset test = tools::load_mnist(dir_ / "data").test;
  fs::create_directories(dir_ / "png");
  Arguments arguments = {checkpoint()};
  for (std::int64_t i = 0; i < test.size(); ++i) {
    const std::string file = at("png/" + std::to_string(i) + ".png");
    tools::write_png(test.images[i], file);
    arguments.push_back(file);
  }
  const ProcessResult result = predict(arguments);
  ASSERT_EQ(result.status, 0) << result.err;
  std::istringstream lines(result.out);
  std::string line;
  int hits = 0;
  for (std::int64_t i = 0; i < test.size(); ++i) {
    ASSERT_TRUE(std::getline(lines, line));
    const std::string prefix = arguments[static_cast<std::size_t>(i) + 1] + ": ";
    ASSERT_EQ(line.substr(0, prefix.size()), prefix);
    ASSERT_THAT(line.substr(prefix.size()), MatchesRegex("[0-9] \\([01]\\.[0-9]+\\)"));
    hits += line[prefix.size()] - '0' == test.labels.at<std::int64_t>({i}) ? 1 : 0;
  }
  EXPECT_THAT(trained_, HasSubstr("(" + std::to_string(hits) + " of 300)"));
}

TEST_F(Predict, TakesAPlainStateDictionary) {
  const Value model = load(checkpoint()).at("model");
  save(model, at("plain.pt"));
  const ProcessResult plain = predict({at("plain.pt"), "--data", at("data")});
  EXPECT_EQ(plain.status, 0) << plain.err;
  EXPECT_EQ(last_line(plain.out), trained_);
  EXPECT_THAT(plain.err, HasSubstr("keeps no transforms; bytes are scaled to [0, 1]"));

  // Under other names and another of the usual keys.
  StateDict renamed;
  renamed.set("net.0.weight", model.at("layer1.weight").as_tensor());
  renamed.set("net.0.bias", model.at("layer1.bias").as_tensor());
  renamed.set("net.2.weight", model.at("layer2.weight").as_tensor());
  renamed.set("net.2.bias", model.at("layer2.bias").as_tensor());
  save(Dict{{"model_state_dict", renamed.to_value()}}, at("renamed.pt"));
  EXPECT_EQ(last_line(predict({at("renamed.pt"), "--data", at("data")}).out), trained_);
}

TEST_F(Predict, SaysWhatItAssumesOfAnotherProgramsFile) {
  const Value model = load(checkpoint()).at("model");
  save(Dict{{"net", model}, {"data", 3}, {"tfs", Dict(Dict::Type::ordered_dict)}}, at("net.pt"));
  const ProcessResult assumed = predict({at("net.pt"), "--data", at("data")});
  EXPECT_EQ(last_line(assumed.out), trained_);
  EXPECT_THAT(assumed.err, HasSubstr("net.pt': its layers are taken to have ReLU between them"
                                     " (--activation says otherwise)"));
  const ProcessResult told = predict({at("net.pt"), "--data", at("data"), "--activation", "relu"});
  EXPECT_EQ(last_line(told.out), trained_);
  EXPECT_THAT(told.err, Not(HasSubstr("ReLU")));
  // Not ReLU: another network.
  const ProcessResult other = predict({at("net.pt"), "--data", at("data"), "--activation", "tanh"});
  EXPECT_EQ(other.status, 0) << other.err;
  EXPECT_NE(last_line(other.out), trained_);
  expect_refused(predict({at("net.pt"), "x.png", "--activation", "swish"}), 2,
                 "no activation is called 'swish'; there are none, relu,");
}

TEST_F(Predict, TakesTheLayersInTheOrderOfTheirNumbers) {
  // As Python's sorted() and safetensors files have them: layer10 before layer2.
  StateDict sorted;
  const Value model = load(checkpoint()).at("model");
  const StateDict layers = StateDict::from_value(model);
  const auto copy = [&](const std::string& from, const std::string& to) {
    for (const char* const part : {".weight", ".bias"})
      sorted.set(to + part, layers.at(from + part));
  };
  copy("layer2", "layer10");
  copy("layer1", "layer2");
  save(sorted.to_value(), at("sorted.pt"));
  save_safetensors(sorted, at("sorted.safetensors"));
  for (const char* const name : {"sorted.pt", "sorted.safetensors"}) {
    const ProcessResult result = predict({at(name), "--data", at("data")});
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(last_line(result.out), trained_);
    EXPECT_THAT(result.err, HasSubstr("not that of the file: 'layer2.weight', 'layer10.weight'"));
  }
}

TEST_F(Predict, EntriesOfOtherProgramsDoNotMatter) {
  const Value model = load(checkpoint()).at("model");
  for (const Value& foreign :
       {Value(3), Value("mnist"), Value(List{{1, 2, 3}}), Value(Dict{{"image_shape", "28x28"}}),
        Value(Dict{{"image_shape", List{{"a", 1, 2}}}, {"classes", 4}}),
        Value(Dict{{"image_shape", List{{1, 5, 5}}}}), Value(Dict{{"classes", List{{1, 2}}}}),
        Value(Tensor::ones({2}))}) {
    for (const char* const name : {"data", "tfs", "config"}) {
      save(Dict{{name, foreign}, {"model", model}}, at("foreign.pt"));
      const ProcessResult result = predict({at("foreign.pt"), "--data", at("data")});
      EXPECT_EQ(result.status, 0) << result.err;
      EXPECT_EQ(last_line(result.out), trained_);
    }
  }
}

TEST_F(Predict, ALargePictureIsRefusedBeforeItIsDecoded) {
  // Its header, and nothing of its pixels.
  tools::write_png(Tensor::zeros({1, 28, 28}, DType::uint8), at("a.png"));
  std::string bytes = read_bytes(at("a.png"));
  bytes.replace(16, 13, std::string("\0\0\x0b\xb8\0\0\x0b\xb8\x08\0\0\0\0", 13));  // 3000 x 3000
  bytes.replace(29, 4, "\x54\x7e\xaa\xa5");
  bytes.append(20000, 'x');
  write_file(at("a.png"), bytes);
  expect_refused(predict({checkpoint(), at("a.png")}), 1,
                 "a.png: is 3000 x 3000 pixels; the model was trained on 28 x 28");
}

TEST_F(Predict, NetworksWithoutAnAnswerAreRefused) {
  tools::write_png(Tensor::full({1, 2, 2}, 255, DType::uint8), at("a.png"));
  save(Dict{{"l1.weight", Tensor::full({4, 4}, 3e38)}, {"l2.weight", Tensor::full({2, 4}, -3e38)}},
       at("huge.pt"));
  const ProcessResult result = predict({at("huge.pt"), at("a.png"), "--activation", "relu"});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("a.png: the network's answer is no finite number"));
}

TEST_F(Predict, AppliesTheSavedTransforms) {
  ASSERT_EQ(train(training("norm", {"--epochs", "2", "--normalize"})).status, 0);
  const Value checkpoint = load(at("norm/last.tar"));
  EXPECT_GT(checkpoint.at("transforms").at("normalize").at("mean").as_tensor().at<double>({0}),
            0.02);
  const ProcessResult result = predict({at("norm/last.tar"), "--data", at("data")});
  const ProcessResult again = train({"--resume", at("norm/last.tar")});
  EXPECT_EQ(last_line(result.out), last_line(again.out));
}

TEST_F(Predict, OtherSizesAndKindsAreRefusedAndTheRestGoesOn) {
  tools::write_png(Tensor::zeros({1, 28, 27}, DType::uint8), at("narrow.png"));
  tools::write_png(Tensor::zeros({3, 28, 28}, DType::uint8), at("color.png"));
  std::ofstream(at("text.png")) << "no image at all";
  const ProcessResult result =
      predict({checkpoint(), at("narrow.png"), at("text.png"), at("none.png"), at("color.png")});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err,
              HasSubstr("narrow.png: is 27 x 28 pixels; the model was trained on 28 x 28"));
  EXPECT_THAT(result.err, HasSubstr("text.png: not a PNG or JPEG image"));
  EXPECT_THAT(result.err, HasSubstr("none.png': No such file"));
  // Grayscale is among the transforms, so that a picture in colour is no problem.
  EXPECT_THAT(result.out, HasSubstr("color.png: "));
}

TEST_F(Predict, BadCheckpointsAreRefusedInOneLine) {
  const std::string image = at("image.png");
  tools::write_png(Tensor::zeros({1, 28, 28}, DType::uint8), image);
  expect_refused(predict({at("none.pt"), image}), 1, "No such file");
  expect_refused(predict({image, image}), 1, "image.png");
  save(Value(3), at("three.pt"));
  expect_refused(predict({at("three.pt"), image}), 1, "holds a int");
  save(Dict{{"a.weight", Tensor::zeros({4})}}, at("vector.pt"));
  expect_refused(predict({at("vector.pt"), image}), 1, "no matrix named *.weight");
  save(Dict{{"a.weight", Tensor::zeros({4, 784})}, {"b.weight", Tensor::zeros({10, 5})}},
       at("chain.pt"));
  expect_refused(predict({at("chain.pt"), image}), 1,
                 "'a.weight' gives 4 numbers, 'b.weight' takes 5");
  save(Dict{{"conv.weight", Tensor::zeros({4, 1, 3, 3})}, {"b.weight", Tensor::zeros({10, 784})}},
       at("conv.pt"));
  expect_refused(predict({at("conv.pt"), image}), 1, "'conv.weight' of shape [4, 1, 3, 3]");
  save(Dict{{"b.weight", Tensor::zeros({10, 100})}}, at("small.pt"));
  const ProcessResult small = predict({at("small.pt"), image});
  EXPECT_EQ(small.status, 1);
  EXPECT_THAT(small.err, HasSubstr("784 numbers; the model takes 100"));
}

TEST_F(Predict, NonsenseOptionsAreRefusedInOneLine) {
  expect_refused(predict({}), 2, "CHECKPOINT is missing");
  expect_refused(predict({checkpoint()}), 2, "nothing to classify");
  expect_refused(predict({checkpoint(), "x.png", "--threads", "0"}), 2, "--threads");
  expect_refused(predict({checkpoint(), "x.png", "--device", "cuda:99"}), 1, "cuda:99");
  expect_refused(predict({checkpoint(), "--data", at("nowhere")}), 1, "nowhere");
}

TEST_F(Programs, SyntheticWritesFilesThatTrainReads) {
  const ProcessResult wrote = run(
      "synthetic", {at("drawn"), "--train", "500", "--test", "100", "--seed", "4"}, dir_.path());
  ASSERT_EQ(wrote.status, 0) << wrote.err;
  const tools::DataSplit drawn = tools::load_mnist(dir_ / "drawn");
  EXPECT_TRUE(bitwise_equal(drawn.train.images, tools::synthetic_digits(500, 4).images));
  ASSERT_EQ(run("synthetic", {at("png"), "--png", "12"}, dir_.path()).status, 0);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_ / "png"), {}), 12);
  expect_refused(run("synthetic", {at("x"), "--train", "0"}, dir_.path()), 2, "--train");
  expect_refused(run("synthetic", {}, dir_.path()), 2, "FOLDER");
  expect_refused(run("synthetic", {"/proc/x"}, dir_.path()), 1, "/proc/x");
}

TEST_F(Programs, PngFoldersAreTrainedOn) {
  const tools::DataSplit digits = tools::synthetic_split({60, 20, 1});
  for (const auto& [part, data] : {std::pair{"train", &digits.train}, {"test", &digits.test}}) {
    for (std::int64_t i = 0; i < data->size(); ++i) {
      const fs::path folder =
          dir_ / "tree" / part / ("digit" + std::to_string(data->labels.at<std::int64_t>({i})));
      fs::create_directories(folder);
      tools::write_png(data->images[i], folder / (std::to_string(i) + ".png"));
    }
  }
  const ProcessResult result =
      train({"--data", at("tree"), "--epochs", "1", "--checkpoint-dir", at("run")});
  ASSERT_EQ(result.status, 0) << result.err;
  const ProcessResult guess =
      predict({at("run/last.tar"),
               (dir_ / "tree/test/digit3").string() + "/" +
                   fs::directory_iterator(dir_ / "tree/test/digit3")->path().filename().string()});
  EXPECT_THAT(guess.out, HasSubstr(": digit"));
  fs::remove_all(dir_ / "tree/train/digit7");
  fs::create_directories(dir_ / "tree/train/digit7");
  expect_refused(train({"--data", at("tree"), "--checkpoint-dir", at("other")}), 1,
                 "digit7' has no images");
}

}  // namespace
}  // namespace wick::testing
