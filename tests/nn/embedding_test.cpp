// SPDX-License-Identifier: MIT
// Embedding: initial weights, lookup, gradient, errors.
#include "wick/nn/layers/embedding.h"

#include <random>

#include <gtest/gtest.h>

#include "tests/count_allocations.h"
#include "tests/nn/finite_differences.h"
#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/core/ops.h"
#include "wick/kernels/devices.h"

namespace wick::nn {
namespace {

using testing::allocation_count;
using testing::expect_throw_with;

Tensor numbers(const Dims& shape, std::int64_t limit, Generator& generator) {
  const Tensor indices = Tensor::empty(shape, DType::int64);
  for (std::int64_t i = 0; i < indices.numel(); ++i) {
    indices.data<std::int64_t>()[i] =
        static_cast<std::int64_t>(generator.random() % static_cast<std::uint32_t>(limit));
  }
  return indices;
}

// torch.manual_seed(3); torch.nn.Embedding(4, 3, padding_idx=-2).weight
TEST(Embedding, BeginsWithPyTorchsWeights) {
  Generator generator(3);
  const Embedding layer(4, 3, generator, {.padding_idx = -2});
  const std::vector<float> expected{0.803276062F,  0.174833387F, 0.0889780968F, -0.613718033F,
                                    0.0461824499F, -1.36825919F, 0.0F,          0.0F,
                                    0.0F,          0.977431774F, 0.522049963F,  1.23791671F};
  EXPECT_EQ(layer.weight()->value.to_vector<float>(), expected);
  EXPECT_EQ(layer.padding_idx(), 2);
}

TEST(Embedding, LooksUpAndItsGradientIsThatOfFiniteDifferences) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  Generator generator(seed);
  Embedding layer(5, 3, generator, {.padding_idx = 1, .dtype = DType::float64});
  for (const Dims& shape : {Dims{7}, Dims{2, 4}, Dims{}, Dims{0, 3}}) {
    const Tensor indices = numbers(shape, 5, generator);
    Dims out = shape;
    out.push_back(3);
    const Tensor weights = Tensor::normal(out, 0.0, 1.0, generator, DType::float64);
    const auto loss = [&] {
      const auto y = layer.forward(indices).to_vector<double>();
      const auto w = weights.to_vector<double>();
      double sum = 0.0;
      for (std::size_t i = 0; i < y.size(); ++i) {
        // The padding's row is a constant.
        if (indices.data<std::int64_t>()[i / 3] != 1) sum += y[i] * w[i];
      }
      return sum;
    };
    layer.zero_grad();
    const Tensor y = layer.forward(indices);
    EXPECT_EQ(y.shape(), out);
    for (std::int64_t i = 0; i < indices.numel(); ++i) {
      for (std::int64_t c = 0; c < 3; ++c) {
        EXPECT_EQ(y.data<double>()[i * 3 + c],
                  layer.weight()->value.data<double>()[indices.data<std::int64_t>()[i] * 3 + c]);
      }
    }
    EXPECT_FALSE(layer.backward(weights).defined());
    EXPECT_TRUE(layer.weight()->has_grad);
    const Tensor once = layer.weight()->grad.clone();
    testing::expect_gradient(layer.weight()->value, once, loss, "weight");
    // A second pass adds the same again.
    (void)layer.forward(indices);
    layer.backward(weights);
    for (std::int64_t i = 0; i < once.numel(); ++i) {
      EXPECT_NEAR(layer.weight()->grad.data<double>()[i], 2.0 * once.data<double>()[i], 1e-12);
    }
  }
}

TEST(Embedding, HasTheSameBitsForAnyNumberOfThreadsAndAllocatesNothing) {
  Generator generator(2);
  Embedding layer(300, 67, generator);
  const Tensor indices = numbers({4, 700}, 300, generator);
  const Tensor grad = Tensor::normal({4, 700, 67}, 0.0, 1.0, generator);
  (void)layer.forward(indices);
  layer.backward(grad);
  const Tensor expected = layer.weight()->grad.clone();
  for (const int threads : {2, 3, 8}) {
    set_num_threads(threads);
    layer.zero_grad();
    (void)layer.forward(indices);
    layer.backward(grad);
    EXPECT_TRUE(bitwise_equal(layer.weight()->grad, expected)) << threads;
  }
  set_num_threads(1);
  const std::size_t before = allocation_count();
  (void)layer.forward(indices);
  layer.backward(grad);
  EXPECT_EQ(allocation_count(), before);
}

TEST(Embedding, NamesWhatDoesNotFit) {
  Generator generator(2);
  expect_throw_with<ValueError>([&] { Embedding(4, -1, generator); }, "embedding_dim -1");
  expect_throw_with<ValueError>([&] { Embedding(4, 2, generator, {.padding_idx = 4}); },
                                "padding_idx 4");
  Embedding layer(4, 2, generator);
  expect_throw_with<DTypeError>([&] { (void)layer.forward(Tensor::ones({3})); },
                                "input is float32, expected int64 indices");
  expect_throw_with<IndexError>(
      [&] {
        (void)layer.forward(Tensor::from<std::int64_t>({0, 4}));
      },
      "index 4");
  expect_throw_with<ValueError>([&] { layer.backward(Tensor::ones({3, 2})); }, "Embedding");
  (void)layer.forward(Tensor::from<std::int64_t>({0, 3}));
  expect_throw_with<ShapeError>([&] { layer.backward(Tensor::ones({3, 2})); }, "[3, 2]");
  const Tensor sums = Tensor::zeros({4, 2});
  expect_throw_with<IndexError>(
      [&] {
        ops::index_add(Tensor::ones({2, 2}), Tensor::from<std::int64_t>({1, 7}), sums);
      },
      "index 7");
  EXPECT_TRUE(bitwise_equal(sums, Tensor::zeros({4, 2})));
}

TEST(Embedding, AFrozenTableHasNoGradient) {
  Generator generator(2);
  Embedding layer(4, 2, generator);
  layer.requires_grad_(false);
  (void)layer.forward(Tensor::from<std::int64_t>({0, 3}));
  layer.backward(Tensor::ones({2, 2}));
  EXPECT_FALSE(layer.weight()->has_grad);
}

}  // namespace
}  // namespace wick::nn
