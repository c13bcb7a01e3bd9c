// SPDX-License-Identifier: MIT
// Attention with masks; what holds of every layer is in layer_cases_test.cpp, and the numbers are
// compared with PyTorch's in tests/interop/sequence_parity.py.
#include <cmath>
#include <random>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include "tests/count_allocations.h"
#include "tests/nn/finite_differences.h"
#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/core/ops_attention.h"
#include "wick/kernels/devices.h"
#include "wick/nn/layers/multihead_attention.h"
#include "wick/nn/layers/transformer_encoder.h"

namespace wick::nn {
namespace {

using testing::allocation_count;
using testing::expect_throw_with;

static_assert(std::is_move_constructible_v<MultiheadAttention> &&
              std::is_move_constructible_v<TransformerEncoder>);

class Attention : public ::testing::Test {
 protected:
  [[nodiscard]] Tensor normal(const Dims& shape, DType dtype = DType::float32) {
    return Tensor::normal(shape, 0.0, 1.0, generator_, dtype);
  }
  // Hides about a third, but no query's first key.
  [[nodiscard]] Tensor hidden(const Dims& shape) {
    const Tensor mask = Tensor::empty(shape, DType::boolean);
    generator_.bernoulli(mask, 0.3);
    mask.select(-1, 0).zero_();
    return mask;
  }
  std::uint64_t seed_ = std::random_device()();
  Generator generator_{seed_};
  ::testing::ScopedTrace trace_{__FILE__, __LINE__, ::testing::Message() << "seed " << seed_};
};

TEST_F(Attention, GradientsOfAllInputsAreThoseOfFiniteDifferences) {
  MultiheadAttention layer(6, 2, generator_, {.batch_first = true, .dtype = DType::float64});
  const Tensor query = normal({2, 3, 6}, DType::float64);
  const Tensor key = normal({2, 5, 6}, DType::float64);
  const Tensor value = normal({2, 5, 6}, DType::float64);
  const AttentionMasks masks{hidden({2, 5}), normal({4, 3, 5}, DType::float64), false};
  const Tensor grad = normal({2, 3, 6}, DType::float64);
  const auto loss = [&] {
    const std::vector<double> y = layer.forward(query, key, value, masks).to_vector<double>();
    const std::vector<double> w = grad.to_vector<double>();
    double sum = 0.0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += y[i] * w[i];
    return sum;
  };
  layer.zero_grad();
  static_cast<void>(layer.forward(query, key, value, masks));
  const AttentionInputGradients grads = layer.backward_all(grad);
  const std::vector<Tensor> kept{grads.query.clone(), grads.key.clone(), grads.value.clone()};
  std::vector<Tensor> of_parameters;
  for (const auto& parameter : layer.parameters()) of_parameters.push_back(parameter->grad.clone());
  testing::expect_gradient(query, kept[0], loss, "query");
  testing::expect_gradient(key, kept[1], loss, "key");
  testing::expect_gradient(value, kept[2], loss, "value");
  std::size_t i = 0;
  for (const auto& [name, parameter] : layer.named_parameters()) {
    testing::expect_gradient(parameter->value, of_parameters[i++], loss, name);
  }
}

// Of many blocks of queries and keys, in which some see nothing at all.
TEST_F(Attention, BlocksGiveWhatTheWholeMatrixGives) {
  const std::int64_t length = 700;
  const Tensor query = normal({1, 2, length, 5}, DType::float64);
  const Tensor key = normal({1, 2, length, 5}, DType::float64);
  const Tensor value = normal({1, 2, length, 3}, DType::float64);
  const Tensor causal = Tensor::zeros({length, length}, DType::boolean);
  for (std::int64_t i = 0; i < length; ++i) causal[i].slice(0, 0, i + 1).fill_(1.0);
  const Tensor masked = ops::scaled_dot_product_attention(query, key, value, &causal);
  const Tensor direct = ops::scaled_dot_product_attention(query, key, value, nullptr, true);
  EXPECT_TRUE(bitwise_equal(masked, direct));
  for (const std::int64_t i : {0, 63, 64, 256, 511, 699}) {
    const Tensor row = ops::scaled_dot_product_attention(
        query.slice(2, i, i + 1), key.slice(2, 0, i + 1), value.slice(2, 0, i + 1));
    const std::vector<double> wanted = row.to_vector<double>();
    const std::vector<double> actual = direct.slice(2, i, i + 1).to_vector<double>();
    for (std::size_t k = 0; k < wanted.size(); ++k) EXPECT_NEAR(actual[k], wanted[k], 1e-12) << i;
  }
  causal.slice(0, 100, 300).zero_();
  const Tensor blind = ops::scaled_dot_product_attention(query, key, value, &causal);
  for (const double x : blind.slice(2, 100, 300).to_vector<double>()) EXPECT_EQ(x, 0.0);
  EXPECT_TRUE(bitwise_equal(blind.slice(2, 300, 700).clone(), direct.slice(2, 300, 700).clone()));
}

TEST_F(Attention, NaNIsSeenWhereItIsNotMasked) {
  const Tensor query = normal({1, 1, 3, 4});
  const Tensor key = normal({1, 1, 5, 4});
  key[0][0][2].fill_(std::nan(""));
  const Tensor value = normal({1, 1, 5, 2});
  const Tensor sees = Tensor::ones({3, 5}, DType::boolean);
  sees[1].slice(0, 2, 3).zero_();
  const std::vector<float> y =
      ops::scaled_dot_product_attention(query, key, value, &sees).to_vector<float>();
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_FALSE(std::isnan(y[2]));
  EXPECT_TRUE(std::isnan(y[4]));
}

TEST_F(Attention, AllocateNothingWithMasks) {
  TransformerEncoderLayer layer(12, 3, generator_, {.dim_feedforward = 20, .batch_first = true});
  TransformerEncoder encoder(layer, 2, std::make_unique<LayerNorm>(12));
  const Tensor x = normal({3, 7, 12});
  const EncoderMasks masks{hidden({7, 7}), hidden({3, 7}), true};
  const Tensor grad = normal({3, 7, 12});
  const auto step = [&] {
    static_cast<void>(encoder.forward(x, masks));
    static_cast<void>(encoder.backward(grad));
  };
  step();
  step();
  const std::size_t before = allocation_count();
  for (int i = 0; i < 5; ++i) step();
  EXPECT_EQ(allocation_count(), before);
}

TEST_F(Attention, HaveTheSameBitsForAnyNumberOfThreads) {
  MultiheadAttention layer(24, 3, generator_);
  const Tensor x = normal({300, 4, 24});
  const Tensor grad = normal({300, 4, 24});
  const auto step = [&] {
    layer.zero_grad();
    std::vector<Tensor> all{layer.forward(x, x, x, {.is_causal = true}).clone()};
    all.push_back(layer.backward(grad).clone());
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

TEST_F(Attention, RefusesWhatDoesNotFitAndKeepsWhatIsSaved) {
  MultiheadAttention layer(6, 2, generator_, {.batch_first = true});
  const Tensor x = normal({2, 4, 6});
  const Tensor y = layer.forward(x).clone();
  const auto refuses = [&](const Tensor& query, const Tensor& key, const AttentionMasks& masks,
                           const char* text) {
    expect_throw_with<ShapeError>([&] { static_cast<void>(layer.forward(query, key, key, masks)); },
                                  text);
  };
  refuses(normal({6}), x, {}, "MultiheadAttention(6, 2): expected query, key and value");
  refuses(normal({2, 4, 5}), x, {}, "expected 6");
  refuses(x, normal({3, 4, 6}), {}, "the samples of the query");
  refuses(x, x, {.key_padding_mask = hidden({2, 5})}, "key_padding_mask must have shape [2, 4]");
  refuses(x, x, {.attn_mask = hidden({5, 4})}, "attn_mask must have shape [4, 4] or [4, 4, 4]");
  expect_throw_with<DTypeError>(
      [&] {
        static_cast<void>(
            layer.forward(x, x, x, {.attn_mask = Tensor::zeros({4, 4}, DType::int64)}));
      },
      "attn_mask must be bool or float32");
  EXPECT_EQ(layer.backward(y).shape(), x.shape());
  static_cast<void>(layer.forward(x, y, y));
  expect_throw_with<ValueError>([&] { static_cast<void>(layer.backward(y)); }, "backward_all()");
  expect_throw_with<ValueError>([&] { MultiheadAttention(7, 2, generator_); }, "divisible");
  const Tensor query = normal({4, 6});
  const Tensor mask = hidden({4, 4});
  expect_throw_with<ValueError>(
      [&] {
        static_cast<void>(ops::scaled_dot_product_attention(query, query, query, &mask, true));
      },
      "is_causal");
  // An encoder says which of its layers it was.
  TransformerEncoderLayer one(6, 2, generator_, {.dim_feedforward = 8, .batch_first = true});
  TransformerEncoder encoder(one, 2);
  const Tensor z = encoder.forward(x).clone();
  expect_throw_with<ShapeError>(
      [&] {
        static_cast<void>(encoder.forward(x, {.src_mask = hidden({3, 4})}));
      },
      "layers.0.self_attn: MultiheadAttention(6, 2): attn_mask");
  EXPECT_EQ(encoder.backward(z).shape(), x.shape());
}

}  // namespace
}  // namespace wick::nn
