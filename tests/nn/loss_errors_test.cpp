// SPDX-License-Identifier: MIT
// Errors of losses name the loss, what it expected, what came, and the remedy.
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/nn/loss_cases.h"
#include "tests/support.h"
#include "wick/core/error.h"

namespace wick::testing {
namespace {

class ErrorsOfLosses : public ::testing::TestWithParam<LossRow> {
 protected:
  ErrorsOfLosses() : loss_(GetParam().make({generator_})) {
    call_ = make_call(GetParam(), *loss_, {4, 3}, generator_, DType::float32);
    name_ = std::string(loss_->type_name()) + ": ";
  }
  template <typename E>
  void expect_refused(const LossCall& call, const std::string& text) {
    expect_throw_with<E>([&] { (void)call.forward(); }, name_ + text);
  }

  Generator generator_{std::random_device()()};
  std::unique_ptr<nn::Loss> loss_;
  LossCall call_{};
  std::string name_;
};
INSTANTIATE_TEST_SUITE_P(All, ErrorsOfLosses, ::testing::ValuesIn(kLossCases));

TEST_P(ErrorsOfLosses, NameTheDTypeThatCameAndTheOneToUse) {
  for (const DType dtype : {DType::uint8, DType::int64, DType::bfloat16}) {
    LossCall wrong = call_;
    wrong.input = call_.input.to(dtype);
    expect_refused<DTypeError>(wrong, concat("input is ", dtype,
                                             ", expected float32 or float64; "
                                             "use x.to(DType::float32)"));
  }
  LossCall wrong = call_;
  wrong.target = call_.target.to(DType::uint8);
  expect_refused<DTypeError>(
      wrong, GetParam().has_classes()
                 ? "target is uint8, expected int64 class indices; use target.to(DType::int64)"
                 : "target is uint8, input is float32; use target.to(DType::float32)");
  wrong.target = call_.target.to(DType::float64);
  expect_refused<DTypeError>(
      wrong, GetParam().target == Range::classes
                 ? "target is float64, expected int64 class indices; use target.to(DType::int64)"
                 : "target is float64, input is float32; use target.to(DType::float32)");
  if (!call_.variance) return;
  wrong = call_;
  wrong.var = call_.var.to(DType::float64);
  expect_refused<DTypeError>(wrong, "var is float64, input is float32");
}

TEST_P(ErrorsOfLosses, NameWhatIsUndefinedOrElsewhere) {
  LossCall wrong = call_;
  wrong.input = Tensor();
  expect_refused<ValueError>(wrong, "input is an undefined tensor");
  wrong = call_;
  wrong.target = Tensor();
  expect_refused<ValueError>(wrong, "target is an undefined tensor");
  wrong.target = Tensor::empty(call_.target.shape(), call_.target.dtype(), kMeta);
  expect_refused<DeviceError>(wrong, "target is on meta, input is on cpu; move one of them");
}

TEST_P(ErrorsOfLosses, NameTheShapeThatCameAndWhatWasExpected) {
  LossCall wrong = call_;
  wrong.target = call_.target.slice(0, 0, 3);
  expect_refused<ShapeError>(wrong, concat("target has shape ", wrong.target.shape(), ", expected ",
                                           call_.target.shape()));
  if (GetParam().weights == 0) return;
  const std::int64_t dim = GetParam().has_classes() ? 1 : -1;
  wrong.input = call_.input.slice(dim, 0, 4).contiguous();
  wrong.target = call_.target;
  if (GetParam().target != Range::classes) {
    wrong.target = call_.target.slice(dim, 0, 4).contiguous();
  }
  expect_refused<ShapeError>(wrong, "weight has shape [5], expected [4]");
}

TEST_P(ErrorsOfLosses, NameAGradientThatIsOfAnotherKind) {
  const auto loss = GetParam().make({generator_, nn::Reduction::none});
  const LossCall call = make_call(GetParam(), *loss, {4, 3}, generator_, DType::float32);
  const Dims shape = call.forward().shape();
  expect_throw_with<DTypeError>(
      [&] { (void)loss->backward(Tensor::ones(shape, DType::float64)); },
      name_ + "grad_output is float64, input is float32; use grad_output.to(DType::float32)");
  expect_throw_with<ShapeError>([&] { (void)loss->backward(Tensor()); }, name_);
}

}  // namespace
}  // namespace wick::testing
