// SPDX-License-Identifier: MIT
// Every step and every state dictionary, against PyTorch's.
#include <gtest/gtest.h>

#include "tests/optim/reference.h"
#include "tests/support.h"
#include "wick/core/parameter_arena.h"

namespace wick::testing {
namespace {

constexpr int kSavedAfter = 4;  // generate.py's SAVED_AFTER

class OptimizerParity : public ::testing::TestWithParam<std::string> {
 protected:
  const Json& c_ = reference_case("cases", GetParam());
  const DType dtype_ = dtype_of_case(c_);
  const double tolerance_ = dtype_ == DType::float64 ? 1e-13 : 1e-6;
  const bool skipping_ = c_.at("skipping");
  const int steps_ = static_cast<int>(c_.at("params").size());
  std::vector<ParameterPtr> params_ = make_params(dtype_);
  std::unique_ptr<optim::Optimizer> optimizer_ = make_optimizer(c_, params_);

  void step(int step) {
    set_gradients(params_, step, skipping_);
    optimizer_->step();
    ASSERT_LE(largest_error(params_, c_.at("params").at(static_cast<std::size_t>(step))),
              tolerance_)
        << "after step " << step;
  }
};

/// The order of the options in PyTorch is the one they were given in, where there are groups.
Value with_sorted_options(const Value& state, const Value& order) {
  Dict result;
  result.set("state", state.at("state"));
  List groups;
  for (const Value& group : state.at("param_groups").as_list()) {
    Dict sorted;
    for (const auto& [key, unused] : order.as_dict()) sorted.set(key, group.at(key));
    groups.items.emplace_back(std::move(sorted));
  }
  result.set("param_groups", std::move(groups));
  return result;
}

TEST_P(OptimizerParity, StepsAndStateArePyTorchs) {
  for (int i = 0; i < steps_; ++i) {
    step(i);
    if (HasFatalFailure()) return;
    if (i + 1 == kSavedAfter) {
      const Value got = optimizer_->state_dict();
      Value want = decode(c_.at("saved"));
      if (!c_.at("groups").is_null()) {
        want = with_sorted_options(want, got.at("param_groups").at_index(0));
      }
      EXPECT_EQ(difference(got, want, tolerance_), "");
    }
  }
  const Value got = optimizer_->state_dict();
  Value want = decode(c_.at("final"));
  if (!c_.at("groups").is_null()) {
    want = with_sorted_options(want, got.at("param_groups").at_index(0));
  }
  EXPECT_EQ(difference(got, want, tolerance_), "");
}

TEST_P(OptimizerParity, GoesOnFromPyTorchsState) {
  // The parameters as they were saved: those of an optimizer that went there by itself.
  for (int i = 0; i < kSavedAfter; ++i) step(i);
  const Value saved = decode(c_.at("saved"));
  optimizer_ = make_optimizer(c_, params_);
  optimizer_->load_state_dict(saved);
  EXPECT_EQ(difference(optimizer_->state_dict(), saved, 0.0), "") << "nothing may be lost";
  for (int i = kSavedAfter; i < steps_; ++i) step(i);
  EXPECT_EQ(difference(optimizer_->state_dict(), decode(c_.at("final")), tolerance_), "");
}

TEST_P(OptimizerParity, GoesOnAfterAMove) {
  for (int i = 0; i < kSavedAfter; ++i) step(i);
  // What Module::to and other optimizers do: other storage, another order in it.
  const std::vector<ParameterPtr> reversed(params_.rbegin(), params_.rend());
  static_cast<void>(ParameterArena(reversed));
  step(kSavedAfter);
  for (const ParameterPtr& param : params_) {
    param->value = param->value.clone();
    param->grad = param->grad.clone();
  }
  for (int i = kSavedAfter + 1; i < steps_; ++i) step(i);
}

std::vector<std::string> names() {
  std::vector<std::string> found;
  for (const Json& c : reference().at("cases")) found.push_back(c.at("name"));
  return found;
}

INSTANTIATE_TEST_SUITE_P(Cases, OptimizerParity, ::testing::ValuesIn(names()),
                         [](const auto& c) { return c.param; });

}  // namespace
}  // namespace wick::testing
