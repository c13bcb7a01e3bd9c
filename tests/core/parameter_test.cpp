// SPDX-License-Identifier: MIT
#include "core/parameter.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support.h"

namespace wick {
namespace {

using testing::expect_throw_with;

TEST(Parameter, HoldsAValueAndAGradientOfItsShape) {
  const ParameterPtr parameter =
      make_parameter(Tensor::arange(6, DType::float64).view({2, 3}).transpose(0, 1));
  EXPECT_TRUE(parameter->value.is_contiguous());
  EXPECT_TRUE(parameter->grad.is_contiguous());
  EXPECT_EQ(parameter->value.to_vector<double>(), (std::vector<double>{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(parameter->grad.shape(), (Dims{3, 2}));
  EXPECT_EQ(parameter->grad.dtype(), DType::float64);
  EXPECT_FALSE(parameter->has_grad);
}

TEST(Flatten, KeepsNumbersAndPutsThemInOneStorage) {
  const std::vector<ParameterPtr> parameters = {
      make_parameter(Tensor::arange(6, DType::float32).view({2, 3})),
      make_parameter(Tensor::arange(0, DType::float32)),
      make_parameter(Tensor::full({17}, 4.0)),
      make_parameter(Tensor::scalar(5.0F)),
  };
  parameters[2]->grad.fill_(7.0);
  parameters[2]->has_grad = true;
  flatten(parameters);
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

TEST(Flatten, LeavesZerosBetweenParameters) {
  const std::vector<ParameterPtr> parameters = {make_parameter(Tensor::ones({3})),
                                                make_parameter(Tensor::ones({3}))};
  flatten(parameters);
  const std::int64_t gap = parameters[1]->value.offset() - 3;
  const Tensor between = parameters[0]->value.as_strided({gap}, {1}, 3);
  EXPECT_EQ(gap, 13);
  EXPECT_EQ(between.to_vector<float>(), std::vector<float>(13, 0.0F));
}

TEST(Flatten, RefusesMixedDTypesAndChangesNothing) {
  const std::vector<ParameterPtr> parameters = {make_parameter(Tensor::ones({3})),
                                                make_parameter(Tensor::ones({3}, DType::float64))};
  void* const before = parameters[0]->value.raw();
  expect_throw_with<ValueError>([&] { flatten(parameters); }, "float64");
  EXPECT_EQ(parameters[0]->value.raw(), before);
}

TEST(Flatten, OfNothingIsNothing) {
  flatten({});
}

}  // namespace
}  // namespace wick
