// SPDX-License-Identifier: MIT
#include "wick/optim/lr_scheduler.h"

#include <cmath>
#include <functional>
#include <utility>

#include <gtest/gtest.h>

#include "tests/optim/reference.h"
#include "tests/support.h"
#include "wick/optim/cosine_annealing_lr.h"
#include "wick/optim/one_cycle_lr.h"
#include "wick/optim/sgd.h"
#include "wick/optim/step_lr.h"

namespace wick::testing {
namespace {

using optim::CosineAnnealingLR;
using optim::LRScheduler;
using optim::Optimizer;
using optim::SGD;
using optim::StepLR;

struct Schedule {
  std::string name;
  std::function<std::unique_ptr<LRScheduler>(Optimizer&)> make;
};

std::vector<Schedule> schedules() {
  return {
      {"step_lr", [](Optimizer& o) { return std::make_unique<StepLR>(o, 3); }},
      {"step_lr_gamma", [](Optimizer& o) { return std::make_unique<StepLR>(o, 1, 0.95); }},
      {"cosine", [](Optimizer& o) { return std::make_unique<CosineAnnealingLR>(o, 10); }},
      {"cosine_eta_min",
       [](Optimizer& o) { return std::make_unique<CosineAnnealingLR>(o, 7, 0.004); }},
  };
}

/// generate.py's rates().
std::unique_ptr<SGD> make_sgd() {
  const auto params = make_params(DType::float32);
  return std::make_unique<SGD>(std::vector<SGD::Group>{{{params[0], params[1]}, {.lr = 0.1}},
                                                       {{params[2], params[3]}, {.lr = 0.03}}});
}

class Schedules : public ::testing::TestWithParam<Schedule> {
 protected:
  const Json& c_ = reference_case("schedules", GetParam().name);
  const std::size_t steps_ = c_.at("rates").size();
  std::unique_ptr<SGD> optimizer_ = make_sgd();
  std::unique_ptr<LRScheduler> scheduler_ = GetParam().make(*optimizer_);

  void expect_rates(std::size_t step) {
    for (std::size_t g = 0; g < 2; ++g) {
      // Equal to the last bit, not nearly.
      EXPECT_EQ(optimizer_->lr(g), c_.at("rates").at(step).at(g).get<double>())
          << "step " << step << ", group " << g;
    }
  }
};

TEST_P(Schedules, RatesAndStateArePyTorchs) {
  for (std::size_t i = 0; i < steps_; ++i) {
    expect_rates(i);
    if (i == c_.at("saved_at").get<std::size_t>()) {
      EXPECT_EQ(difference(scheduler_->state_dict(), decode(c_.at("saved")), 0.0), "");
    }
    scheduler_->step();
  }
  EXPECT_EQ(difference(scheduler_->state_dict(), decode(c_.at("final")), 0.0), "");
  EXPECT_EQ(scheduler_->last_epoch(), static_cast<std::int64_t>(steps_));
}

TEST_P(Schedules, GoesOnFromPyTorchsState) {
  const auto saved_at = c_.at("saved_at").get<std::size_t>();
  Dict old = decode(c_.at("saved")).as_dict();
  // PyTorch 1.4 to 2.6 had no _is_initial but 'verbose', in some of them.
  Dict older;
  for (const auto& [key, value] : old) {
    if (!(key == Value("_is_initial"))) older.set(key, value);
  }
  older.set("verbose", false);
  for (std::size_t g = 0; g < 2; ++g) {
    optimizer_->set_lr(c_.at("rates").at(saved_at).at(g).get<double>(), g);
  }
  scheduler_->load_state_dict(older);
  for (std::size_t i = saved_at; i < steps_; ++i) {
    expect_rates(i);
    scheduler_->step();
  }
  EXPECT_EQ(difference(scheduler_->state_dict(), decode(c_.at("final")), 0.0), "");
}

TEST_P(Schedules, MarksTheInitialRate) {
  EXPECT_EQ(difference(optimizer_->state_dict().at("param_groups"), decode(c_.at("attached")), 0.0),
            "");
  scheduler_->step();
  EXPECT_EQ(optimizer_->initial_lr(0), 0.1);
  EXPECT_EQ(optimizer_->initial_lr(1), 0.03);
}

INSTANTIATE_TEST_SUITE_P(Cases, Schedules, ::testing::ValuesIn(schedules()),
                         [](const auto& c) { return c.param.name; });

// Options that PyTorch takes and only a loaded state has here: T_max and step_size that are floats,
// eta_min and gamma below zero.
class LoadedSchedules : public ::testing::TestWithParam<std::string> {
 protected:
  const Json& c_ = reference_case("loaded_schedules", GetParam());
  SGD optimizer_ = SGD(make_params(DType::float32), {.lr = c_.at("first_rate")});
  std::unique_ptr<LRScheduler> scheduler_ = make();

  std::unique_ptr<LRScheduler> make() {
    if (c_.at("class") == "StepLR") return std::make_unique<StepLR>(optimizer_, 77);
    return std::make_unique<CosineAnnealingLR>(optimizer_, 77);
  }
  void expect_rates(std::size_t first) {
    const Json& rates = c_.at("rates");
    for (std::size_t i = first; i < rates.size(); ++i) {
      scheduler_->step();
      EXPECT_EQ(optimizer_.lr(), rates.at(i).get<double>()) << "step " << i;
      EXPECT_EQ(scheduler_->last_lr().front(), rates.at(i).get<double>()) << "step " << i;
    }
    EXPECT_EQ(difference(scheduler_->state_dict(), decode(c_.at("final")), 0.0), "");
  }
};

TEST_P(LoadedSchedules, RatesAndStateArePyTorchs) {
  scheduler_->load_state_dict(decode(c_.at("start")));
  EXPECT_EQ(difference(scheduler_->state_dict(), decode(c_.at("start")), 0.0), "");
  expect_rates(0);
}

TEST_P(LoadedSchedules, GoesOnInTheMiddleAlsoBelowZero) {
  optimizer_.load_state_dict(decode(c_.at("optimizer")));
  scheduler_->load_state_dict(decode(c_.at("saved")));
  expect_rates(c_.at("saved_at").get<std::size_t>() + 1);
}

std::vector<std::string> loaded_schedules() {
  std::vector<std::string> found;
  for (const Json& c : reference().at("loaded_schedules")) found.push_back(c.at("name"));
  return found;
}

INSTANTIATE_TEST_SUITE_P(Cases, LoadedSchedules, ::testing::ValuesIn(loaded_schedules()),
                         [](const auto& c) { return c.param; });

TEST(LRSchedulerTest, TakesNumbersOfEveryKindAndGivesThemBack) {
  const auto optimizer = make_sgd();
  StepLR scheduler(*optimizer, 3);
  Dict state = scheduler.state_dict().as_dict();
  state.set("step_size", Tensor::scalar(2.5F));
  state.set("gamma", true);
  state.set("last_epoch", 4.0);
  scheduler.load_state_dict(state);
  EXPECT_EQ(scheduler.last_epoch(), 4);
  scheduler.step();
  const Value after = scheduler.state_dict();
  EXPECT_EQ(after.at("last_epoch").kind(), Value::Kind::real);
  EXPECT_EQ(after.at("last_epoch").as_double(), 5.0);
  EXPECT_EQ(after.at("step_size").as_double(), 2.5);
  EXPECT_EQ(after.at("gamma").kind(), Value::Kind::boolean);
  for (const auto& [key, value] :
       {std::pair{"step_size", Value(0.0)}, std::pair{"last_epoch", Value(1e300)},
        std::pair{"_step_count", Value(std::int64_t{1} << 60)},
        std::pair{"gamma", Value(std::nan(""))}, std::pair{"gamma", Value("half")}}) {
    Dict broken = state;
    broken.set(key, value);
    expect_throw_with<StateDictError>([&] { scheduler.load_state_dict(broken); }, key);
    EXPECT_EQ(difference(scheduler.state_dict(), after, 0.0), "");
  }
}

// PyTorch raises ZeroDivisionError here. Nothing is thrown, and the rate stays a number.
TEST(CosineAnnealingLRTest, GoesOnWhereItsQuotientWouldDivideByZero) {
  const auto optimizer = make_sgd();
  CosineAnnealingLR scheduler(*optimizer, 1'000'000'000);
  Dict state = scheduler.state_dict().as_dict();
  state.set("last_epoch", 1'000'000'001);
  state.set("_step_count", 1'000'000'002);
  scheduler.load_state_dict(state);
  for (int i = 0; i < 3; ++i) scheduler.step();
  EXPECT_TRUE(std::isfinite(optimizer->lr()));
}

TEST(OneCycleLRTest, KeepsItsPhasesWhereTheLoadedStateIsEmptied) {
  const optim::OneCycleLROptions options{.max_lr = 0.1, .total_steps = 10, .cycle_momentum = false};
  const auto optimizer = make_sgd();
  const Value loaded = optim::OneCycleLR(*optimizer, options).state_dict();
  const Value same = optim::OneCycleLR(*optimizer, options).state_dict();
  optim::OneCycleLR scheduler(*optimizer, options);
  scheduler.load_state_dict(loaded);
  loaded.at("_schedule_phases").as_list().clear();
  EXPECT_EQ(scheduler.state_dict(), same);
}

TEST(StepLRTest, RefusesNonsense) {
  const auto optimizer = make_sgd();
  expect_throw_with<ValueError>([&] { StepLR(*optimizer, 0); }, "step_size must be at least 1");
  expect_throw_with<ValueError>([&] { StepLR(*optimizer, 1, std::nan("")); }, "gamma must be");
  EXPECT_FALSE(optimizer->state_dict().at("param_groups").at_index(0).contains("initial_lr"))
      << "a scheduler that was never made left its mark";
}

TEST(CosineAnnealingLRTest, RefusesNonsense) {
  const auto optimizer = make_sgd();
  expect_throw_with<ValueError>([&] { CosineAnnealingLR(*optimizer, 0); }, "T_max");
  expect_throw_with<ValueError>([&] { CosineAnnealingLR(*optimizer, 5, HUGE_VAL); }, "eta_min");
}

TEST(LRSchedulerTest, RefusesWhatDoesNotFitAndKeepsItsState) {
  const auto optimizer = make_sgd();
  StepLR scheduler(*optimizer, 3);
  scheduler.step();
  const Value before = scheduler.state_dict();
  Dict broken = before.as_dict();
  broken.set("step_size", 7);
  broken.set("base_lrs", List{{0.1}});
  broken.set("last_epoch", "two");
  try {
    scheduler.load_state_dict(broken);
    FAIL() << "nothing was thrown";
  } catch (const StateDictError& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("'base_lrs' must be a list of 2 numbers"), std::string::npos) << message;
    EXPECT_NE(message.find("'last_epoch' must be a number"), std::string::npos) << message;
  }
  EXPECT_EQ(difference(scheduler.state_dict(), before, 0.0), "");

  CosineAnnealingLR cosine(*optimizer, 3);
  expect_throw_with<StateDictError>([&] { cosine.load_state_dict(before); }, "'T_max'");
  Dict zero = before.as_dict();
  zero.set("step_size", 0);
  expect_throw_with<StateDictError>([&] { scheduler.load_state_dict(zero); }, "step_size");
  expect_throw_with<StateDictError>([&] { scheduler.load_state_dict(List{}); }, "wants a dict");
  EXPECT_EQ(difference(scheduler.state_dict(), before, 0.0), "");
}

}  // namespace
}  // namespace wick::testing
