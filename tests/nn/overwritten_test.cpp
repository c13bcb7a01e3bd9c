// SPDX-License-Identifier: MIT
// What forward() has saved and somebody has overwritten before backward(): an error where a
// gradient would be wrong, and none where it would be right.
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/nn/layer_cases.h"
#include "tests/support.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/core/ops.h"
#include "wick/core/recording.h"
#include "wick/nn/graph.h"
#include "wick/nn/layers/embedding.h"
#include "wick/nn/losses/cross_entropy_loss.h"
#include "wick/nn/sequential.h"

namespace wick::nn {
namespace {

using testing::expect_throw_with;

constexpr const char* kModified = "has been modified by an inplace operation";

// As a write through a pointer, of which nothing is known.
void overwrite_unseen(const Tensor& tensor, const Tensor& values) {
  std::memcpy(tensor.raw(), values.raw(), tensor.nbytes());
}

class Overwritten : public ::testing::TestWithParam<testing::LayerCase> {
 protected:
  using Write = std::function<void(const Tensor& to, const Tensor& values)>;
  struct Result {
    std::vector<Tensor> gradients;
    bool threw = false;
  };
  Overwritten() : layer_(GetParam().make({generator_, DType::float32})) {}

  [[nodiscard]] Tensor input() {
    return testing::layer_input(testing::input_shape(GetParam(), {6, 4}), generator_,
                                DType::float32);
  }
  // A step during which somebody writes to the input, or to the output.
  [[nodiscard]] Result step(const Tensor& x, bool to_output, const Write& write) {
    layer_->zero_grad();
    const Tensor mine = x.clone();
    const Tensor y = layer_->forward(mine);
    const Tensor to = to_output ? y : mine;
    if (write) {
      const bool fits = values_.numel() == to.numel();
      write(to, fits ? values_.view(to.shape()) : Tensor::normal(to.shape(), 0.0, 1.0, generator_));
    }
    Result result;
    try {
      result.gradients.push_back(layer_->backward(grad_.view(y.shape())).clone());
    } catch (const ValueError& error) {
      EXPECT_NE(std::string(error.what()).find(kModified), std::string::npos) << error.what();
      result.threw = true;
    }
    for (const ParameterPtr& parameter : layer_->parameters()) {
      if (result.threw) {
        EXPECT_FALSE(parameter->has_grad) << "nothing has changed";
      }
      if (parameter->has_grad) result.gradients.push_back(parameter->grad.clone());
    }
    return result;
  }

  Generator generator_{std::random_device()()};
  std::unique_ptr<Module> layer_;
  Tensor values_;
  Tensor grad_;
};
INSTANTIATE_TEST_SUITE_P(All, Overwritten, ::testing::ValuesIn(testing::kLayerCases));

bool are_equal(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!bitwise_equal(a[i], b[i])) return false;
  }
  return true;
}

TEST_P(Overwritten, IsAnErrorWhereTheGradientWouldBeWrong) {
  const Tensor x = input();
  values_ = input();
  grad_ = Tensor::normal(layer_->forward(x).shape(), 0.0, 1.0, generator_);
  for (const bool to_output : {false, true}) {
    const Result right = step(x, to_output, {});
    ASSERT_FALSE(right.threw);
    const Result unseen = step(x, to_output, overwrite_unseen);
    const bool is_wrong = !are_equal(unseen.gradients, right.gradients);
    for (const Write& write :
         {Write([](const Tensor&to, const Tensor&values) { to.copy_(values); }),
          Write([](const Tensor&to, const Tensor&) { to.fill_(0.5); }),
          Write([](const Tensor&to, const Tensor&) { to.zero_(); }),
          Write([this](const Tensor&to, const Tensor&) { to.uniform_(0.0, 1.0, generator_); }),
          Write([](const Tensor&to, const Tensor&values) { ops::add(to, values, to); })}) {
      const Result seen = step(x, to_output, write);
      // PyTorch's normalisations save their input in eval mode, too.
      const bool saves_more = dynamic_cast<const Normalization*>(layer_.get()) != nullptr;
      if (is_wrong || !saves_more || to_output) {
        EXPECT_EQ(seen.threw, is_wrong) << to_output;
      }
    }
    // It is right again after a forward().
    EXPECT_TRUE(are_equal(step(x, to_output, {}).gradients, right.gradients) ||
                !layer_->buffers().empty());
  }
}

struct Network {
  Network() {
    model.add<Linear>("fc1", 6, 8, generator);
    model.add<ReLU>("relu");
    auto& tail = model.add<Sequential>("tail");
    tail.add<Linear>("fc2", 8, 5, generator);
    tail.add<Tanh>("tanh");
    x = Tensor::normal({4, 6}, 0, 1, generator);
    grad = Tensor::normal({4, 5}, 0, 1, generator);
  }
  Generator generator{7};
  Sequential model;
  Tensor x, grad;
};

TEST(OverwrittenInput, OfANetworkNamesTheLayerAndChangesNothing) {
  Network network;
  Sequential& model = network.model;
  (void)model.forward(network.x);
  network.x.slice(0, 1, 2).zero_();  // a view's memory is the same
  expect_throw_with<ValueError>(
      [&] { model.backward(network.grad); },
      "fc1: Linear(6, 8): one of the variables needed for gradient computation has been modified "
      "by an inplace operation: the input Tensor(float32 [4, 6] cpu) is at version ");
  for (const auto& parameter : model.parameters()) EXPECT_FALSE(parameter->has_grad);
  const Tensor y = model.forward(network.x);
  y.zero_();
  expect_throw_with<ValueError>([&] { model.backward(network.grad); },
                                "tail.tanh: Tanh: one of the variables");
  // The layer alone has been run for another input, into the same memory.
  Linear first(4, 4, network.generator);
  Linear second(4, 2, network.generator);
  (void)second.forward(first.forward(Tensor::ones({2, 4})));
  (void)first.forward(Tensor::zeros({2, 4}));
  expect_throw_with<ValueError>([&] { second.backward(Tensor::ones({2, 2})); }, "Linear(4, 2): ");
}

TEST(OverwrittenInput, OfFusedLayersAndOfOperations) {
  Generator generator(3);
  Graph graph;
  const auto x = graph.input();
  const auto h = graph.call<ReLU>("relu", graph.call<Linear>("fc1", x, 4, 4, generator));
  graph.output(graph.call<Linear>("fc2", h, 4, 2, generator));
  graph.output(h);
  graph.output(graph.multiply(x, x));
  const std::vector<Tensor> inputs{Tensor::normal({3, 4}, 0.0, 1.0, generator)};
  const auto run = [&](std::size_t written, const std::vector<bool>& wanted) {
    const auto outputs = graph.forward_all(inputs);
    std::vector<Tensor> grads;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      grads.push_back(wanted[i] ? Tensor::ones(outputs[i].shape()) : Tensor());
    }
    (written == 3 ? inputs[0] : outputs[written]).fill_(0.25);
    (void)graph.backward_all(grads);
  };
  EXPECT_NO_THROW(run(0, {true, true, true})) << "nothing saves it";
  expect_throw_with<ValueError>([&] { run(1, {true, false, false}); }, "relu: ReLU: ");
  EXPECT_NO_THROW(run(1, {false, false, true})) << "what saves it has no gradient";
  EXPECT_NO_THROW(run(2, {true, true, true}));
  expect_throw_with<ValueError>([&] { run(3, {false, false, true}); }, "multiply: one of the");
  expect_throw_with<ValueError>([&] { run(3, {true, false, false}); }, "fc1: Linear(4, 4): ");
  // Without the parameters' gradients, nothing reads the input of a product.
  graph.children()[0].second->requires_grad_(false);
  EXPECT_NO_THROW(run(3, {true, true, false}));
}

TEST(OverwrittenInput, OfAnEmbedding) {
  Generator generator(4);
  Embedding embedding(5, 3, generator);
  const Tensor indices = Tensor::from<std::int64_t>({1, 4, 2});
  (void)embedding.forward(indices);
  indices.zero_();
  expect_throw_with<ValueError>([&] { embedding.backward(Tensor::ones({3, 3})); }, kModified);
  embedding.requires_grad_(false);
  (void)embedding.forward(indices);
  indices.zero_();
  EXPECT_NO_THROW(embedding.backward(Tensor::ones({3, 3})));
}

// A batch whose memory is filled again between two steps, by any of the ways, is as a new one.
TEST(RefilledInput, TrainsAsWithNewTensors) {
  for (const DType autocast : {DType::float32, DType::bfloat16}) {
    Network refilled;
    Network fresh;
    refilled.model.autocast(autocast);
    fresh.model.autocast(autocast);
    const Tensor data = Tensor::normal({40, 6}, 0, 1, refilled.generator);
    const Tensor batch = Tensor::zeros({4, 6});
    CrossEntropyLoss criterion;
    const Tensor targets = Tensor::from<std::int64_t>({0, 4, 2, 1});
    const auto train = [&](Sequential& model, const Tensor& x) {
      (void)criterion.forward(model.forward(x), targets);
      model.backward(criterion.backward(), false);
      for (const auto& parameter : model.parameters())
        ops::add(parameter->value, parameter->grad, parameter->value);
      model.zero_grad();
    };
    for (int step = 0; step < 6; ++step) {
      const Tensor indices = Tensor::from<std::int64_t>({step, 7 * step % 40, 39 - step, 3});
      ops::index_select(data, indices, batch);
      train(refilled.model, batch);
      train(fresh.model, batch.clone());
      {
        // An evaluation in between.
        refilled.model.eval();
        const NoGradGuard guard;
        batch.fill_(1.0);
        (void)refilled.model.forward(batch);
        refilled.model.train();
      }
      batch.normal_(0.0, 1.0, refilled.generator);
    }
    for (std::size_t i = 0; i < fresh.model.parameters().size(); ++i) {
      EXPECT_TRUE(
          bitwise_equal(fresh.model.parameters()[i]->value, refilled.model.parameters()[i]->value));
    }
  }
}

TEST(RefilledInput, InARecording) {
  Network network;
  const Tensor data = Tensor::normal({8, 6}, 0, 1, network.generator);
  const Tensor indices = Tensor::from<std::int64_t>({0, 3, 5, 7});
  const auto recording =
      backend_for(kCpu).record({.compute =
                                    [&] {
                                      ops::index_select(data, indices, network.x);
                                      (void)network.model.forward(network.x);
                                      network.model.backward(network.grad, false);
                                    },
                                .update = [&] { network.model.zero_grad(); }});
  EXPECT_NO_THROW(recording->replay(5));
}

// Under autocast, the products read a rounded copy.
TEST(OverwrittenInput, ThatWasRoundedForAProductIsNoError) {
  Generator generator(5);
  Linear layer(4, 3, generator);
  layer.autocast(DType::bfloat16);
  const Tensor x = Tensor::normal({2, 4}, 0.0, 1.0, generator);
  (void)layer.forward(x);
  layer.backward(Tensor::ones({2, 3}));
  const Tensor expected = layer.weight()->grad.clone();
  layer.zero_grad();
  (void)layer.forward(x);
  x.zero_();
  layer.backward(Tensor::ones({2, 3}));
  EXPECT_TRUE(bitwise_equal(layer.weight()->grad, expected));
  const Tensor half = Tensor::ones({2, 4}, DType::bfloat16);
  (void)layer.forward(half);
  half.zero_();
  expect_throw_with<ValueError>([&] { layer.backward(Tensor::ones({2, 3})); }, kModified);
}

}  // namespace
}  // namespace wick::nn
