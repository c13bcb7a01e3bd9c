// SPDX-License-Identifier: MIT
// The plan's results against the module's, its refusals, and that it allocates nothing.
#include "wick/nn/inference_plan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "tests/count_allocations.h"
#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/core/random.h"
#include "wick/kernels/devices.h"
#include "wick/nn/graph.h"
#include "wick/nn/layers/batch_norm.h"
#include "wick/nn/sequential.h"

namespace wick::nn {
namespace {

using testing::expect_throw_with;

void expect_near(const Tensor& actual, const Tensor& expected, double tolerance) {
  ASSERT_EQ(actual.shape(), expected.shape());
  const auto left = actual.to(DType::float64).to_vector<double>();
  const auto right = expected.to(DType::float64).to_vector<double>();
  for (std::size_t i = 0; i < left.size(); ++i) {
    ASSERT_NEAR(left[i], right[i], tolerance * (1.0 + std::fabs(right[i]))) << "element " << i;
  }
}

void add_layers(Sequential& model, const std::vector<std::int64_t>& sizes, Generator& generator,
                const LinearOptions& options = {}) {
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
    model.add<Linear>(concat("fc", i), sizes[i], sizes[i + 1], generator, options);
    if (i + 2 < sizes.size()) model.add<ReLU>(concat("relu", i));
  }
}

TEST(InferencePlan, GivesTheModulesOutput) {
  Generator generator(1);
  for (const std::vector<std::int64_t>& sizes : {std::vector<std::int64_t>{784, 32, 10},
                                                 {784, 512, 512, 10},
                                                 {7, 5},
                                                 {3, 1, 130, 65, 2},
                                                 {300, 70, 1}}) {
    for (const DType dtype : {DType::float32, DType::float64}) {
      for (const bool bias : {true, false}) {
        Sequential model;
        add_layers(model, sizes, generator, {.bias = bias, .dtype = dtype});
        const InferencePlan plan = compile(model, 70);
        InferencePlan::Workspace workspace = plan.make_workspace();
        EXPECT_EQ(plan.in_features(), sizes.front());
        EXPECT_EQ(plan.out_features(), sizes.back());
        for (const std::int64_t batch : {0, 1, 2, 13, 32, 70}) {
          const Tensor x = Tensor::normal({batch, sizes.front()}, 0, 1, generator).to(dtype);
          const Tensor y = Tensor::full({batch, sizes.back()}, NAN, dtype);
          plan.run(x, y, workspace);
          expect_near(y, model.forward(x), dtype == DType::float32 ? 1e-5 : 1e-12);
        }
      }
    }
  }
}

TEST(InferencePlan, TakesNestedModelsAndReLUAnywhere) {
  Generator generator(2);
  Sequential model;
  model.add<ReLU>("first");
  auto inner = std::make_unique<Sequential>();
  add_layers(*inner, {20, 30, 40}, generator);
  model.append("inner", std::move(inner));
  model.add<ReLU>("relu");
  model.add<ReLU>("again");
  model.add<Linear>("last", 40, 3, generator);
  model.add<ReLU>("end");
  const InferencePlan plan = compile(model, 9);
  InferencePlan::Workspace workspace = plan.make_workspace();
  // Rows that are apart, in and out.
  const Tensor wide = Tensor::normal({9, 25}, 0, 1, generator);
  const Tensor x = wide.slice(1, 2, 22);
  const Tensor out = Tensor::full({9, 5}, -1.0);
  plan.run(x, out.slice(1, 1, 4), workspace);
  expect_near(out.slice(1, 1, 4), model.forward(x.contiguous()), 1e-5);
  for (std::int64_t r = 0; r < 9; ++r) {
    EXPECT_EQ(out.at<float>({r, 0}), -1.0F);
    EXPECT_EQ(out.at<float>({r, 4}), -1.0F);
  }
}

TEST(InferencePlan, KeepsTheWeightsOfItsTime) {
  Generator generator(3);
  Sequential model;
  add_layers(model, {8, 4}, generator);
  const InferencePlan plan = compile(model, 2);
  InferencePlan::Workspace workspace = plan.make_workspace();
  const Tensor x = Tensor::normal({2, 8}, 0, 1, generator);
  const Tensor before = model.forward(x).clone();
  for (const ParameterPtr& parameter : model.parameters()) {
    std::fill_n(parameter->value.data<float>(), parameter->value.numel(), 0.0F);
  }
  const Tensor y = Tensor::empty({2, 4});
  plan.run(x, y, workspace);
  expect_near(y, before, 1e-6);
}

// A BatchNorm1d in eval mode whose running statistics, weight and bias are random.
std::unique_ptr<BatchNorm1d> random_batch_norm(std::int64_t features, bool affine, DType dtype,
                                               Generator& generator) {
  auto norm =
      std::make_unique<BatchNorm1d>(features, BatchNormOptions{.affine = affine, .dtype = dtype});
  norm->running_mean()->copy_(Tensor::normal({features}, 0, 2, generator));
  norm->running_var()->copy_(Tensor::uniform({features}, 0.2, 3, generator));
  if (affine) {
    norm->weight()->value.copy_(Tensor::normal({features}, 0, 1, generator));
    norm->bias()->value.copy_(Tensor::normal({features}, 0, 1, generator));
  }
  return norm;
}

// What a plan of the model gives; near the model's own output.
Tensor planned(Module& model, const Tensor& x, double tolerance) {
  model.eval();
  const Tensor expected = model.forward(x);
  Dims sample = x.shape();
  sample.erase(0);
  const InferencePlan plan = compile(model, std::array{sample}, x.size(0));
  InferencePlan::Workspace workspace = plan.make_workspace();
  const Tensor y = Tensor::full(expected.shape(), NAN, x.dtype());
  plan.run(x, y, workspace);
  double largest = 0.0;
  for (const double value : expected.to(DType::float64).to_vector<double>()) {
    largest = std::max(largest, std::fabs(value));
  }
  const auto left = y.to(DType::float64).to_vector<double>();
  const auto right = expected.to(DType::float64).to_vector<double>();
  for (std::size_t i = 0; i < left.size(); ++i) {
    EXPECT_NEAR(left[i], right[i], tolerance * largest) << "element " << i;
  }
  return y;
}

TEST(InferencePlan, FoldsABatchNormIntoTheLinearBefore) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  Generator generator(seed);
  for (int round = 0; round < 12; ++round) {
    const auto size = [&] { return 1 + static_cast<std::int64_t>(generator.random() % 90); };
    const std::int64_t inputs = size();
    const std::int64_t features = size();
    const DType dtype = round % 2 == 0 ? DType::float32 : DType::float64;
    const bool relu = round % 3 == 0;
    Sequential model;
    auto& linear = model.add<Linear>("fc", inputs, features, generator,
                                     LinearOptions{.bias = round % 4 != 0, .dtype = dtype});
    BatchNorm1d& norm = *random_batch_norm(features, round % 5 != 0, dtype, generator).release();
    model.append("norm", std::unique_ptr<Module>(&norm));
    if (relu) model.add<ReLU>("relu");
    const Tensor x = Tensor::normal({1 + round, inputs}, 0, 1, generator).to(dtype);
    const Tensor y = planned(model, x, dtype == DType::float32 ? 1e-6 : 1e-14);
    // The bits of a Linear that has the same weights by itself.
    Sequential folded;
    auto& alone =
        folded.add<Linear>("fc", inputs, features, generator, LinearOptions{.dtype = dtype});
    if (relu) folded.add<ReLU>("relu");
    for (std::int64_t c = 0; c < features; ++c) {
      const auto of = [c](const Tensor& values) {
        return values.to(DType::float64).at<double>({c});
      };
      const double scale = norm.weight() ? of(norm.weight()->value) : 1.0;
      const double factor = scale / std::sqrt(of(*norm.running_var()) + norm.eps());
      const double before = linear.bias() ? of(linear.bias()->value) : 0.0;
      const double shift = norm.bias() ? of(norm.bias()->value) : 0.0;
      alone.bias()->value[c].fill_((before - of(*norm.running_mean())) * factor + shift);
      for (std::int64_t i = 0; i < inputs; ++i) {
        alone.weight()->value[c][i].fill_(
            linear.weight()->value.to(DType::float64).at<double>({c, i}) * factor);
      }
    }
    EXPECT_TRUE(bitwise_equal(y, planned(folded, x, 1e-5)));
  }
}

TEST(InferencePlan, FoldsSeveralAndLeavesWhatDoesNotFit) {
  Generator generator(7);
  Sequential twice;
  twice.add<Linear>("fc", 6, 5, generator);
  twice.append("norm1", random_batch_norm(5, true, DType::float32, generator));
  twice.append("norm2", random_batch_norm(5, false, DType::float32, generator));
  twice.add<ReLU>("relu");
  twice.append("norm3", random_batch_norm(5, true, DType::float32, generator));
  planned(twice, Tensor::normal({4, 6}, 0, 1, generator), 1e-6);
  // Channels that are not the Linear's features.
  Sequential rows;
  rows.add<Linear>("fc", 6, 5, generator);
  rows.append("norm", random_batch_norm(5, true, DType::float32, generator));
  planned(rows, Tensor::normal({4, 5, 6}, 0, 1, generator), 1e-6);
  Sequential wrong;
  wrong.add<Linear>("fc", 6, 5, generator);
  wrong.append("norm", random_batch_norm(4, true, DType::float32, generator));
  expect_throw_with<ShapeError>([&] { static_cast<void>(compile(wrong, 2)); },
                                "norm: compile: BatchNorm1d");
}

TEST(InferencePlan, FoldedWeightsAreThoseOfItsTime) {
  Generator generator(8);
  Sequential model;
  model.add<Linear>("fc", 6, 5, generator);
  model.append("norm", random_batch_norm(5, true, DType::float32, generator));
  model.eval();
  const Tensor x = Tensor::normal({3, 6}, 0, 1, generator);
  const Tensor before = model.forward(x).clone();
  const InferencePlan plan = compile(model, 3);
  InferencePlan::Workspace workspace = plan.make_workspace();
  Sequential other;
  other.add<Linear>("fc", 6, 5, generator);
  other.append("norm", random_batch_norm(5, true, DType::float32, generator));
  model.load_state_dict(other.state_dict());
  const Tensor y = Tensor::empty({3, 5});
  plan.run(x, y, workspace);
  expect_near(y, before, 1e-5);
  EXPECT_TRUE(bitwise_equal(planned(model, x, 1e-6), planned(other, x, 1e-6)));
  EXPECT_FALSE(bitwise_equal(planned(model, x, 1e-6), y));
}

TEST(InferencePlan, NaNPassesThrough) {
  Generator generator(4);
  Sequential model;
  add_layers(model, {16, 8, 3}, generator);
  const InferencePlan plan = compile(model, 2);
  InferencePlan::Workspace workspace = plan.make_workspace();
  const Tensor y = Tensor::zeros({2, 3});
  plan.run(Tensor::full({2, 16}, NAN), y, workspace);
  for (const float value : y.to_vector<float>()) EXPECT_TRUE(std::isnan(value));
}

// In every dtype, under autocast, and with threads that share the products.
TEST(InferencePlan, AllocatesNothingAndWaitsForNoLock) {
  Generator generator(5);
  for (const int threads : {1, 2, 3}) {
    for (const DType dtype : {DType::float32, DType::float64}) {
      for (const DType autocast : {DType::float32, DType::bfloat16}) {
        for (const std::int64_t batch : {1, 64}) {
          Sequential model;
          add_layers(model, {784, 520, 10}, generator, {.dtype = dtype});
          if (dtype == DType::float32) model.autocast(autocast);
          const InferencePlan plan = compile(model, 64);
          InferencePlan::Workspace workspace = plan.make_workspace();
          const Tensor x = Tensor::normal({batch, 784}, 0, 1, generator).to(dtype);
          const Tensor y = Tensor::empty({batch, 10}, dtype);
          set_num_threads(threads);
          const std::size_t allocations = testing::allocation_count();
          const std::size_t locks = testing::lock_count();
          for (int round = 0; round < 3; ++round) plan.run(x, y, workspace);
          EXPECT_EQ(testing::allocation_count(), allocations)
              << threads << " threads, " << dtype << ", batch " << batch;
          EXPECT_EQ(testing::lock_count(), locks)
              << threads << " threads, " << dtype << ", batch " << batch;
          set_num_threads(1);
        }
      }
    }
  }
}

// Parts of float64 products are no Eigen products of their own: 784 and 520 are whole blocks of
// neither kind, and one row is a product with a vector.
TEST(InferencePlan, Float64ProductsInBlocksAreTheModules) {
  Generator generator(7);
  for (const std::int64_t batch : {1, 65}) {
    Sequential model;
    add_layers(model, {4500, 129, 4100, 3}, generator, {.dtype = DType::float64});
    const InferencePlan plan = compile(model, batch);
    InferencePlan::Workspace workspace = plan.make_workspace();
    const Tensor x = Tensor::normal({batch, 4500}, 0, 1, generator, DType::float64);
    const Tensor y = Tensor::empty({batch, 3}, DType::float64);
    plan.run(x, y, workspace);
    Sequential single;  // by float32's kernels, which are others
    add_layers(single, {4500, 129, 4100, 3}, generator);
    for (std::size_t i = 0; i < model.parameters().size(); ++i) {
      single.parameters()[i]->value.copy_(model.parameters()[i]->value);
    }
    expect_near(y, single.forward(x.to(DType::float32)), 1e-4);
  }
}

TEST(InferencePlan, RunsInSeveralThreadsAtOnce) {
  Generator generator(6);
  Sequential model;
  add_layers(model, {300, 200, 100, 10}, generator);
  const InferencePlan plan = compile(model, 50);
  set_num_threads(2);  // the plan's threads and the library's own
  std::vector<Tensor> inputs;
  std::vector<Tensor> expected;
  for (int i = 0; i < 4; ++i) {
    inputs.push_back(Tensor::normal({50, 300}, 0, 1, generator));
    expected.push_back(model.forward(inputs.back()).clone());
  }
  std::vector<Tensor> outputs(4);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      InferencePlan::Workspace workspace = plan.make_workspace();
      outputs[i] = Tensor::empty({50, 10});
      for (int round = 0; round < 50; ++round) plan.run(inputs[i], outputs[i], workspace);
    });
  }
  for (std::thread& thread : threads) thread.join();
  set_num_threads(1);
  for (std::size_t i = 0; i < 4; ++i) expect_near(outputs[i], expected[i], 1e-5);
}

TEST(InferencePlan, DoesNotDependOnTheNumberOfThreads) {
  Generator generator(9);
  Sequential model;
  add_layers(model, {1000, 900, 300}, generator);
  const InferencePlan plan = compile(model, 49);
  InferencePlan::Workspace workspace = plan.make_workspace();
  const Tensor x = Tensor::normal({49, 1000}, 0, 1, generator);  // 24 + 24 + 1 rows
  const Tensor expected = Tensor::empty({49, 300});
  plan.run(x, expected, workspace);
  for (const int threads : {2, 3}) {
    set_num_threads(threads);
    const Tensor y = Tensor::empty({49, 300});
    plan.run(x, y, workspace);
    set_num_threads(1);
    EXPECT_TRUE(bitwise_equal(y, expected)) << threads << " threads";
  }
}

// Samples of rank 2, values with several uses, all operations.
TEST(InferencePlan, GraphsGiveWhatTheModuleGives) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  Generator generator(seed);
  for (const DType dtype : {DType::float32, DType::float64}) {
    const LinearOptions options{.dtype = dtype};
    for (int round = 0; round < 8; ++round) {
      const auto size = [&] { return static_cast<std::int64_t>(1 + random() % 6); };
      const std::int64_t lead = size();
      const std::int64_t width = 2 * size();
      Graph graph;
      const auto a = graph.input();
      const auto b = graph.input();
      const auto h = graph.call<Linear>("fc", a, width, width, generator, options);
      const auto r = graph.call<ReLU>("relu", h);
      const auto sum = graph.add(graph.again("fc", r), graph.multiply(h, b));
      const auto both = graph.concatenate({sum, r, a}, random() % 2 == 0 ? 2 : -1);
      const auto flat = graph.reshape(both, {-1, 3 * lead * width});
      const auto part =
          graph.narrow(flat, 1, static_cast<std::int64_t>(random() % 3), 3 * lead * width - 2);
      graph.output(graph.call<ReLU>("end", part));
      graph.output(graph.select(b, 1, -1));
      graph.output(h);
      graph.output(h);
      graph.output(a);
      const std::vector<Dims> shapes = {{lead, width}, {lead, width}};
      const InferencePlan plan = compile(graph, shapes, 5);
      InferencePlan::Workspace workspace = plan.make_workspace();
      for (const std::int64_t count : {5, 1, 3, 0}) {
        // Every other sample of a larger tensor.
        const Tensor all = Tensor::normal({10, lead, width}, 0.0, 1.0, generator, dtype);
        const std::vector<Tensor> inputs = {
            all.slice(0, 0, 2 * count, 2),
            Tensor::normal({count, lead, width}, 0.0, 1.0, generator, dtype)};
        const std::vector<Tensor> contiguous = {inputs[0].contiguous(), inputs[1]};
        const auto expected = graph.forward_all(contiguous);
        std::vector<Tensor> outputs;
        for (std::size_t i = 0; i < plan.output_count(); ++i) {
          Dims shape = plan.output_shape(i);
          shape.insert(0, 2 * count);
          outputs.push_back(Tensor::full(shape, -9.0, dtype).slice(0, 1, kEnd, 2));
        }
        plan.run_all(inputs, outputs, workspace);
        for (std::size_t i = 0; i < outputs.size(); ++i) {
          expect_near(outputs[i].contiguous(), expected[i].contiguous(), 1e-5);
        }
      }
    }
  }
}

TEST(InferencePlan, GraphsThatMixSamplesAreRefused) {
  Generator generator(1);
  const std::vector<Dims> shapes = {{4}};
  const auto refuse = [&](const auto& build, const char* text) {
    Graph graph;
    graph.output(build(graph, graph.input()));
    expect_throw_with<ShapeError>([&] { (void)compile(graph, shapes, 2); }, text);
  };
  using Node = Graph::Node;
  refuse(
      [](Graph& graph, Node x) {
        return graph.concatenate({x, x}, 0);
      },
      "concatenate: dimension 0");
  refuse([](Graph& graph, Node x) { return graph.narrow(x, -2, 0, 1); }, "narrow: dimension -2");
  refuse([](Graph& graph, Node x) { return graph.reshape(x, {2, -1}); }, "as the first size");
  refuse([](Graph& graph, Node x) { return graph.reshape(x, {-1, 3}); }, "4 elements");
  refuse([](Graph& graph, Node x) { return graph.add(x, graph.narrow(x, 1, 0, 2)); },
         "add: samples have shapes [4] and [2]");
  refuse([](Graph& graph, Node x) { return graph.select(x, 1, 4); },
         "select: 1 position(s) from 4");
  Graph graph;
  graph.output(graph.call<ReLU>("relu", graph.input()));
  expect_throw_with<ValueError>([&] { (void)compile(graph, 2); }, "no Linear");
  EXPECT_EQ(compile(graph, shapes, 2).out_features(), 4);
}

class OtherModule final : public Module {
 public:
  [[nodiscard]] std::string_view type_name() const noexcept override { return "Other"; }
  [[nodiscard]] Tensor forward(const Tensor& input) override { return input; }
  Tensor backward(const Tensor& grad, bool /*input_grad*/) override { return grad; }
};

TEST(InferencePlan, RefusesWhatItCannotCompile) {
  Generator generator(7);
  Sequential model;
  expect_throw_with<ValueError>([&] { (void)compile(model, 1); }, "no Linear");
  model.add<Linear>("a", 4, 5, generator);
  expect_throw_with<ValueError>([&] { (void)compile(model, 0); }, "max_batch 0");
  Sequential other;
  other.add<Linear>("a", 4, 5, generator);
  other.add<OtherModule>("b");
  expect_throw_with<ValueError>([&] { (void)compile(other, 1); },
                                "b: Other: does not describe itself");
  Sequential misfit;
  misfit.add<Linear>("a", 4, 5, generator);
  misfit.add<Linear>("b", 6, 5, generator);
  expect_throw_with<ShapeError>([&] { (void)compile(misfit, 1); },
                                "b: Linear(6, 5): samples have shape [5], expected 6 features");
  Sequential mixed;
  mixed.add<Linear>("a", 4, 5, generator);
  mixed.add<Linear>("b", 5, 5, generator, LinearOptions{.dtype = DType::float64});
  expect_throw_with<ValueError>([&] { (void)compile(mixed, 1); }, "float64");
}

TEST(InferencePlan, RefusesTensorsThatDoNotFit) {
  Generator generator(8);
  Sequential model;
  add_layers(model, {4, 6, 5}, generator);
  const InferencePlan plan = compile(model, 3);
  InferencePlan::Workspace workspace = plan.make_workspace();
  const Tensor y = Tensor::empty({2, 5});
  const auto run = [&](const Tensor& in, const Tensor& out) { plan.run(in, out, workspace); };
  expect_throw_with<ShapeError>([&] { run(Tensor::empty({2, 3}), y); }, "(N, 4)");
  expect_throw_with<ShapeError>([&] { run(Tensor::empty({4, 4}), y); }, "at most 3");
  expect_throw_with<ShapeError>([&] { run(Tensor::empty({3, 4}), y); }, "equally many");
  expect_throw_with<ShapeError>(
      [&] {
        run(Tensor::empty({4, 2}).transpose(0, 1), y);
      },
      "contiguous");
  expect_throw_with<DTypeError>([&] { run(Tensor::empty({2, 4}, DType::float64), y); }, "float32");
  Sequential large;
  add_layers(large, {4, 60, 5}, generator);
  const InferencePlan wide = compile(large, 3);
  expect_throw_with<ValueError>(
      [&] {
        wide.run(Tensor::empty({2, 4}), y, workspace);
      },
      "make_workspace");
}

TEST(InferencePlan, InputAndOutputLieApart) {
  Generator generator(1);
  for (const int layers : {1, 2}) {
    Sequential model;
    for (int i = 0; i < layers; ++i) model.add<Linear>(std::to_string(i), 4, 4, generator);
    const InferencePlan plan = compile(model, 8);
    InferencePlan::Workspace workspace = plan.make_workspace();
    const Tensor x = Tensor::ones({8, 8});
    const auto refused = [&](const Tensor& input, const Tensor& output, const char* text) {
      testing::expect_throw_with<ValueError>([&] { plan.run(input, output, workspace); }, text);
    };
    const Tensor left = x.slice(1, 0, 4);
    refused(left, left, "share memory; clone()");
    refused(left, x.slice(1, 3, 7), "share memory; clone()");
    refused(left.slice(0, 0, 4), left.slice(0, 3, 7), "share memory; clone()");
    refused(left, Tensor::zeros({4}).as_strided({8, 4}, {0, 1}, 0), "at one place in memory");
    EXPECT_TRUE(bitwise_equal(x, Tensor::ones({8, 8})));
    plan.run(left, x.slice(1, 4), workspace);  // columns of one matrix, side by side
    EXPECT_TRUE(bitwise_equal(x.slice(1, 4).contiguous(), model.forward(left.contiguous())));
  }
}

}  // namespace
}  // namespace wick::nn
