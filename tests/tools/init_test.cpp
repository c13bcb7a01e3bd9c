// SPDX-License-Identifier: MIT
// train --init: runs that begin with the weights in a file of any program.
#include <limits>

#include <gmock/gmock.h>

#include "tests/tools/programs_fixture.h"
#include "wick/serialize/safetensors.h"

namespace wick::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class Init : public Programs {
 protected:
  void SetUp() override {
    Programs::SetUp();
    const ProcessResult result =
        train(training("first", {"--epochs", "2", "--lr", "0.01", "--scheduler", "none"}));
    ASSERT_EQ(result.status, 0) << result.err;
    trained_ = last_line(result.out);
    checkpoint_ = load(at("first/last.tar"));
    model_ = StateDict::from_value(checkpoint_.at("model"));
  }
  /// A run that starts from the file and trains no epoch.
  [[nodiscard]] ProcessResult start(const std::string& file, const Arguments& more = {}) const {
    Arguments all = training("run", {"--init", at(file), "--epochs", "0"});
    all.insert(all.end(), more.begin(), more.end());
    return train(all);
  }
  std::string trained_;  // the accuracy's line
  Value checkpoint_;
  StateDict model_;
};

TEST_F(Init, StartsWithTheWeightsOfFilesOfManyKinds) {
  StateDict renamed;
  for (const auto& [name, tensor] : model_) {
    renamed.set("module.net." + std::to_string(name[5] == '1' ? 0 : 2) + name.substr(6), tensor);
  }
  save(model_.to_value(), at("bare.pt"));
  save_safetensors(model_, at("model.safetensors"));
  save(Dict{{"net", renamed.to_value()}, {"epoch", 3}}, at("net.pt"));
  for (const char* const file : {"first/last.tar", "bare.pt", "model.safetensors", "net.pt"}) {
    const ProcessResult result = start(file);
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(last_line(result.out), trained_) << file;
    EXPECT_THAT(result.out, HasSubstr("starts  from " + at(file) + ":"));
  }
  EXPECT_THAT(start("net.pt").out, HasSubstr("the prefix 'module.' of all its names is taken off"));
  EXPECT_THAT(start("bare.pt").out, HasSubstr("it has no optimizer's state"));
}

TEST_F(Init, IsANewRunWithItsOwnShuffles) {
  const ProcessResult result = train(training(
      "run", {"--init", at("first/last.tar"), "--epochs", "1", "--lr", "0.001", "--seed", "9"}));
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("its optimizer's state is taken, under this run's options"));
  const Value run = load(at("run/model_dnn_0.tar"));
  EXPECT_EQ(run.at("epoch").as_int(), 1);
  EXPECT_EQ(run.at("config").at("lr").as_double(), 0.001);
  const float steps = run.at("opt").at("state").at(0).at("step").as_tensor().item<float>();
  EXPECT_EQ(steps, 3.0F * 63);  // of three epochs
  // Weights, then a permutation: as in any run with that seed.
  ASSERT_EQ(train(training("other", {"--epochs", "1", "--seed", "9"})).status, 0);
  EXPECT_TRUE(run.at("generator") == load(at("other/last.tar")).at("generator"));
  EXPECT_LT(run.at("best_loss").as_double(),
            load(at("other/last.tar")).at("best_loss").as_double());
  // And it can be resumed.
  EXPECT_EQ(train({"--resume", at("run/last.tar")}).status, 0);
}

TEST_F(Init, GivesTheSizesOfHiddenLayers) {
  ASSERT_EQ(train(training("deep", {"--epochs", "1", "--model", "24,16"})).status, 0);
  const ProcessResult result = start("deep/last.tar");
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("784-24-16-10"));
  expect_refused(start("deep/last.tar", {"--model", "24"}), 1,
                 "its network is 784-24-16-10, the run's is 784-24-10");
}

TEST_F(Init, NetworksThatDoNotFitAreRefused) {
  save(Dict{{"a.weight", Tensor::zeros({32, 100})}, {"b.weight", Tensor::zeros({10, 32})}},
       at("narrow.pt"));
  expect_refused(start("narrow.pt"), 1, "the data's images have another size");
  save(Dict{{"a.weight", Tensor::zeros({32, 784})}, {"b.weight", Tensor::zeros({7, 32})}},
       at("classes.pt"));
  expect_refused(start("classes.pt"), 1, "the data has another number of classes");
  save(Dict{{"a.weight", Tensor::zeros({10, 784})}}, at("shallow.pt"));
  expect_refused(start("shallow.pt"), 1, "without a hidden layer");
  save(Dict{{"conv.weight", Tensor::zeros({4, 1, 3, 3})}, {"b.weight", Tensor::zeros({10, 784})}},
       at("conv.pt"));
  expect_refused(start("conv.pt"), 1, "'conv.weight'");
  save(Dict{{"a.weight", Tensor::full({32, 784}, 1e300, DType::float64)},
            {"b.weight", Tensor::zeros({10, 32})}},
       at("large.pt"));
  expect_refused(start("large.pt"), 1, "25088 of 25088 values that are not finite");
  save(Value("text"), at("text.pt"));
  expect_refused(start("text.pt"), 1, "holds a str");
  expect_refused(start("none.pt"), 1, "No such file");
  EXPECT_TRUE(fs::is_empty(dir_ / "run"));
}

TEST_F(Init, LayersWithoutBiasGetZeros) {
  save(Dict{{"a.weight", model_.at("layer1.weight")}, {"b.weight", model_.at("layer2.weight")}},
       at("unbiased.pt"));
  const ProcessResult result = start("unbiased.pt");
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("the biases start at 0 where it has none: of 'a', 'b'"));
  EXPECT_EQ(last_line(predict({at("unbiased.pt"), "--data", at("data")}).out),
            last_line(result.out));
}

TEST_F(Init, AnOptimizersStateIsTakenOnlyWhereItFits) {
  const auto with_opt = [this](const std::string& file, Value opt) {
    Value content = checkpoint_;
    save(Dict{{"model", content.at("model")}, {"opt", std::move(opt)}}, at(file));
    return start(file);
  };
  const Value groups = checkpoint_.at("opt").at("param_groups");
  EXPECT_THAT(with_opt("empty.pt", Dict{{"state", Dict{}}, {"param_groups", groups}}).out,
              HasSubstr("no step has been taken yet"));
  EXPECT_THAT(start("first/last.tar", {"--optimizer", "sgd"}).out,
              HasSubstr("it is that of Adam, the run's optimizer is SGD and starts anew"));
  EXPECT_THAT(start("first/last.tar", {"--optimizer", "adamw"}).out, HasSubstr("is taken"));

  Dict swapped;  // moments of other shapes
  const Value& state = checkpoint_.at("opt").at("state");
  for (int i = 0; i < 4; ++i) swapped.set(i, state.at(3 - i));
  EXPECT_THAT(with_opt("swapped.pt", Dict{{"state", swapped}, {"param_groups", groups}}).out,
              HasSubstr("its tensors have other shapes"));
  Dict not_finite;
  for (int i = 0; i < 4; ++i) {
    Dict entry = state.at(i).as_dict();
    entry.set("exp_avg", Tensor::full(state.at(i).at("exp_avg").as_tensor().shape(),
                                      std::numeric_limits<double>::infinity()));
    not_finite.set(i, std::move(entry));
  }
  EXPECT_THAT(with_opt("inf.pt", Dict{{"state", not_finite}, {"param_groups", groups}}).out,
              HasSubstr("not taken: it has 25088 of 25088 values that are not finite"));
  Dict without;
  for (int i = 0; i < 4; ++i) without.set(i, Dict{{"step", 3}});
  EXPECT_THAT(with_opt("partial.pt", Dict{{"state", without}, {"param_groups", groups}}).out,
              HasSubstr("has no 'exp_avg'"));
  EXPECT_THAT(with_opt("list.pt", Dict{{"state", swapped}, {"param_groups", List{}}}).out,
              HasSubstr("starts anew"));
}

TEST_F(Init, ItsFileIsNotOverwritten) {
  const Arguments into_first =
      training("first", {"--init", at("first/model_dnn_0.tar"), "--epochs", "2"});
  expect_refused(train(into_first), 1, "is a file that this run would overwrite");
  expect_refused(train({"--data", at("data"), "--checkpoint-dir", at("first/../first"), "--init",
                        at("first/last.tar")}),
                 1, "is a file that this run would overwrite");
  EXPECT_TRUE(load(at("first/last.tar")) == checkpoint_);
}

TEST_F(Init, AndResumeAreTwoThings) {
  expect_refused(train({"--init", at("first/last.tar"), "--resume", at("first/last.tar")}), 2,
                 "give one of them");
  save_safetensors(model_, at("model.safetensors"));
  expect_refused(train({"--resume", at("model.safetensors")}), 1, "--init");
  for (const char* const part : {"epoch", "generator", "step", "data"}) {
    Dict content;
    for (const auto& [key, value] : checkpoint_.as_dict()) {
      if (key != Value(part)) content.set(key, value);
    }
    save(std::move(content), at("part.tar"));
    expect_refused(train({"--resume", at("part.tar")}), 1,
                   std::string("has no '") + part + "', so that no run can be resumed from it");
  }
}

}  // namespace
}  // namespace wick::testing
