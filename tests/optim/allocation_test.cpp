// SPDX-License-Identifier: MIT
// A step allocates nothing after the first.
#include <gtest/gtest.h>

#include "optim/adam.h"
#include "optim/sgd.h"
#include "tests/count_allocations.h"
#include "tests/optim/reference.h"

namespace wick::testing {
namespace {

void expect_no_allocation(optim::Optimizer& optimizer, const std::vector<ParameterPtr>& params) {
  const auto step = [&](int i) {
    set_gradients(params, i, true);
    const std::size_t before = allocation_count();
    optimizer.step();
    return allocation_count() - before;
  };
  EXPECT_GT(step(0), 0U) << "the counter counts nothing: the state is made in the first step";
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

TEST(AllocationTest, NoneInAnAdamWStep) {
  const auto params = make_params(DType::float64);
  optim::AdamW optimizer(params);
  expect_no_allocation(optimizer, params);
}

}  // namespace
}  // namespace wick::testing
