// SPDX-License-Identifier: MIT
// The networks of graph_parity.py, layer by layer under the same names.
#pragma once

#include <memory>
#include <string>

#include "wick/nn/graph.h"
#include "wick/nn/layers/activation.h"
#include "wick/nn/layers/batch_norm.h"
#include "wick/nn/layers/conv.h"
#include "wick/nn/layers/dropout.h"
#include "wick/nn/layers/embedding.h"
#include "wick/nn/layers/linear.h"
#include "wick/nn/layers/norm.h"
#include "wick/nn/layers/pooling.h"
#include "wick/nn/layers/reshape.h"
#include "wick/nn/residual.h"
#include "wick/nn/sequential.h"

namespace wick::testing {

class Networks {
 public:
  /// Dropout draws from the generator, and so do initial weights.
  Networks(Generator& generator, DType dtype) : generator_(generator), dtype_(dtype) {}

  [[nodiscard]] nn::Graph residual() const {
    nn::Graph graph;
    auto h = linear(graph, "first", graph.input(), 12, 16);
    for (const bool again : {false, true}) {
      const auto inner = again ? graph.again("shared", h) : linear(graph, "shared", h, 16, 16);
      h = graph.add(h, graph.call<nn::ReLU>(again ? "relu2" : "relu1", inner));
    }
    graph.output(linear(graph, "last", h, 16, 5));
    return graph;
  }

  [[nodiscard]] nn::Graph actor_critic() const {
    nn::Graph graph;
    const auto body = linear(graph, "body", graph.input(), 12, 24);
    const auto h = graph.call<nn::ReLU>("relu", body);
    graph.output(linear(graph, "actor", h, 24, 5));
    graph.output(linear(graph, "critic", h, 24, 1));
    return graph;
  }

  [[nodiscard]] nn::Graph autoencoder() const {
    nn::Graph graph;
    const auto down = graph.call<nn::ReLU>("relu1", linear(graph, "down", graph.input(), 12, 8));
    const auto code = linear(graph, "code", down, 8, 3);
    const auto up = graph.call<nn::ReLU>("relu2", linear(graph, "up", code, 3, 8));
    // The code goes past the last hidden layer, too.
    graph.output(linear(graph, "out", graph.concatenate({up, code}, 1), 11, 12));
    return graph;
  }

  /// Of numbers and of two columns of categories, of 7 and of 5 kinds.
  [[nodiscard]] nn::Graph categories() const {
    nn::Graph graph;
    const auto x = graph.input();
    const auto colour = graph.input();
    const auto size = graph.input();
    const auto a = graph.call<nn::Embedding>("colour", colour, 7, 4, generator_,
                                             nn::EmbeddingOptions{.dtype = dtype_});
    const auto b = graph.call<nn::Embedding>(
        "size", size, 5, 3, generator_, nn::EmbeddingOptions{.padding_idx = 0, .dtype = dtype_});
    const auto fc1 = linear(graph, "fc1", graph.concatenate({x, a, b}, 1), 19, 16);
    graph.output(linear(graph, "fc2", graph.call<nn::ReLU>("relu", fc1), 16, 1));
    return graph;
  }

  [[nodiscard]] nn::Sequential norm_mlp() const {
    nn::Sequential model;
    linear(model, "first", 12, 16);
    for (const char* const name : {"block1", "block2"}) {
      auto body = std::make_unique<nn::Sequential>();
      body->add<nn::LayerNorm>("norm", 16, nn::LayerNormOptions{.dtype = dtype_});
      linear(*body, "up", 16, 32);
      body->add<nn::GELU>("gelu");
      linear(*body, "down", 32, 16);
      model.add<nn::Residual>(name, "body", std::move(body));
    }
    model.add<nn::LayerNorm>("norm", 16, nn::LayerNormOptions{.dtype = dtype_});
    linear(model, "last", 16, 5);
    return model;
  }

  /// Of images of 3 by 4: convolutions, pooling, a depthwise and a transposed convolution.
  [[nodiscard]] nn::Sequential conv_net() const {
    nn::ConvOptions options;
    options.dtype = dtype_;
    nn::Sequential model;
    model.add<nn::Unflatten>("image", 1, Dims{1, 3, 4});
    options.padding = 1;
    options.bias = false;
    model.add<nn::Conv2d>("conv1", 1, 6, 3, generator_, options);
    model.add<nn::BatchNorm2d>("norm1", 6, nn::BatchNormOptions{.dtype = dtype_});
    model.add<nn::ReLU>("relu1");
    model.add<nn::MaxPool2d>("pool1", nn::Size2d(2), nn::MaxPoolOptions{.padding = 1});
    options.bias = true;
    options.groups = 6;
    options.padding_mode = "circular";
    model.add<nn::Conv2d>("depthwise", 6, 12, 3, generator_, options);
    model.add<nn::SiLU>("silu");
    nn::ConvTransposeOptions transposed;
    transposed.stride = 2;
    transposed.dtype = dtype_;
    model.add<nn::ConvTranspose2d>("up", 12, 18, 2, generator_, transposed);
    model.add<nn::AdaptiveAvgPool2d>("mean", nn::AdaptiveSize(2));
    model.add<nn::Flatten>("flat");
    linear(model, "last", 72, 5);
    return model;
  }

  [[nodiscard]] nn::Sequential regressor() const {
    nn::Sequential model;
    linear(model, "fc1", 12, 32);
    model.add<nn::SiLU>("silu");
    model.add<nn::Dropout>("dropout1", generator_, 0.2);
    linear(model, "fc2", 32, 16);
    model.add<nn::Tanh>("tanh");
    model.add<nn::Dropout>("dropout2", generator_, 0.1);
    linear(model, "fc3", 16, 1);
    return model;
  }

  [[nodiscard]] nn::Sequential batch_norm() const {
    nn::Sequential model;
    // A bias before a BatchNorm has no gradient but rounding errors, of which Adam makes steps.
    const nn::LinearOptions no_bias{.bias = false, .dtype = dtype_};
    model.add<nn::Linear>("fc1", 12, 20, generator_, no_bias);
    model.add<nn::BatchNorm1d>("norm1", 20, nn::BatchNormOptions{.dtype = dtype_});
    model.add<nn::SiLU>("silu1");
    model.add<nn::Linear>("fc2", 20, 20, generator_, no_bias);
    model.add<nn::BatchNorm1d>("norm2", 20, nn::BatchNormOptions{.momentum = 0.3, .dtype = dtype_});
    model.add<nn::SiLU>("silu2");
    linear(model, "fc3", 20, 5);
    return model;
  }

  [[nodiscard]] nn::Sequential dqn() const {
    nn::Sequential model;
    linear(model, "fc1", 12, 24);
    model.add<nn::ReLU>("relu1");
    linear(model, "fc2", 24, 24);
    model.add<nn::ReLU>("relu2");
    linear(model, "values", 24, 5);
    return model;
  }

 private:
  nn::Graph::Node linear(nn::Graph& graph, const char* name, nn::Graph::Node x, std::int64_t inputs,
                         std::int64_t outputs) const {
    return graph.call<nn::Linear>(name, x, inputs, outputs, generator_,
                                  nn::LinearOptions{.dtype = dtype_});
  }
  void linear(nn::Sequential& model, const char* name, std::int64_t inputs,
              std::int64_t outputs) const {
    model.add<nn::Linear>(name, inputs, outputs, generator_, nn::LinearOptions{.dtype = dtype_});
  }

  Generator& generator_;
  DType dtype_;
};

}  // namespace wick::testing
