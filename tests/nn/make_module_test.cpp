// SPDX-License-Identifier: MIT
// Modules and networks from their descriptions.
#include "wick/nn/make_module.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include <gtest/gtest.h>

#include "tests/nn/layer_cases.h"
#include "tests/nn/torch_expression.h"
#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/nn/layers/activation.h"
#include "wick/nn/layers/embedding.h"
#include "wick/nn/layers/reshape.h"
#include "wick/nn/sequential.h"

namespace wick::nn {
namespace {

using wick::testing::expect_throw_with;
using wick::testing::LayerCase;

TEST(MakeModule, MakesEachLayerUnderItsName) {
  Generator generator(1);
  const Dict needed{{"in_features", 4}, {"out_features", 3}};
  for (const std::string_view name : module_names()) {
    Dict options;
    if (name == "Linear") options = needed;
    if (name.starts_with("BatchNorm") || name == "InstanceNorm2d") options = {{"num_features", 4}};
    if (name == "LayerNorm" || name == "RMSNorm") options = {{"normalized_shape", 4}};
    if (name == "GroupNorm") options = {{"num_groups", 2}, {"num_channels", 4}};
    if (name == "Embedding") options = {{"num_embeddings", 5}, {"embedding_dim", 2}};
    if (name == "Softmax" || name == "LogSoftmax") options = {{"dim", -1}};
    if (name.starts_with("Conv")) {
      options = {{"in_channels", 2}, {"out_channels", 4}, {"kernel_size", 3}};
    }
    if (name.starts_with("MaxPool") || name.starts_with("AvgPool")) options = {{"kernel_size", 2}};
    if (name.starts_with("Adaptive")) options = {{"output_size", 2}};
    if (name == "PixelShuffle") options = {{"upscale_factor", 2}};
    if (name == "Upsample") options = {{"scale_factor", 2.0}};
    if (name == "ZeroPad2d") options = {{"padding", 1}};
    if (name == "Unflatten") options = {{"dim", 1}, {"unflattened_size", List{{2, 2}}}};
    if (name.starts_with("RNN") || name.starts_with("LSTM") || name.starts_with("GRU")) {
      options = {{"input_size", 3}, {"hidden_size", 4}};
    }
    if (name == "MultiheadAttention") options = {{"embed_dim", 6}, {"num_heads", 2}};
    if (name == "TransformerEncoderLayer") options = {{"d_model", 6}, {"nhead", 2}};
    const auto module = make_module(name, options, generator);
    EXPECT_EQ(module->type_name(), name);
    EXPECT_TRUE(module->is_training());
  }
}

// Outputs, gradients and all state afterwards.
void expect_same_step(Module& made, Module& direct, const Tensor& x, Generator& generator) {
  const Tensor y = direct.forward(x).clone();
  EXPECT_TRUE(bitwise_equal(made.forward(x), y));
  const Tensor grad = Tensor::normal(y.shape(), 0.0, 1.0, generator, x.dtype());
  const Tensor by_input = direct.backward(grad).clone();
  EXPECT_TRUE(bitwise_equal(made.backward(grad), by_input));
  const auto parameters = direct.named_parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    EXPECT_TRUE(bitwise_equal(made.named_parameters()[i].second->grad, parameters[i].second->grad));
  }
  const StateDict state = direct.state_dict();
  const StateDict own = made.state_dict();
  ASSERT_EQ(own.size(), state.size());
  for (const auto& [key, tensor] : state) EXPECT_TRUE(bitwise_equal(own.at(key), tensor)) << key;
}

// Each row of the table of layers, from what PyTorch's expression says.
TEST(MakeModule, MakesTheLayerOfEachExpressionOfPyTorch) {
  const std::uint64_t seed = std::random_device()();
  Generator generator(seed);
  for (const LayerCase& row : wick::testing::kLayerCases) {
    SCOPED_TRACE(::testing::Message() << row.torch << ", seed " << seed);
    auto read = wick::testing::TorchExpressionReader(row.torch).read();
    for (const DType dtype : {DType::float32, DType::float64}) {
      const auto direct = row.make({generator, dtype});
      if (!direct->parameters().empty() || !direct->buffers().empty()) {
        read.options.set("dtype", dtype);
      }
      const auto made = make_module(read.type, read.options, generator);
      EXPECT_TRUE(made->is_training());
      made->load_state_dict(direct->state_dict());  // each has drawn numbers of its own
      if (read.eval) made->eval();
      made->load_state_dict(direct->state_dict());  // some draw their weights
      EXPECT_EQ(made->is_training(), direct->is_training());
      EXPECT_EQ(made->type_name(), direct->type_name());
      const auto x = [&](const Dims& batch) {
        return wick::testing::layer_input(input_shape(row, batch), generator, dtype);
      };
      // Twice: what the momentum does is seen in the second step.
      expect_same_step(*made, *direct, x({5, 9}), generator);
      expect_same_step(*made, *direct, x({6, 9}), generator);
    }
  }
}

TEST(MakeModule, EachLayerStandsInTheGuide) {
  std::ifstream file(std::filesystem::path(WICK_FIXTURES) / "../../docs/networks.md");
  const std::string guide(std::istreambuf_iterator<char>(file), {});
  for (const std::string_view name : module_names()) {
    EXPECT_NE(guide.find(concat('`', name, '`')), std::string::npos) << name;
  }
}

TEST(MakeModule, DrawsWhatTheConstructorDraws) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  Generator ours(seed);
  Generator direct(seed);
  const auto made = make_module("Linear", {{"in_features", 7}, {"out_features", 5}}, ours);
  const Linear linear(7, 5, direct);
  for (const auto& [name, parameter] : linear.named_parameters()) {
    EXPECT_TRUE(bitwise_equal(made->state_dict().at(name), parameter->value)) << name;
  }
  const auto bare = make_module(
      "Linear",
      {{"in_features", 7}, {"out_features", 5}, {"bias", false}, {"dtype", DType::float64}}, ours);
  EXPECT_EQ(bare->parameters().size(), 1U);
  EXPECT_EQ(bare->parameters().front()->value.dtype(), DType::float64);
}

TEST(MakeModule, PassesArgumentsOn) {
  Generator generator(1);
  const Tensor x = Tensor::from<float>({-2.0F, 0.5F});
  EXPECT_EQ(make_module("LeakyReLU", {{"negative_slope", 0.5}, {"inplace", false}}, generator)
                ->forward(x)
                .to_vector<float>(),
            (std::vector<float>{-1.0F, 0.5F}));
  EXPECT_EQ(make_module("Hardtanh", {{"min_val", -1}, {"max_val", 0.25}}, generator)
                ->forward(x)
                .to_vector<float>(),
            (std::vector<float>{-1.0F, 0.25F}));
  const auto table = make_module(
      "Embedding", {{"num_embeddings", 5}, {"embedding_dim", 2}, {"padding_idx", -1}}, generator);
  EXPECT_EQ(static_cast<const Embedding&>(*table).padding_idx(), 4);
}

TEST(MakeModule, RefusesWhatItDoesNotKnow) {
  Generator generator(1);
  const auto refused = [&](const char* name, const Dict& options, const char* text) {
    expect_throw_with<ValueError>([&] { (void)make_module(name, options, generator); }, text);
  };
  refused("Conv9d", {}, "no layer \"Conv9d\"");
  refused("Conv9d", {}, "Linear");
  refused("Linear", {{"in_features", 4}}, "Linear: the argument 'out_features' is missing");
  refused("Linear", {{"in_features", 4}, {"out_features", "ten"}}, "must be an int");
  refused("Linear", {{"in_features", 4}, {"out_features", 1}, {"biased", true}}, "'biased'");
  refused("Softplus", {{"beta", "1"}}, "'beta' must be a number");
  refused("GELU", {{"approximate", "erf"}}, "erf");
  refused("Tanh", {{1, 2}}, "no argument");
  refused("Tanh", {{"inplace", true}}, "no argument 'inplace'");
  refused("BatchNorm1d", {}, "BatchNorm1d: the argument 'num_features' is missing");
  refused("BatchNorm2d", {{"num_features", 4}, {"momentum", "0.1"}},
          "BatchNorm2d: the argument 'momentum' must be a number, got str");
  refused("InstanceNorm2d", {{"num_features", 4}, {"track", true}}, "track_running_stats");
  refused("LayerNorm", {{"normalized_shape", 4.5}}, "an int or a sequence of ints, got float");
  refused("LayerNorm", {{"normalized_shape", Tuple{}}}, "LayerNorm: normalized_shape");
  refused("RMSNorm", {{"normalized_shape", 4}, {"bias", true}}, "RMSNorm: there is no argument");
  refused("GroupNorm", {{"num_groups", 3}, {"num_channels", 4}}, "multiple of num_groups");
  refused("Embedding", {{"num_embeddings", 4}, {"embedding_dim", 2}, {"max_norm", 1.0}},
          "Embedding: the argument 'max_norm' must be None");
  refused("Embedding", {{"num_embeddings", 4}, {"embedding_dim", 2}, {"sparse", true}},
          "'sparse' must be False");
  // Nothing was drawn for a layer that was not made.
  Generator same(1);
  EXPECT_TRUE(bitwise_equal(generator.randperm(9), same.randperm(9)));
}

StateDict state_of(const std::vector<std::pair<std::string, Dims>>& layers, Generator& generator) {
  StateDict state;
  for (const auto& [name, shape] : layers) {
    state.set(name + ".weight", Tensor::normal(shape, 0.0, 1.0, generator));
    state.set(name + ".bias", Tensor::normal({shape[0]}, 0.0, 1.0, generator));
  }
  return state;
}

TEST(FromStateDict, KeepsKeysAndComputesTheChain) {
  Generator generator(std::random_device{}());
  // In the file's order, which is not that of the layers.
  const StateDict state =
      state_of({{"net.head", {3, 6}}, {"net.body.10", {6, 8}}, {"net.body.2", {8, 4}}}, generator);
  const auto model = Sequential::from_state_dict(state, "Tanh");
  const StateDict own = model->state_dict();
  EXPECT_EQ(own.size(), state.size());
  for (const auto& [name, tensor] : state) EXPECT_TRUE(bitwise_equal(own.at(name), tensor)) << name;
  Sequential by_hand;
  by_hand.add<Linear>("a", 4, 8, generator);
  by_hand.add<Tanh>("b");
  by_hand.add<Linear>("c", 8, 6, generator);
  by_hand.add<Tanh>("d");
  by_hand.add<Linear>("e", 6, 3, generator);
  StateDict renamed;
  const std::pair<const char*, const char*> names[] = {
      {"a", "net.body.2"}, {"c", "net.body.10"}, {"e", "net.head"}};
  for (const auto& [here, there] : names) {
    for (const char* const part : {".weight", ".bias"}) {
      renamed.set(std::string(here) + part, state.at(std::string(there) + part));
    }
  }
  by_hand.load_state_dict(renamed);
  const Tensor x = Tensor::normal({5, 4}, 0.0, 1.0, generator);
  EXPECT_TRUE(bitwise_equal(model->forward(x), by_hand.forward(x)));
}

TEST(FromStateDict, RefusesWhatIsNoChain) {
  Generator generator(3);
  const auto refused = [](const StateDict& state, const char* text) {
    expect_throw_with<StateDictError>([&] { (void)Sequential::from_state_dict(state); }, text);
  };
  refused(state_of({{"a1", {3, 6}}, {"a2", {5, 7}}}, generator), "no chain");
  StateDict bare;
  bare.set("weight", Tensor::ones({2, 3}));
  refused(bare, "has no name");
  refused(state_of({{"a.1", {5, 4}}, {"b.2", {6, 5}}, {"a.3", {2, 6}}}, generator), "rename");
  expect_throw_with<ValueError>(
      [&] {
        (void)Sequential::from_state_dict(state_of({{"a1", {3, 6}}, {"a2", {5, 3}}}, generator),
                                          "relu");
      },
      "no layer \"relu\"");
}

}  // namespace
}  // namespace wick::nn
