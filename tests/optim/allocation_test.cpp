// SPDX-License-Identifier: MIT
// A step allocates nothing after the first.
#include <gtest/gtest.h>

#include "tests/count_allocations.h"
#include "tests/optim/reference.h"
#include "wick/optim/adagrad.h"
#include "wick/optim/adam.h"
#include "wick/optim/adamax.h"
#include "wick/optim/nadam.h"
#include "wick/optim/radam.h"
#include "wick/optim/rmsprop.h"
#include "wick/optim/sgd.h"

namespace wick::testing {
namespace {

void expect_no_allocation(optim::Optimizer& optimizer, const std::vector<ParameterPtr>& params,
                          bool first_step_makes_state = true) {
  const auto step = [&](int i) {
    set_gradients(params, i, true);
    const std::size_t before = allocation_count();
    optimizer.step();
    return allocation_count() - before;
  };
  const std::size_t first = step(0);
  if (first_step_makes_state) {
    EXPECT_GT(first, 0U) << "the counter counts nothing: the state is made in the first step";
  }
  for (int i = 1; i < 6; ++i) EXPECT_EQ(step(i), 0U) << "step " << i;
}

TEST(AllocationTest, NoneInASgdStep) {
  const auto params = make_params(DType::float32);
  optim::SGD optimizer(params, {.momentum = 0.9, .nesterov = true});
  expect_no_allocation(optimizer, params);
}

TEST(AllocationTest, NoneInAnAdamStep) {
  const auto params = make_params(DType::float32);
  optim::Adam optimizer(params, {.amsgrad = true});
  expect_no_allocation(optimizer, params);
}

TEST(AllocationTest, NoneInTheStepsOfTheOthers) {
  const auto check = []<typename Optimizer>(const Optimizer* /*type*/, const auto& options) {
    const auto params = make_params(DType::float32);
    Optimizer optimizer(params, options);
    expect_no_allocation(optimizer, params, !std::is_same_v<Optimizer, optim::Adagrad>);
  };
  check(static_cast<optim::RMSprop*>(nullptr),
        optim::RMSpropOptions{.momentum = 0.9, .centered = true});
  check(static_cast<optim::Adagrad*>(nullptr), optim::AdagradOptions{.lr_decay = 0.1});
  check(static_cast<optim::NAdam*>(nullptr), optim::NAdamOptions{});
  check(static_cast<optim::RAdam*>(nullptr), optim::RAdamOptions{});
  check(static_cast<optim::Adamax*>(nullptr), optim::AdamaxOptions{});
}

TEST(AllocationTest, NoneInAnAdamWStep) {
  const auto params = make_params(DType::float64);
  optim::AdamW optimizer(params);
  expect_no_allocation(optimizer, params);
}

}  // namespace
}  // namespace wick::testing
