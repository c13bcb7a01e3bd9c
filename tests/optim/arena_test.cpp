// SPDX-License-Identifier: MIT
// Optimizers over an arena of the user's.
#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/core/parameter_arena.h"
#include "wick/optim/adam.h"
#include "wick/optim/sgd.h"

namespace wick::optim {
namespace {

using testing::expect_throw_with;

std::vector<NamedParameter> model() {
  return {{"weight", make_parameter(Tensor::ones({3, 5}))},
          {"bias", make_parameter(Tensor::ones({3}))},
          {"scale", make_parameter(Tensor::ones({1}))}};
}

std::vector<ParameterPtr> handles(const std::vector<NamedParameter>& named) {
  std::vector<ParameterPtr> result;
  for (const auto& [name, parameter] : named) result.push_back(parameter);
  return result;
}

TEST(OptimizerArena, LeavesTheUsersArenaInPlace) {
  const std::vector<NamedParameter> named = model();
  const ParameterArena arena(named);
  const std::vector<ParameterPtr> params = handles(named);
  Adam adam(params, {.lr = 0.5});
  SGD sgd({{{params[0], params[1]}, {.lr = 1.0}}, {{params[2]}, {.lr = 2.0}}});
  EXPECT_EQ(adam.arena().values().raw(), arena.values().raw());
  EXPECT_EQ(sgd.arena(1).values().raw(), named[2].second->value.raw());
  // One fill for all gradients, one step of each.
  arena.gradients().fill_(1.0);
  for (const ParameterPtr& each : params) each->has_grad = true;
  sgd.step();
  adam.step();
  EXPECT_TRUE(arena.is_current());
  EXPECT_EQ(arena.part(arena.values(), "bias").to_vector<float>(), std::vector<float>(3, -0.5F));
  EXPECT_EQ(arena.part(arena.values(), "scale").item<float>(), -1.5F);
}

TEST(OptimizerArena, HasTheStateAsFlatTensors) {
  const std::vector<NamedParameter> named = model();
  const ParameterArena arena(named);
  Adam adam(handles(named));
  EXPECT_FALSE(adam.flat_state("exp_avg").defined());
  named[1].second->grad.fill_(2.0);
  named[1].second->has_grad = true;
  adam.step();
  const Tensor average = adam.flat_state("exp_avg");
  EXPECT_EQ(average.shape(), arena.values().shape());
  EXPECT_NEAR(arena.part(average, "bias").to_vector<float>()[2], 0.2F, 1e-7F);
  EXPECT_EQ(arena.part(average, "weight").to_vector<float>(), std::vector<float>(15, 0.0F));
  expect_throw_with<ValueError>([&] { (void)adam.flat_state("momentum_buffer"); }, "exp_avg_sq");
  expect_throw_with<ValueError>([&] { (void)adam.flat_state("max_exp_avg_sq"); }, "exp_avg");
  expect_throw_with<IndexError>([&] { (void)adam.arena(1); }, "arena");
  SGD plain(handles(model()));
  expect_throw_with<ValueError>([&] { (void)plain.flat_state("momentum_buffer"); }, "nothing");
}

}  // namespace
}  // namespace wick::optim
