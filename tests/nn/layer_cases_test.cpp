// SPDX-License-Identifier: MIT
// What holds of every layer, over the table of layers.
#include "tests/nn/layer_cases.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/count_allocations.h"
#include "tests/nn/finite_differences.h"
#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/kernels/devices.h"
#include "wick/nn/inference_plan.h"
#include "wick/nn/sequential.h"

namespace wick::testing {
namespace {

class Layers : public ::testing::TestWithParam<LayerCase> {
 protected:
  [[nodiscard]] std::unique_ptr<nn::Module> make(DType dtype = DType::float32) {
    return GetParam().make({generator_, dtype});
  }
  [[nodiscard]] Tensor input(const Dims& batch, DType dtype = DType::float32) {
    return layer_input(input_shape(GetParam(), batch), generator_, dtype);
  }
  [[nodiscard]] Tensor normal(const Dims& shape, DType dtype = DType::float32) {
    return Tensor::normal(shape, 0.0, 1.0, generator_, dtype);
  }

  std::uint64_t seed_ = std::random_device()();
  Generator generator_{seed_};
  ::testing::ScopedTrace trace_{__FILE__, __LINE__, ::testing::Message() << "seed " << seed_};
};
INSTANTIATE_TEST_SUITE_P(All, Layers, ::testing::ValuesIn(kLayerCases));

TEST_P(Layers, GradientsAreThoseOfFiniteDifferences) {
  for (const Dims& batch : {Dims{5, 9}, Dims{2, 3, 4}, Dims{1}}) {
    const auto layer = make(DType::float64);
    check_module(*layer, input(batch, DType::float64));
  }
}

TEST_P(Layers, AllocateNothingAfterTheSecondStep) {
  const auto layer = make();
  const Tensor x = input({6, 5});
  const Tensor smaller = x.slice(0, 0, 2);
  const Tensor grad = normal(layer->forward(x).shape());
  const Tensor smaller_grad = grad.slice(0, 0, 2);
  const auto step = [&] {
    (void)layer->forward(x);
    layer->backward(grad);
  };
  step();
  step();
  const std::size_t before = allocation_count();
  for (int i = 0; i < 5; ++i) step();
  // The last batch of an epoch is smaller, and the first of the next is whole again.
  (void)layer->forward(smaller);
  layer->backward(smaller_grad);
  step();
  EXPECT_EQ(allocation_count(), before);
}

TEST_P(Layers, LeaveTheInputAndTheGradientByTheOutputAlone) {
  const auto layer = make();
  const Tensor x = input({6, 5});
  const Tensor kept = x.clone();
  const Tensor grad = normal(layer->forward(x).shape());
  const Tensor kept_grad = grad.clone();
  const Tensor first = layer->backward(grad).clone();
  EXPECT_TRUE(bitwise_equal(x, kept));
  EXPECT_TRUE(bitwise_equal(grad, kept_grad));
  // Nor do they overwrite their own, given back to them.
  const Tensor y = layer->forward(x);
  if (y.shape() != x.shape()) return;
  const Tensor kept_y = y.clone();
  (void)layer->forward(y);
  const Tensor through = layer->backward(grad);
  const auto other = make();
  if (!other->parameters().empty()) return;
  (void)other->forward(kept_y);
  EXPECT_TRUE(bitwise_equal(through, other->backward(grad)));
  const Tensor before = through.clone();
  (void)layer->forward(x);
  (void)layer->backward(through);
  EXPECT_TRUE(bitwise_equal(through, before));
}

TEST_P(Layers, HaveTheSameBitsForAnyNumberOfThreads) {
  const auto layer = make();
  // More than one thread has enough to do for, and no multiple of anything.
  const Tensor x = input(GetParam().trailing.empty() ? Dims{331, 613} : Dims{331});
  const Tensor grad = normal(layer->forward(x).shape());
  const Tensor y = layer->forward(x).clone();
  const Tensor dx = layer->backward(grad).clone();
  for (int threads = 2; threads <= 8; ++threads) {
    set_num_threads(threads);
    EXPECT_TRUE(bitwise_equal(layer->forward(x), y)) << threads << " threads";
    EXPECT_TRUE(bitwise_equal(layer->backward(grad), dx)) << threads << " threads";
  }
  set_num_threads(1);
}

// An element's result does not depend on which other ones there are, and where they lie.
TEST_P(Layers, OfOneElementGiveTheSameBitsAnywhere) {
  if (!GetParam().pointwise) GTEST_SKIP() << "a sum over elements";
  const auto layer = make();
  const Tensor x = input({77});
  const Tensor grad = normal({77});
  const Tensor y = layer->forward(x).clone();
  const Tensor dx = layer->backward(grad).clone();
  for (const std::int64_t first : {1, 2, 3, 40, 76}) {
    EXPECT_TRUE(bitwise_equal(layer->forward(x.slice(0, first, 77)), y.slice(0, first, 77)));
    EXPECT_TRUE(bitwise_equal(layer->backward(grad.slice(0, first, 77)), dx.slice(0, first, 77)));
  }
}

TEST_P(Layers, TakeInputsWithoutElements) {
  const auto layer = make();
  const Tensor x = input({0, 5});
  const Tensor y = layer->forward(x);
  EXPECT_EQ(y.numel(), 0);
  EXPECT_EQ(layer->backward(Tensor::zeros(y.shape())).shape(), x.shape());
}

TEST_P(Layers, OneForwardServesOneBackward) {
  const auto layer = make();
  const Tensor x = input({3, 4});
  expect_throw_with<ValueError>([&] { layer->backward(x); }, "before any forward()");
  layer->eval();  // saves, too
  const Tensor grad = normal(layer->forward(x).shape());
  expect_throw_with<ShapeError>([&] { layer->backward(Tensor::ones({7, 7, 7})); }, "[7, 7, 7]");
  layer->backward(grad);
  expect_throw_with<ValueError>([&] { layer->backward(grad); }, "second");
  layer->eval();
  (void)layer->forward(x);
  layer->train();
  expect_throw_with<ValueError>([&] { layer->backward(grad); }, "forward() again");
}

TEST_P(Layers, RefuseWhatTheyCannotComputeAndKeepWhatIsSaved) {
  if (GetParam().view) GTEST_SKIP() << "takes every dtype";
  const auto layer = make();
  const Tensor x = input({3, 4});
  const Tensor grad = normal(layer->forward(x).shape());
  EXPECT_THROW((void)layer->forward(x.to(DType::int64)), DTypeError);
  const Tensor dx = layer->backward(grad).clone();
  (void)layer->forward(x);
  EXPECT_TRUE(bitwise_equal(layer->backward(grad), dx));
}

TEST_P(Layers, WorkBetweenOtherLayers) {
  if (!GetParam().trailing.empty()) GTEST_SKIP() << "of another shape";
  nn::Sequential model;
  auto& fc1 = model.add<nn::Linear>("fc1", 6, 8, generator_);
  nn::Module& layer = model.append("layer", make());
  auto& fc2 = model.add<nn::Linear>("fc2", 8, 3, generator_);
  const Tensor x = normal({5, 6});
  const Tensor grad = normal({5, 3});
  const Tensor y = model.forward(x).clone();
  const Tensor dx = model.backward(grad).clone();
  EXPECT_TRUE(bitwise_equal(y, fc2.forward(layer.forward(fc1.forward(x)))));
  const Tensor by_hand = fc1.backward(layer.backward(fc2.backward(grad)));
  EXPECT_TRUE(bitwise_equal(dx, by_hand));
}

// What describes itself is compiled; else compile() says what does not. A dimension that takes in
// several samples is none of a plan's.
TEST_P(Layers, CompiledGiveTheSameOutputs) {
  const auto layer = make();
  constexpr std::int64_t kMost = 9;
  const Tensor x = input(GetParam().trailing.empty() ? Dims{kMost, 7} : Dims{kMost});
  (void)layer->forward(x);  // so that running statistics are something
  layer->eval();
  Dims sample = x.shape();
  sample.erase(0);
  nn::StepList steps(nn::StepList::Purpose::description);
  layer->describe(steps);
  const bool is_known = std::ranges::none_of(
      steps.steps(), [](const nn::Step& step) { return step.kind == nn::StepKind::opaque; });
  const std::vector<Dims> samples = {sample};
  if (!is_known) {
    expect_throw_with<ValueError>([&] { (void)nn::compile(*layer, samples, kMost); },
                                  "does not describe itself");
    return;
  }
  std::optional<nn::InferencePlan> plan;
  try {
    plan = nn::compile(*layer, samples, kMost);
  } catch (const ShapeError& error) {
    EXPECT_NE(std::string_view(error.what()).find("dimension"), std::string_view::npos)
        << error.what();
    GTEST_SKIP() << "over several samples: " << error.what();
  } catch (const ValueError& error) {
    EXPECT_NE(std::string_view(error.what()).find("depends on the others"), std::string_view::npos)
        << error.what();
    GTEST_SKIP() << "over several samples: " << error.what();
  }
  auto workspace = plan->make_workspace();
  for (const std::int64_t count : {std::int64_t{1}, kMost, std::int64_t{4}}) {
    const Tensor some = x.slice(0, 0, count);
    const Tensor wanted = layer->forward(some);
    const Tensor output = Tensor::empty(wanted.shape());
    plan->run(some, output, workspace);
    const std::vector<float> actual = output.to_vector<float>();
    const std::vector<float> expected = wanted.to_vector<float>();
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ASSERT_NEAR(actual[i], expected[i], 1e-6F * (1.0F + std::abs(expected[i])))
          << count << " samples, element " << i;
    }
  }
}

TEST(Activations, RefuseArgumentsThatPyTorchRefuses) {
  expect_throw_with<ValueError>([] { nn::GELU("erf"); }, "erf");
  expect_throw_with<ValueError>([] { nn::CELU(0.0); }, "alpha");
  expect_throw_with<ValueError>([] { nn::Hardtanh(2.0, 2.0); }, "max_val 2");
}

TEST(Activations, AreNamedAsInPyTorch) {
  Generator generator(1);
  for (const LayerCase& row : kLayerCases) {
    const std::string expression = row.torch;
    EXPECT_EQ(row.make({generator})->type_name(), expression.substr(0, expression.find('(')));
  }
}

TEST(Activations, NaNPassesThrough) {
  Generator generator(1);
  const Tensor x = Tensor::full({19}, std::nan(""));
  for (const LayerCase& row : kLayerCases) {
    if (!row.pointwise) continue;
    for (const float value : row.make({generator})->forward(x).to_vector<float>()) {
      EXPECT_TRUE(std::isnan(value)) << row.torch;
    }
  }
}

TEST(Activations, AFusedOutputIsEnoughWhereTheGradientNeedsNoInput) {
  nn::Tanh tanh;
  nn::Tanh whole;
  const Tensor x = Tensor::from<float>({0.5F, -1.0F});
  tanh.set_output(whole.forward(x));
  EXPECT_TRUE(bitwise_equal(tanh.backward(x), whole.backward(x)));
  nn::GELU gelu;
  expect_throw_with<ValueError>([&] { gelu.set_output(x); }, "GELU");
}

}  // namespace
}  // namespace wick::testing
