// SPDX-License-Identifier: MIT
// Under autocast, the operands of products are rounded to bfloat16, and nothing else is. Inputs and
// weights are few bits each, so that all sums are exact and results can be compared bit for bit.
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/core/random.h"
#include "wick/nn/inference_plan.h"
#include "wick/nn/losses/cross_entropy_loss.h"
#include "wick/nn/sequential.h"
#include "wick/optim/adam.h"

namespace wick::nn {
namespace {

using ::wick::testing::expect_throw_with;

// Multiples of 1/1024 below 1: ten bits, of which bfloat16 keeps eight.
Tensor ten_bits(const Dims& shape, Generator& generator) {
  const Tensor whole = Tensor::uniform(shape, -1023, 1024, generator, DType::float64);
  const Tensor result = Tensor::empty(shape);
  auto* const from = whole.data<double>();
  for (std::int64_t i = 0; i < whole.numel(); ++i) {
    result.data<float>()[i] = static_cast<float>(std::floor(from[i]) / 1024);
  }
  return result;
}

Tensor round_bfloat16(const Tensor& x) {
  return x.to(DType::bfloat16).to(DType::float32);
}

// (M, K) times (K, N), in float64; either may be transposed.
Tensor product(const Tensor& a, const Tensor& b) {
  const Tensor out = Tensor::zeros({a.size(0), b.size(1)});
  for (std::int64_t i = 0; i < a.size(0); ++i) {
    for (std::int64_t j = 0; j < b.size(1); ++j) {
      double sum = 0;
      for (std::int64_t k = 0; k < a.size(1); ++k) {
        sum += static_cast<double>(a.at<float>({i, k})) * static_cast<double>(b.at<float>({k, j}));
      }
      out.data<float>()[i * b.size(1) + j] = static_cast<float>(sum);
    }
  }
  return out;
}

Tensor transposed(const Tensor& x) {
  return x.transpose(0, 1).contiguous();
}

Tensor plus_rows(const Tensor& x, const Tensor& bias) {
  const Tensor out = x.clone();
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    out.data<float>()[i] += bias.data<float>()[i % bias.numel()];
  }
  return out;
}

Tensor column_sums(const Tensor& x) {
  return product(Tensor::ones({1, x.size(0)}), x).view({x.size(1)});
}

// x where y is positive, else 0.
Tensor where_positive(const Tensor& x, const Tensor& y) {
  const Tensor out = x.clone();
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    if (!(y.data<float>()[i] > 0.0F)) out.data<float>()[i] = 0.0F;
  }
  return out;
}

void set_ten_bits(const Linear& layer, Generator& generator) {
  layer.weight()->value.copy_(ten_bits(layer.weight()->value.shape(), generator));
  layer.bias()->value.copy_(ten_bits(layer.bias()->value.shape(), generator));
}

TEST(Autocast, ALinearRoundsTheOperandsOfItsProductsAlone) {
  Generator generator(1);
  Linear layer(6, 5, generator);
  set_ten_bits(layer, generator);
  layer.autocast(DType::bfloat16);
  const Tensor x = ten_bits({7, 6}, generator);
  const Tensor grad = ten_bits({7, 5}, generator);
  const Tensor& w = layer.weight()->value;
  ASSERT_FALSE(bitwise_equal(round_bfloat16(x), x));
  ASSERT_FALSE(bitwise_equal(round_bfloat16(w), w));

  const Tensor y = layer.forward(x);
  EXPECT_TRUE(bitwise_equal(y, plus_rows(product(round_bfloat16(x), transposed(round_bfloat16(w))),
                                         layer.bias()->value)));
  const Tensor dx = layer.backward(grad);
  EXPECT_TRUE(bitwise_equal(dx, product(round_bfloat16(grad), round_bfloat16(w))));
  const Tensor dw = product(transposed(round_bfloat16(grad)), round_bfloat16(x));
  EXPECT_TRUE(bitwise_equal(layer.weight()->grad, dw));
  EXPECT_TRUE(bitwise_equal(layer.bias()->grad, column_sums(round_bfloat16(grad))));
  // Once more without zero_grad(): gradients add up, in float32.
  (void)layer.forward(x);
  (void)layer.backward(grad);
  EXPECT_TRUE(
      bitwise_equal(layer.weight()->grad, plus_rows(dw.view({1, 30}), dw.view({30})).view({5, 6})));
}

TEST(Autocast, InASequentialValuesBetweenLayersAreBfloat16) {
  Generator generator(2);
  Sequential model;
  auto& fc1 = model.add<Linear>("fc1", 4, 6, generator);
  model.add<ReLU>("relu");
  auto& fc2 = model.add<Linear>("fc2", 6, 3, generator);
  set_ten_bits(fc1, generator);
  set_ten_bits(fc2, generator);
  model.autocast(DType::bfloat16);
  EXPECT_EQ(fc2.autocast_dtype(), DType::bfloat16);
  const Tensor x = ten_bits({5, 4}, generator);
  const Tensor grad = ten_bits({5, 3}, generator);

  const Tensor w1 = round_bfloat16(fc1.weight()->value);
  const Tensor w2 = round_bfloat16(fc2.weight()->value);
  // The bias of a bfloat16 output is rounded with it, as in PyTorch.
  const Tensor pre =
      plus_rows(product(round_bfloat16(x), transposed(w1)), round_bfloat16(fc1.bias()->value));
  const Tensor hidden = round_bfloat16(where_positive(pre, pre));
  ASSERT_FALSE(bitwise_equal(hidden, where_positive(pre, pre)));
  const Tensor y = model.forward(x);
  EXPECT_EQ(y.dtype(), DType::float32);
  EXPECT_TRUE(bitwise_equal(y, plus_rows(product(hidden, transposed(w2)), fc2.bias()->value)));

  const Tensor dx = model.backward(grad);
  const Tensor dy = round_bfloat16(grad);
  const Tensor dhidden = round_bfloat16(where_positive(product(dy, w2), hidden));
  EXPECT_TRUE(bitwise_equal(dx, product(dhidden, w1)));
  EXPECT_TRUE(bitwise_equal(fc1.weight()->grad, product(transposed(dhidden), round_bfloat16(x))));
  EXPECT_TRUE(bitwise_equal(fc1.bias()->grad, column_sums(dhidden)));
  EXPECT_TRUE(bitwise_equal(fc2.weight()->grad, product(transposed(dy), hidden)));
  EXPECT_TRUE(bitwise_equal(fc2.bias()->grad, column_sums(dy)));
}

TEST(Autocast, LeavesParametersAndTheStateDictionaryFloat32) {
  Generator generator(3);
  Sequential model;
  model.add<Linear>("fc1", 4, 6, generator);
  const StateDict before = model.state_dict();
  const Value saved = before.to_value();
  model.autocast(DType::bfloat16);
  (void)model.forward(Tensor::ones({2, 4}));
  EXPECT_TRUE(model.state_dict().to_value() == saved);
  for (const auto& parameter : model.parameters()) {
    EXPECT_EQ(parameter->value.dtype(), DType::float32);
    EXPECT_EQ(parameter->grad.dtype(), DType::float32);
  }
}

TEST(Autocast, CanBeTurnedOffAndPassesByFloat64) {
  Generator generator(4);
  Sequential model;
  model.add<Linear>("fc1", 40, 30, generator);
  model.add<ReLU>("relu");
  model.add<Linear>("fc2", 30, 10, generator);
  const Tensor x = Tensor::normal({9, 40}, 0.0, 1.0, generator);
  const Tensor plain = model.forward(x).clone();
  model.autocast(DType::bfloat16);
  EXPECT_FALSE(bitwise_equal(model.forward(x), plain));
  model.autocast(DType::float32);
  EXPECT_TRUE(bitwise_equal(model.forward(x), plain));
  model.to(DType::float64);
  const Tensor wide = model.forward(x.to(DType::float64)).clone();
  model.autocast(DType::bfloat16);
  EXPECT_TRUE(bitwise_equal(model.forward(x.to(DType::float64)), wide));
  for (const DType dtype : {DType::float16, DType::float64, DType::int32}) {
    expect_throw_with<DTypeError>([&] { model.autocast(dtype); }, "takes bfloat16");
  }
}

// What a chain of modules gives is near what it gives without rounding, forward and backward.
TEST(Autocast, AnyChainOfModules) {
  for (const bool nested : {false, true}) {
    Generator generator(5);
    Sequential model;
    model.add<ReLU>("relu0");
    model.add<Linear>("fc1", 20, 30, generator);
    model.add<Linear>("fc2", 30, 25, generator);
    model.add<ReLU>("relu2");
    model.add<ReLU>("relu3");
    Sequential& tail = nested ? model.add<Sequential>("tail") : model;
    tail.add<Linear>("fc3", 25, 25, generator, LinearOptions{.bias = false});
    tail.add<ReLU>("relu4");
    tail.add<Linear>("fc4", 25, 10, generator);
    tail.add<ReLU>("relu5");
    const Tensor x = Tensor::normal({2, 8, 20}, 0.0, 1.0, generator);
    const Tensor grad = Tensor::normal({2, 8, 10}, 0.0, 1.0, generator);
    const auto run = [&] {
      std::vector<Tensor> results{model.forward(x).clone()};
      model.zero_grad();
      results.push_back(model.backward(grad).clone());
      for (const auto& parameter : model.parameters()) results.push_back(parameter->grad.clone());
      return results;
    };
    const std::vector<Tensor> plain = run();
    model.autocast(DType::bfloat16);
    const std::vector<Tensor> rounded = run();
    for (std::size_t i = 0; i < plain.size(); ++i) {
      ASSERT_EQ(rounded[i].dtype(), DType::float32);
      double error = 0;
      double size = 0;
      for (std::int64_t j = 0; j < plain[i].numel(); ++j) {
        const auto wanted = static_cast<double>(plain[i].data<float>()[j]);
        error += std::pow(static_cast<double>(rounded[i].data<float>()[j]) - wanted, 2);
        size += wanted * wanted;
      }
      EXPECT_GT(error, 0.0) << i;
      EXPECT_LT(std::sqrt(error / size), 0.05) << i;
    }
  }
}

TEST(Autocast, PlansForInferenceAreFloat32) {
  Generator generator(6);
  Sequential model;
  model.add<Linear>("fc1", 12, 7, generator);
  const Tensor x = Tensor::normal({3, 12}, 0.0, 1.0, generator);
  const Tensor plain = Tensor::empty({3, 7});
  const Tensor under_autocast = Tensor::empty({3, 7});
  const auto run = [&](const Tensor& output) {
    const InferencePlan plan = compile(model, 3);
    InferencePlan::Workspace workspace = plan.make_workspace();
    plan.run(x, output, workspace);
  };
  run(plain);
  model.autocast(DType::bfloat16);
  run(under_autocast);
  EXPECT_TRUE(bitwise_equal(plain, under_autocast));
}

}  // namespace
}  // namespace wick::nn
