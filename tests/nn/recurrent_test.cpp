// SPDX-License-Identifier: MIT
// Recurrent layers with states and lengths; what holds of every layer is in layer_cases_test.cpp,
// and the numbers are compared with PyTorch's in tests/interop/sequence_parity.py.
#include "wick/nn/layers/recurrent.h"

#include <random>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include "tests/count_allocations.h"
#include "tests/nn/finite_differences.h"
#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/kernels/devices.h"
#include "wick/nn/graph.h"
#include "wick/nn/layers/linear.h"
#include "wick/nn/layers/recurrent_cell.h"
#include "wick/nn/recurrent_stream.h"

namespace wick::nn {
namespace {

using testing::allocation_count;
using testing::expect_throw_with;

class Recurrent : public ::testing::Test {
 protected:
  [[nodiscard]] Tensor normal(const Dims& shape, DType dtype = DType::float32) {
    return Tensor::normal(shape, 0.0, 1.0, generator_, dtype);
  }
  std::uint64_t seed_ = std::random_device()();
  Generator generator_{seed_};
  ::testing::ScopedTrace trace_{__FILE__, __LINE__, ::testing::Message() << "seed " << seed_};
};

static_assert(std::is_nothrow_destructible_v<LSTM> && std::is_move_constructible_v<LSTM> &&
              std::is_move_assignable_v<GRU> && std::is_move_constructible_v<LSTMCell>);

double weighted(const Tensor& values, const Tensor& weights) {
  const std::vector<double> v = values.to_vector<double>();
  const std::vector<double> w = weights.to_vector<double>();
  double sum = 0.0;
  for (std::size_t i = 0; i < v.size(); ++i) sum += v[i] * w[i];
  return sum;
}

// By the input, the initial state and all parameters, of a loss of the output and the last state.
void check_gradients(RNNBase& layer, const Tensor& x, const RecurrentState& initial,
                     const std::vector<std::int64_t>& lengths, Generator& generator) {
  const auto like = [&](const Tensor& tensor) {
    return tensor.defined() ? Tensor::normal(tensor.shape(), 0.0, 1.0, generator, DType::float64)
                            : Tensor();
  };
  const RecurrentOutput first = layer.forward(x, initial, lengths);
  const Tensor by_output = like(first.output);
  const RecurrentState by_state{like(first.state.h), like(first.state.c)};
  const auto loss = [&] {
    const RecurrentOutput result = layer.forward(x, initial, lengths);
    double sum = weighted(result.output, by_output) + weighted(result.state.h, by_state.h);
    if (by_state.c.defined()) sum += weighted(result.state.c, by_state.c);
    return sum;
  };
  layer.zero_grad();
  const RecurrentGradients grads = layer.backward(by_output, by_state);
  const Tensor input_grad = grads.input.clone();
  const Tensor h_grad = grads.initial.h.clone();
  testing::expect_gradient(x, input_grad, loss, "input");
  testing::expect_gradient(initial.h, h_grad, loss, "h_0");
  if (initial.c.defined()) {
    static_cast<void>(layer.forward(x, initial, lengths));
    testing::expect_gradient(initial.c, layer.backward(by_output, by_state).initial.c.clone(), loss,
                             "c_0");
  }
  layer.zero_grad();
  static_cast<void>(layer.forward(x, initial, lengths));
  static_cast<void>(layer.backward(by_output, by_state, false));
  for (const auto& [name, parameter] : layer.named_parameters()) {
    testing::expect_gradient(parameter->value, parameter->grad.clone(), loss, name);
  }
}

TEST_F(Recurrent, GradientsOfStatesAreThoseOfFiniteDifferences) {
  const auto kind = DType::float64;
  for (const bool batch_first : {false, true}) {
    for (const auto& lengths : {std::vector<std::int64_t>{}, {2, 4, 1}}) {
      LSTM lstm(
          3, 4, generator_,
          {.num_layers = 2, .batch_first = batch_first, .bidirectional = true, .dtype = kind});
      GRU gru(3, 4, generator_,
              {.num_layers = 2, .batch_first = batch_first, .bidirectional = true, .dtype = kind});
      RNN rnn(3, 4, generator_, {.batch_first = batch_first, .dtype = kind});
      const Tensor x = normal(batch_first ? Dims{3, 4, 3} : Dims{4, 3, 3}, kind);
      check_gradients(lstm, x, {normal({4, 3, 4}, kind), normal({4, 3, 4}, kind)}, lengths,
                      generator_);
      check_gradients(gru, x, {normal({4, 3, 4}, kind), {}}, lengths, generator_);
      check_gradients(rnn, x, {normal({1, 3, 4}, kind), {}}, lengths, generator_);
    }
  }
}

TEST_F(Recurrent, AllocateNothingWithStatesAndLengths) {
  LSTM layer(5, 7, generator_, {.num_layers = 2, .dropout = 0.5, .bidirectional = true});
  const Tensor x = normal({6, 4, 5});
  const RecurrentState initial{normal({4, 4, 7}), normal({4, 4, 7})};
  const std::vector<std::int64_t> lengths{6, 1, 3, 2};
  const Tensor grad = normal({6, 4, 14});
  const auto step = [&] {
    static_cast<void>(layer.forward(x, initial, lengths));
    static_cast<void>(layer.backward(grad, initial));
  };
  step();
  step();
  const std::size_t before = allocation_count();
  for (int i = 0; i < 5; ++i) step();
  EXPECT_EQ(allocation_count(), before);
}

TEST_F(Recurrent, HaveTheSameBitsForAnyNumberOfThreads) {
  GRU layer(70, 160, generator_, {.num_layers = 2, .bidirectional = true});
  const Tensor x = normal({9, 130, 70});
  const std::vector<std::int64_t> lengths = [&] {
    std::vector<std::int64_t> result;
    for (std::int64_t i = 0; i < 130; ++i) result.push_back(1 + i % 9);
    return result;
  }();
  const Tensor grad = normal({9, 130, 320});
  const auto step = [&] {
    layer.zero_grad();
    const RecurrentOutput y = layer.forward(x, {}, lengths);
    std::vector<Tensor> all{y.output.clone(), y.state.h.clone()};
    const RecurrentGradients grads = layer.backward(grad, RecurrentState{});
    all.push_back(grads.input.clone());
    all.push_back(grads.initial.h.clone());
    for (const auto& parameter : layer.parameters()) all.push_back(parameter->grad.clone());
    return all;
  };
  const std::vector<Tensor> expected = step();
  for (const int threads : {2, 3, 8}) {
    set_num_threads(threads);
    const std::vector<Tensor> actual = step();
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_TRUE(bitwise_equal(actual[i], expected[i])) << threads << " threads, tensor " << i;
    }
  }
  set_num_threads(1);
}

// A sequence in two halves, the second from the state of the first.
TEST_F(Recurrent, GoOnFromTheirLastState) {
  LSTM layer(3, 5, generator_);
  const Tensor x = normal({8, 2, 3});
  const Tensor whole = layer.forward(x).clone();
  const RecurrentOutput first = layer.forward(x.slice(0, 0, 5), {});
  EXPECT_TRUE(bitwise_equal(first.output, whole.slice(0, 0, 5)));
  const RecurrentOutput second = layer.forward(x.slice(0, 5, 8), first.state);
  EXPECT_TRUE(bitwise_equal(second.output, whole.slice(0, 5, 8)));
}

// What lies beyond a sequence's end may be anything, and takes no part in anything.
TEST_F(Recurrent, DoNotReadBeyondTheLengths) {
  GRU layer(3, 5, generator_, {.batch_first = true, .bidirectional = true});
  const std::vector<std::int64_t> lengths{2, 4};
  const Tensor x = normal({2, 4, 3});
  x[0].slice(0, 2).zero_();
  const Tensor grad = normal({2, 4, 10});
  const auto step = [&](const Tensor& input) {
    layer.zero_grad();
    std::vector<Tensor> all{layer.forward(input, {}, lengths).output.clone()};
    all.push_back(layer.backward(grad).clone());
    for (const auto& parameter : layer.parameters()) all.push_back(parameter->grad.clone());
    return all;
  };
  const std::vector<Tensor> expected = step(x);
  const Tensor dirty = x.clone();
  dirty[0].slice(0, 2).fill_(std::nan(""));
  const std::vector<Tensor> actual = step(dirty);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(bitwise_equal(actual[i], expected[i])) << i;
  }
  for (const float value : expected[0][0].slice(0, 2).to_vector<float>()) EXPECT_EQ(value, 0.0F);
}

TEST_F(Recurrent, StandInAGraphThatTakesTheLastStep) {
  Graph model;
  const auto x = model.input();
  auto h = model.call<LSTM>("lstm", x, 3, 6, generator_, LSTMOptions{.batch_first = true});
  h = model.select(h, 1, -1);
  model.output(model.call<Linear>("head", h, 6, 2, generator_));
  const Tensor input = normal({4, 5, 3});
  EXPECT_EQ(model.forward(input).shape(), (Dims{4, 2}));
  EXPECT_EQ(model.backward(normal({4, 2})).shape(), input.shape());
}

TEST_F(Recurrent, RefuseWhatDoesNotFitAndKeepWhatIsSaved) {
  LSTM layer(3, 5, generator_, {.num_layers = 2});
  const Tensor x = normal({4, 2, 3});
  const Tensor y = layer.forward(x).clone();
  const auto refuses = [&]<typename E>(std::in_place_type_t<E>, const Tensor& input,
                                       const RecurrentState& state,
                                       const std::vector<std::int64_t>& lengths, const char* text) {
    expect_throw_with<E>([&] { static_cast<void>(layer.forward(input, state, lengths)); }, text);
  };
  constexpr std::in_place_type_t<ShapeError> kShape;
  constexpr std::in_place_type_t<ValueError> kValue;
  refuses(kShape, normal({3}), {}, {}, "LSTM(3, 5): expected an input");
  refuses(kShape, normal({4, 2, 4}), {}, {}, "expected 3");
  refuses(kShape, normal({0, 2, 3}), {}, {}, "no steps");
  refuses(kShape, x, {normal({2, 3, 5}), {}}, {}, "h_0 must have shape [2, 2, 5]");
  refuses(kShape, x, {{}, normal({1, 2, 5})}, {}, "c_0 must have shape [2, 2, 5]");
  refuses(kValue, x, {}, {4}, "1 lengths for 2 sequences");
  refuses(kValue, x, {}, {4, 5}, "the length 5 of sequence 1");
  refuses(kValue, x, {}, {0, 4}, "the length 0 of sequence 0");
  expect_throw_with<DTypeError>(
      [&] {
        static_cast<void>(layer.forward(x, {normal({2, 2, 5}, DType::float64), {}}));
      },
      "h_0 is float64");
  expect_throw_with<ShapeError>(
      [&] {
        static_cast<void>(layer.backward(y, {normal({1, 2, 5}), {}}));
      },
      "the gradient by h_n must have shape [2, 2, 5]");
  EXPECT_EQ(layer.backward(y).shape(), x.shape());
  GRU gru(3, 5, generator_);
  expect_throw_with<ValueError>(
      [&] {
        static_cast<void>(gru.forward(x, {{}, normal({1, 2, 5})}));
      },
      "no cell state");
  expect_throw_with<ValueError>([&] { LSTM(3, 5, generator_, {.proj_size = 2}); }, "proj_size");
  expect_throw_with<ValueError>([&] { RNN(3, 5, generator_, {.nonlinearity = "elu"}); }, "elu");
  expect_throw_with<ValueError>([&] { GRU(3, 5, generator_, {.dropout = -0.5}); }, "dropout");
  GRUCell cell(3, 5, generator_);
  expect_throw_with<ShapeError>(
      [&] {
        static_cast<void>(cell.forward(normal({2, 3}), {normal({3, 5}), {}}));
      },
      "the state h must have shape [2, 5]");
}

// -- Step by step ---------------------------------------------------------------------------------

TEST_F(Recurrent, StreamsGiveWhatTheLayerGives) {
  for (const std::int64_t layers : {1, 3}) {
    const GRU gru(4, 9, generator_, {.num_layers = layers});
    const LSTM lstm(4, 9, generator_, {.num_layers = layers, .bias = false});
    const RNN rnn(4, 9, generator_, {.num_layers = layers, .nonlinearity = "relu"});
    for (const RNNBase* const layer :
         {static_cast<const RNNBase*>(&gru), static_cast<const RNNBase*>(&lstm),
          static_cast<const RNNBase*>(&rnn)}) {
      const auto twin = layer->clone();
      const Tensor x = normal({6, 4});
      const Tensor expected = twin->forward(x);
      RecurrentStream stream(*layer);
      stream.prepare();
      RecurrentStream other = stream;
      std::vector<float> output(9);
      for (const bool again : {false, true}) {
        for (std::int64_t t = 0; t < 6; ++t) {
          stream.step(std::span<const float>(x[t].data<float>(), 4), std::span(output));
          const std::vector<float> wanted = expected[t].to_vector<float>();
          for (std::size_t i = 0; i < 9; ++i) EXPECT_NEAR(output[i], wanted[i], 2e-6F) << again;
        }
        stream.reset();
      }
      // A copy goes on by itself.
      other.step(std::span<const float>(x[0].data<float>(), 4), std::span(output));
      EXPECT_NEAR(output[3], expected[0].to_vector<float>()[3], 2e-6F);
    }
  }
}

TEST_F(Recurrent, StreamsAllocateNothing) {
  const LSTM layer(16, 64, generator_, {.num_layers = 2});
  RecurrentStream stream(layer);
  stream.prepare();
  std::vector<float> input(16, 0.5F);
  std::vector<float> output(64);
  const std::size_t before = allocation_count();
  for (int i = 0; i < 100; ++i) stream.step(std::span<const float>(input), std::span(output));
  stream.reset();
  EXPECT_EQ(allocation_count(), before);
}

TEST_F(Recurrent, StreamsGoOnFromAState) {
  const LSTM layer(3, 4, generator_);
  RecurrentStream stream(layer);
  const RecurrentState state{normal({1, 4}), normal({1, 4})};
  stream.set_state(state);
  EXPECT_TRUE(bitwise_equal(stream.state().h, state.h));
  EXPECT_TRUE(bitwise_equal(stream.state().c, state.c));
  stream.prepare();
  EXPECT_TRUE(bitwise_equal(stream.state().c, state.c));
  std::vector<float> output(4);
  const std::vector<float> input(3, 1.0F);
  expect_throw_with<ShapeError>([&] { stream.step(std::span(input).first(2), output); },
                                "takes 3 numbers and gives 4, got room for 2 and 4");
  const std::vector<double> wide(3);
  std::vector<double> wide_output(4);
  expect_throw_with<DTypeError>([&] { stream.step(std::span(wide), std::span(wide_output)); },
                                "float64");
  expect_throw_with<ShapeError>([&] { stream.set_state({normal({2, 4}), {}}); }, "[1, 4]");
  EXPECT_TRUE(bitwise_equal(stream.state().h, state.h));
  stream.set_state({});
  for (const float value : stream.state().h.to_vector<float>()) EXPECT_EQ(value, 0.0F);
  const GRU both(3, 4, generator_, {.bidirectional = true});
  expect_throw_with<ValueError>([&] { RecurrentStream refused(both); }, "bidirectional");
}

}  // namespace
}  // namespace wick::nn
