// SPDX-License-Identifier: MIT
// Averages of models, and running statistics made anew. PyTorch's numbers are compared with by
// tests/interop/clip_and_average_parity.py.
#include "wick/nn/averaged_model.h"

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/core/ops_arithmetic.h"
#include "wick/core/random.h"
#include "wick/nn/graph.h"
#include "wick/nn/layers/activation.h"
#include "wick/nn/layers/batch_norm.h"
#include "wick/nn/layers/linear.h"
#include "wick/nn/sequential.h"

namespace wick::nn {
namespace {

using testing::expect_throw_with;

Sequential make_model() {
  Generator generator(1);
  Sequential model;
  model.add<Linear>("fc", 3, 2, generator);
  model.add<BatchNorm1d>("norm", 2);
  return model;
}

void fill(const Module& model, double value) {
  for (const ParameterPtr& parameter : model.parameters()) parameter->value.fill_(value);
  for (const BufferPtr& buffer : model.buffers()) buffer->fill_(value);
}

float first(const Tensor& tensor) {
  return tensor.to(DType::float32).to_vector<float>()[0];
}

TEST(AveragedModel, HasPyTorchsKeys) {
  const Sequential model = make_model();
  const AveragedModel averaged(model);
  const StateDict state = averaged.state_dict();
  std::vector<std::string> names;
  for (const auto& [name, tensor] : state) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"n_averaged", "module.fc.weight", "module.fc.bias",
                                             "module.norm.weight", "module.norm.bias",
                                             "module.norm.running_mean", "module.norm.running_var",
                                             "module.norm.num_batches_tracked"}));
  EXPECT_EQ(state.at("n_averaged").dtype(), DType::int64);
  EXPECT_EQ(state.at("n_averaged").shape(), Dims{});
}

TEST(AveragedModel, IsTheMeanOfAllModels) {
  const Sequential model = make_model();
  AveragedModel averaged(model);
  for (const double value : {1.0, 2.0, 6.0}) {
    fill(model, value);
    averaged.update_parameters(model);
  }
  EXPECT_EQ(averaged.n_averaged(), 3);
  EXPECT_FLOAT_EQ(first(averaged.parameters()[0]->value), 3.0F);
  EXPECT_FLOAT_EQ(first(averaged.state_dict().at("module.norm.running_mean")), 6.0F)
      << "buffers are the last model's";
}

TEST(AveragedModel, AveragesBuffersWhereThatIsWanted) {
  const Sequential model = make_model();
  AveragedModel averaged(model, {.avg_fn = get_ema_avg_fn(0.5), .use_buffers = true});
  for (const double value : {3.0, 8.0}) {
    fill(model, value);
    averaged.update_parameters(model);
  }
  EXPECT_FLOAT_EQ(first(averaged.parameters()[0]->value), 5.5F);
  EXPECT_FLOAT_EQ(first(averaged.state_dict().at("module.norm.running_mean")), 5.5F);
  EXPECT_EQ(averaged.state_dict().at("module.norm.num_batches_tracked").item<std::int64_t>(), 5);
}

TEST(AveragedModel, IsUsedLikeTheModel) {
  Sequential model = make_model();
  AveragedModel averaged(model);
  averaged.update_parameters(model);
  model.eval();
  averaged.eval();
  Generator generator(3);
  const Tensor x = Tensor::normal({4, 3}, 0.0, 1.0, generator);
  EXPECT_TRUE(bitwise_equal(averaged.forward(x), model.forward(x)));
  fill(model, 7.0);
  EXPECT_NE(first(averaged.parameters()[0]->value), 7.0F) << "it has memory of its own";
  const auto copy = clone(averaged);
  EXPECT_EQ(copy->n_averaged(), 1);
  EXPECT_TRUE(bitwise_equal(copy->forward(x), averaged.forward(x)));
  copy->update_parameters(model);
  EXPECT_EQ(averaged.n_averaged(), 1);
}

TEST(AveragedModel, GoesOnFromItsState) {
  const Sequential model = make_model();
  AveragedModel averaged(model);
  fill(model, 2.0);
  averaged.update_parameters(model);
  AveragedModel other(model);
  other.load_state_dict(averaged.state_dict());
  fill(model, 6.0);
  other.update_parameters(model);
  EXPECT_EQ(other.n_averaged(), 2);
  EXPECT_FLOAT_EQ(first(other.parameters()[0]->value), 4.0F);
}

TEST(AveragedModel, RefusesAnotherModel) {
  Generator generator(1);
  AveragedModel averaged(make_model());
  Sequential other;
  other.add<Linear>("fc", 3, 2, generator);
  expect_throw_with<ValueError>([&] { averaged.update_parameters(other); },
                                "the model has 2 parameters, the average has 4");
  Sequential wide;
  wide.add<Linear>("fc", 3, 3, generator);
  wide.add<BatchNorm1d>("norm", 3);
  expect_throw_with<ShapeError>([&] { averaged.update_parameters(wide); }, "parameter 0 is");
  EXPECT_EQ(averaged.n_averaged(), 0);
  for (const double decay : {-0.1, 1.1}) {
    expect_throw_with<ValueError>([&] { static_cast<void>(get_ema_avg_fn(decay)); },
                                  "must be from 0 to 1");
  }
}

TEST(AveragedModel, KeepsTheModeOfEachLayer) {
  Sequential model = make_model();
  model.children()[1].second->eval();
  const AveragedModel averaged(model);
  EXPECT_TRUE(averaged.module().children()[0].second->is_training());
  EXPECT_FALSE(averaged.module().children()[1].second->is_training());
  model.eval();
  const AveragedModel other(model);
  EXPECT_TRUE(other.is_training()) << "as PyTorch's wrapper";
  EXPECT_FALSE(other.module().is_training());
}

TEST(AveragedModel, TakesTheAverageThatAFunctionReturns) {
  const Sequential model = make_model();
  AveragedModel averaged(model,
                         {.avg_fn =
                              [](const Tensor& average, const Tensor& current, std::int64_t count) {
                                EXPECT_EQ(count, 1);
                                return ops::add(average, current);
                              },
                          .use_buffers = true});
  for (const double value : {3.0, 8.0}) {
    fill(model, value);
    averaged.update_parameters(model);
  }
  EXPECT_FLOAT_EQ(first(averaged.parameters()[0]->value), 11.0F);
  EXPECT_EQ(averaged.state_dict().at("module.norm.num_batches_tracked").item<std::int64_t>(), 11);
  EXPECT_FLOAT_EQ(first(model.parameters()[0]->value), 8.0F);
}

TEST(AveragedModel, RefusesAFunctionThatReturnsNoAverage) {
  const Sequential model = make_model();
  AveragedModel averaged(
      model, {.avg_fn = [](const Tensor&, const Tensor&, std::int64_t) { return Tensor(); }});
  averaged.update_parameters(model);
  expect_throw_with<ValueError>([&] { averaged.update_parameters(model); },
                                "avg_fn must return the new average");
  EXPECT_EQ(averaged.n_averaged(), 1);
}

TEST(UpdateBn, CountsEachUseOfALayer) {
  Graph model;
  const auto once = model.call<BatchNorm1d>("norm", model.input(), 1);
  model.output(model.again("norm", once));
  auto* const norm = model.children()[0].second->batch_norm();
  model.parameters()[0]->value.fill_(2.0);
  model.parameters()[1]->value.fill_(1.0);
  int batch = 0;
  update_bn(
      [&] {
        const auto mean = static_cast<float>(3 * ++batch);
        return batch > 2 ? Tensor() : Tensor::from<float>({mean - 1.0F, mean + 1.0F}).view({2, 1});
      },
      model);
  // The inputs of the four uses have the means 3, 1, 6, 1 and the variances 2, 8, 2, 8.
  EXPECT_NEAR(norm->running_mean()->item<float>(), 2.75F, 1e-5F);
  EXPECT_NEAR(norm->running_var()->item<float>(), 5.0F, 1e-3F);
  EXPECT_EQ(norm->num_batches_tracked()->item<std::int64_t>(), 4);
}

TEST(UpdateBn, RefusesAnEmptyFunctionBeforeAnyChange) {
  Sequential model;
  const auto& norm = model.add<BatchNorm1d>("norm", 1);
  norm.running_mean()->fill_(100.0);
  expect_throw_with<ValueError>([&] { update_bn({}, model); }, "next_batch is empty");
  EXPECT_FLOAT_EQ(norm.running_mean()->item<float>(), 100.0F);
}

TEST(UpdateBn, MakesTheStatisticsThoseOfTheBatches) {
  Sequential model;
  auto& norm = model.add<BatchNorm1d>("norm", 1);
  norm.running_mean()->fill_(100.0);
  model.eval();
  int batch = 0;
  update_bn(
      [&] {
        const auto mean = static_cast<float>(3 * ++batch);
        return batch > 3 ? Tensor() : Tensor::from<float>({mean - 1.0F, mean + 1.0F}).view({2, 1});
      },
      model);
  EXPECT_FLOAT_EQ(norm.running_mean()->item<float>(), 6.0F);
  EXPECT_FLOAT_EQ(norm.running_var()->item<float>(), 2.0F);
  EXPECT_EQ(norm.num_batches_tracked()->item<std::int64_t>(), 3);
  EXPECT_FALSE(model.is_training());
  EXPECT_EQ(norm.momentum(), 0.1);
}

TEST(UpdateBn, PutsEverythingBackWhereABatchIsWrong) {
  Sequential model;
  auto& norm = model.add<BatchNorm1d>("norm", 1);
  model.eval();
  EXPECT_THROW(update_bn([] { return Tensor::zeros({2, 5}); }, model), ShapeError);
  EXPECT_FALSE(model.is_training());
  EXPECT_EQ(norm.momentum(), 0.1);
}

}  // namespace
}  // namespace wick::nn
