// SPDX-License-Identifier: MIT
// Loading what fits, in all the forms that PyTorch has written, and refusing what does not.
#include <functional>

#include <gtest/gtest.h>

#include "tests/optim/reference.h"
#include "tests/support.h"
#include "wick/optim/adam.h"
#include "wick/optim/sgd.h"

namespace wick::testing {
namespace {

using optim::Adam;
using optim::AdamOptions;
using optim::AdamW;
using optim::SGD;

/// A copy that shares no container.
Value deep_copy(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::list: {
      List copy;
      for (const Value& item : value.as_list()) copy.items.push_back(deep_copy(item));
      return copy;
    }
    case Value::Kind::dict: {
      Dict copy;
      for (const auto& [key, item] : value.as_dict()) copy.set(key, deep_copy(item));
      return copy;
    }
    case Value::Kind::tensor: return value.as_tensor().clone();
    default: return value;
  }
}

Dict without(const Dict& dict, std::string_view key) {
  Dict rest;
  for (const auto& [name, value] : dict) {
    if (!(name == Value(key))) rest.set(name, value);
  }
  return rest;
}

Dict& group(const Value& state, std::size_t index = 0) {
  return state.at("param_groups").at_index(index).as_dict();
}
Dict& entry(const Value& state, std::int64_t id) {
  return state.at("state").at(id).as_dict();
}

/// An Adam with two steps behind it.
class AdamStateTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < 2; ++i) step(*optimizer_, i);
  }
  void step(optim::Optimizer& optimizer, int i) {
    set_gradients(params_, i, false);
    optimizer.step();
  }
  [[nodiscard]] Value saved() const { return deep_copy(optimizer_->state_dict()); }

  /// Loading `state` must fail with each of the texts, and change nothing.
  void expect_refusal(const Value& state, const std::vector<std::string>& texts) {
    const Value before = saved();
    try {
      optimizer_->load_state_dict(state);
      ADD_FAILURE() << "nothing was thrown; expected " << texts.front();
    } catch (const StateDictError& error) {
      const std::string message = error.what();
      for (const std::string& text : texts) {
        EXPECT_NE(message.find(text), std::string::npos) << "no \"" << text << "\" in " << message;
      }
    }
    EXPECT_EQ(difference(optimizer_->state_dict(), before, 0.0), "");
  }

  std::vector<ParameterPtr> params_ = make_params(DType::float64);
  std::unique_ptr<Adam> optimizer_ =
      std::make_unique<Adam>(params_, AdamOptions{.lr = 0.01, .amsgrad = true});
};

TEST_F(AdamStateTest, RestoresTheOptions) {
  const Value state = saved();
  Adam other(params_, {.lr = 0.5, .beta1 = 0.1, .weight_decay = 3.0});
  other.load_state_dict(state);
  EXPECT_EQ(other.lr(), 0.01);
  EXPECT_EQ(difference(other.state_dict(), state, 0.0), "");
}

TEST_F(AdamStateTest, LoadingCopiesTheTensors) {
  const Value state = saved();
  Adam other(params_, {.amsgrad = true});
  other.load_state_dict(state);
  step(other, 2);
  EXPECT_EQ(difference(state, saved(), 0.0), "") << "a step wrote into what was loaded";
}

TEST_F(AdamStateTest, TensorsOfTheStateDictFollowTheSteps) {
  const Value state = optimizer_->state_dict();
  step(*optimizer_, 2);
  EXPECT_TRUE(bitwise_equal(state.at("state").at(0).at("exp_avg").as_tensor(),
                            optimizer_->state_dict().at("state").at(0).at("exp_avg").as_tensor()));
}

TEST_F(AdamStateTest, TakesOlderAndForeignForms) {
  const Value state = saved();
  // PyTorch 1.11 and before: a plain step count, fewer options.
  group(state) = without(without(group(state), "decoupled_weight_decay"), "maximize");
  entry(state, 0).set("step", 2);
  entry(state, 1).set("step", 2.0);
  // Other programs: float32 state for float64 parameters, other ids, an int and a tensor for lr.
  entry(state, 2).set("exp_avg", entry(state, 2).at("exp_avg").as_tensor().to(DType::float32));
  group(state).set("lr", Tensor::scalar(0.25));
  group(state).set("params", List{{0, 1, 2, 30}});
  Dict renamed;
  for (const auto& [key, value] : state.at("state").as_dict()) {
    renamed.set(key == Value(3) ? Value(30) : key, value);
  }
  state.as_dict().set("state", renamed);
  // Options that concern PyTorch only come back as they were.
  group(state).set("fused", true);
  group(state).set("param_names", List{{"a", "b", "c", "d"}});
  Adam other(params_);
  other.load_state_dict(state);
  EXPECT_EQ(other.lr(), 0.25);
  const Value after = other.state_dict();
  EXPECT_EQ(group(after).at("fused").as_bool(), true);
  EXPECT_EQ(group(after).at("param_names").as_list().size(), 4U);
  EXPECT_EQ(group(after).at("maximize").as_bool(), false);
  EXPECT_EQ(entry(after, 3).at("step").as_tensor().item<float>(), 2.0F);
  EXPECT_EQ(entry(after, 0).at("step").as_tensor().item<float>(), 2.0F);
  EXPECT_EQ(entry(after, 2).at("exp_avg").as_tensor().dtype(), DType::float64);
}

TEST_F(AdamStateTest, KeepsKindsWhileTheValueIsTheSame) {
  const Value state = saved();
  group(state).set("lr", 1);
  group(state).set("weight_decay", 0.0);
  optimizer_->load_state_dict(state);
  EXPECT_EQ(group(optimizer_->state_dict()).at("lr").kind(), Value::Kind::integer);
  EXPECT_EQ(group(optimizer_->state_dict()).at("weight_decay").kind(), Value::Kind::real);
  optimizer_->set_lr(0.5);
  EXPECT_EQ(group(optimizer_->state_dict()).at("lr").as_double(), 0.5);
}

TEST_F(AdamStateTest, AParameterWithoutStateStartsAnew) {
  const Value state = saved();
  Dict fewer;
  for (const auto& [key, value] : state.at("state").as_dict()) {
    if (!(key == Value(1))) fewer.set(key, value);
  }
  state.as_dict().set("state", fewer);
  optimizer_->load_state_dict(state);
  EXPECT_FALSE(optimizer_->state_dict().at("state").contains(1));
  step(*optimizer_, 2);
  EXPECT_EQ(entry(optimizer_->state_dict(), 0).at("step").as_tensor().item<float>(), 3.0F);
  EXPECT_EQ(entry(optimizer_->state_dict(), 1).at("step").as_tensor().item<float>(), 1.0F);
}

TEST_F(AdamStateTest, DecoupledDecayIsLoadedByAdamAndKeptByAdamW) {
  const Value state = saved();
  group(state).set("decoupled_weight_decay", true);
  optimizer_->load_state_dict(state);
  EXPECT_TRUE(group(optimizer_->state_dict()).at("decoupled_weight_decay").as_bool());
  group(state).set("decoupled_weight_decay", false);
  AdamW other(params_);
  other.load_state_dict(state);
  EXPECT_TRUE(group(other.state_dict()).at("decoupled_weight_decay").as_bool());
}

TEST_F(AdamStateTest, RefusesWhatIsNoState) {
  expect_refusal(List{}, {"wants a dict with 'state' and 'param_groups', got list"});
  expect_refusal(Dict{}, {"there is no 'state'", "there is no 'param_groups'"});
  expect_refusal(
      Dict{{"state", List{}}, {"param_groups", 3}},
      {"'state' must be a dict, found list", "'param_groups' must be a list, found int"});
}

TEST_F(AdamStateTest, RefusesGroupsThatDoNotFit) {
  const Value two = saved();
  two.at("param_groups").as_list().push_back(Dict{});
  expect_refusal(two, {"it has 2 parameter groups, the optimizer has 1"});

  const Value fewer = saved();
  group(fewer).set("params", List{{0, 1}});
  group(fewer).set("lr", "fast");
  group(fewer).set("betas", 0.9);
  group(fewer).set("amsgrad", nullptr);
  group(fewer) = without(group(fewer), "eps");
  expect_refusal(fewer,
                 {"param_groups[0] has 2 parameters, the optimizer's has 4",
                  "'lr' must be a number, found str", "'betas' must be two numbers",
                  "'amsgrad' must be True or False, found None", "param_groups[0] has no 'eps'"});

  const Value twice = saved();
  group(twice).set("params", List{{0, 1, 1, "x"}});
  expect_refusal(twice, {"is 1 a second time", "['params'][3] must be an int, found str"});

  const Value nonsense = saved();
  group(nonsense).set("lr", std::nan(""));
  group(nonsense).set("betas", Tuple{{0.9, 1.5}});
  expect_refusal(nonsense,
                 {"Invalid learning rate: nan", "Invalid beta parameter at index 1: 1.5"});
}

// Of every kind that PyTorch takes, and of every size that its schedulers lead to.
TEST_F(AdamStateTest, TakesOptionsThatAreIntsFloatsOrTensors) {
  const Value odd = saved();
  group(odd).set("lr", -1e-17);
  group(odd).set("betas", List{{0, Tensor::scalar(0.5F)}});
  group(odd).set("eps", 1);
  group(odd).set("weight_decay", -2);
  group(odd).set("initial_lr", Tensor::scalar(0.25F));
  optimizer_->load_state_dict(odd);
  EXPECT_EQ(optimizer_->lr(), -1e-17);
  EXPECT_EQ(optimizer_->initial_lr(), 0.25);
  const Value after = optimizer_->state_dict();
  EXPECT_EQ(group(after).at("lr").as_double(), -1e-17);
  EXPECT_EQ(group(after).at("eps").kind(), Value::Kind::integer);
  EXPECT_EQ(group(after).at("weight_decay").as_int(), -2);
}

TEST_F(AdamStateTest, ListsEveryProblemOfTheState) {
  const Value state = saved();
  entry(state, 0).set("exp_avg", Tensor::zeros({3, 3}));
  entry(state, 1) = without(entry(state, 1), "exp_avg_sq");
  entry(state, 2).set("step", -1.0);
  entry(state, 3).set("max_exp_avg_sq", "big");
  state.at("state").as_dict().set(9, Dict{{"step", 1}});
  expect_refusal(state, {"state[0]['exp_avg'] has shape [3, 3], the parameter has shape [3, 2]",
                         "state[1] has no 'exp_avg_sq'", "state[2]['step'] must be a number",
                         "state[3]['max_exp_avg_sq'] must be a tensor, found str",
                         "state[9] belongs to no parameter"});
  const Value kinds = saved();
  entry(kinds, 0) = without(entry(kinds, 0), "step");
  entry(kinds, 1).set("exp_avg", Tensor::zeros({5}, DType::int64));
  entry(kinds, 3).set("exp_avg", Tensor::zeros(entry(kinds, 3).at("exp_avg").as_tensor().shape(),
                                               DType::complex64));
  kinds.at("state").as_dict().set(2, 5);
  expect_refusal(kinds,
                 {"state[0] has no 'step'", "floating-point dtype, found int64",
                  "floating-point dtype, found complex64", "state[2] must be a dict, found int"});
}

TEST_F(AdamStateTest, RefusesAnotherClass) {
  SGD sgd(params_);
  expect_refusal(sgd.state_dict(), {"has no 'betas'", "has no 'eps'"});
  expect_throw_with<StateDictError>([&] { sgd.load_state_dict(saved()); }, "has no 'momentum'");
}

TEST(SgdStateTest, AMissingBufferStartsAnew) {
  const auto params = make_params(DType::float64);
  SGD optimizer(params, {.lr = 0.1, .momentum = 0.9, .dampening = 0.5});
  set_gradients(params, 0, false);
  optimizer.step();
  const Value state = deep_copy(optimizer.state_dict());
  entry(state, 0).set("momentum_buffer", nullptr);  // PyTorch 2.0 and before
  entry(state, 1) = Dict{};
  optimizer.load_state_dict(state);
  EXPECT_FALSE(optimizer.state_dict().at("state").contains(0));
  set_gradients(params, 1, false);
  optimizer.step();
  // Without a buffer there is no dampening: it becomes the gradient.
  for (const std::int64_t id : {0, 1}) {
    EXPECT_TRUE(bitwise_equal(entry(optimizer.state_dict(), id).at("momentum_buffer").as_tensor(),
                              params[static_cast<std::size_t>(id)]->grad));
  }
  EXPECT_FALSE(bitwise_equal(entry(optimizer.state_dict(), 2).at("momentum_buffer").as_tensor(),
                             params[2]->grad));
}

}  // namespace
}  // namespace wick::testing
