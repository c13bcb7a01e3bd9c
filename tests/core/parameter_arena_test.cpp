// SPDX-License-Identifier: MIT
#include "wick/core/parameter_arena.h"

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/error.h"

namespace wick {
namespace {

using testing::expect_throw_with;

TEST(ParameterArena, KeepsNumbersAndPutsThemInOneStorage) {
  const std::vector<ParameterPtr> parameters = {
      make_parameter(Tensor::arange(6, DType::float32).view({2, 3})),
      make_parameter(Tensor::arange(0, DType::float32)),
      make_parameter(Tensor::full({17}, 4.0)),
      make_parameter(Tensor::scalar(5.0F)),
  };
  parameters[2]->grad.fill_(7.0);
  parameters[2]->has_grad = true;
  const ParameterArena arena(parameters);
  EXPECT_EQ(parameters[0]->value.to_vector<float>(), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(parameters[0]->value.shape(), (Dims{2, 3}));
  EXPECT_EQ(parameters[2]->value.to_vector<float>(), std::vector<float>(17, 4.0F));
  EXPECT_EQ(parameters[2]->grad.to_vector<float>(), std::vector<float>(17, 7.0F));
  EXPECT_TRUE(parameters[2]->has_grad);
  EXPECT_FALSE(parameters[0]->has_grad);
  EXPECT_EQ(parameters[3]->value.item<float>(), 5.0F);
  EXPECT_EQ(parameters[3]->value.dim(), 0);
  std::int64_t end = 0;
  for (const ParameterPtr& parameter : parameters) {
    const auto address = [](const Tensor& tensor) {
      return reinterpret_cast<std::uintptr_t>(tensor.raw());
    };
    EXPECT_EQ(address(parameter->value) % 64, 0U);
    EXPECT_EQ(address(parameter->grad) % 64, 0U);
    EXPECT_EQ(parameter->value.storage(), parameters[0]->value.storage());
    EXPECT_EQ(parameter->grad.storage(), parameters[0]->grad.storage());
    EXPECT_EQ(parameter->value.offset(), parameter->grad.offset());
    EXPECT_GE(parameter->value.offset(), end) << "they do not overlap";
    end = parameter->value.offset() + parameter->value.numel();
  }
  EXPECT_NE(parameters[0]->value.storage(), parameters[0]->grad.storage());
}

TEST(ParameterArena, LeavesZerosBetweenParameters) {
  const std::vector<ParameterPtr> parameters = {make_parameter(Tensor::ones({3})),
                                                make_parameter(Tensor::ones({3}))};
  const ParameterArena arena(parameters);
  const std::int64_t gap = parameters[1]->value.offset() - 3;
  const Tensor between = parameters[0]->value.as_strided({gap}, {1}, 3);
  EXPECT_EQ(gap, 13);
  EXPECT_EQ(between.to_vector<float>(), std::vector<float>(13, 0.0F));
}

TEST(ParameterArena, RefusesMixedDTypesAndChangesNothing) {
  const std::vector<ParameterPtr> parameters = {make_parameter(Tensor::ones({3})),
                                                make_parameter(Tensor::ones({3}, DType::float64))};
  void* const before = parameters[0]->value.raw();
  expect_throw_with<ValueError>([&] { static_cast<void>(ParameterArena(parameters)); }, "float64");
  EXPECT_EQ(parameters[0]->value.raw(), before);
}

TEST(ParameterArena, OfNothingIsNothing) {
  const ParameterArena arena(std::vector<ParameterPtr>{});
  EXPECT_EQ(arena.size(), 0);
  EXPECT_EQ(arena.values().numel(), 0);
  EXPECT_TRUE(arena.is_current());
}

std::vector<NamedParameter> three() {
  return {{"a", make_parameter(Tensor::full({2, 3}, 1.0))},
          {"b", make_parameter(Tensor::full({20}, 2.0))},
          {"c", make_parameter(Tensor::full({1}, 3.0))}};
}

TEST(ParameterArena, HasPartsByName) {
  const std::vector<NamedParameter> parameters = three();
  const ParameterArena arena(parameters);
  EXPECT_EQ(arena.values().shape(), (Dims{16 + 32 + 16}));
  EXPECT_EQ(arena.entries()[2].offset, 48);
  EXPECT_EQ(arena.part(arena.values(), "b").to_vector<float>(), std::vector<float>(20, 2.0F));
  arena.part(arena.gradients(), "a").fill_(5.0);
  EXPECT_EQ(parameters[0].second->grad.to_vector<float>(), std::vector<float>(6, 5.0F));
  const Tensor state = arena.zeros();
  EXPECT_EQ(state.shape(), arena.values().shape());
  EXPECT_EQ(arena.part(state, "a").shape(), (Dims{2, 3}));
  expect_throw_with<IndexError>([&] { (void)arena.part(state, "d"); }, "a, b, c");
  expect_throw_with<IndexError>([&] { (void)arena.part(state, 3); }, "there are 3");
  expect_throw_with<ShapeError>([&] { (void)arena.part(Tensor::ones({3}), "a"); }, "(64)");
}

TEST(ParameterArena, LeavesWhatLiesInOrderWhereItIs) {
  const std::vector<NamedParameter> parameters = three();
  const ParameterArena arena(parameters);
  const void* const place = parameters[1].second->value.raw();
  ParameterArena again(parameters);
  EXPECT_EQ(again.values().raw(), arena.values().raw());
  // Neighbours, too: their flat tensors are parts of the whole.
  const ParameterArena some(std::vector<NamedParameter>(parameters.begin() + 1, parameters.end()));
  EXPECT_EQ(parameters[1].second->value.raw(), place);
  EXPECT_EQ(some.values().raw(), place);
  EXPECT_EQ(some.entries()[1].offset, 32);
  EXPECT_EQ(some.part(some.values(), "c").raw(), parameters[2].second->value.raw());
  some.part(some.gradients(), "c").fill_(9.0);
  EXPECT_EQ(parameters[2].second->grad.item<float>(), 9.0F);
  EXPECT_TRUE(arena.is_current());
  EXPECT_FALSE(again.refresh());
}

TEST(ParameterArena, MovesAnotherOrderAndNotices) {
  const std::vector<NamedParameter> parameters = three();
  ParameterArena arena(parameters);
  const ParameterArena reversed(
      std::vector<NamedParameter>(parameters.rbegin(), parameters.rend()));
  EXPECT_FALSE(arena.is_current());
  EXPECT_TRUE(reversed.is_current());
  EXPECT_TRUE(arena.refresh());
  EXPECT_TRUE(arena.is_current());
  EXPECT_FALSE(reversed.is_current());
  EXPECT_EQ(arena.part(arena.values(), "c").item<float>(), 3.0F);
}

// Memory that looks like an arena's, but is somebody's own, may have more in it.
TEST(ParameterArena, TrustsNoLayoutButItsOwn) {
  const Tensor values = Tensor::full({64}, 7.0);
  const Tensor gradients = Tensor::zeros({64});
  std::vector<ParameterPtr> parameters;
  for (const std::int64_t offset : {0, 16}) {
    parameters.push_back(std::make_shared<Parameter>());
    parameters.back()->value = values.as_strided({3}, {1}, offset);
    parameters.back()->grad = gradients.as_strided({3}, {1}, offset);
  }
  const ParameterArena arena(parameters);
  EXPECT_NE(arena.values().raw(), values.raw());
  EXPECT_EQ(arena.values().as_strided({13}, {1}, 3).to_vector<float>(),
            std::vector<float>(13, 0.0F));
}

TEST(ParameterArena, RefusesTwiceTheSame) {
  std::vector<NamedParameter> parameters = three();
  parameters[2].first = "a";
  expect_throw_with<ValueError>([&] { static_cast<void>(ParameterArena(parameters)); }, "\"a\"");
  parameters[2] = {"c", parameters[0].second};
  expect_throw_with<ValueError>([&] { static_cast<void>(ParameterArena(parameters)); }, "twice");
  parameters[2].second = nullptr;
  expect_throw_with<ValueError>([&] { static_cast<void>(ParameterArena(parameters)); }, "\"c\"");
}

}  // namespace
}  // namespace wick
