// SPDX-License-Identifier: MIT
#include "tests/real_time/networks.h"

#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "tests/nn/layer_cases.h"
#include "wick/core/value.h"
#include "wick/nn/graph.h"
#include "wick/nn/make_module.h"
#include "wick/nn/sequential.h"

namespace wick::testing {
namespace {

Tensor input(const Dims& shape, DType dtype, Generator& generator, bool extreme) {
  const Tensor x = Tensor::normal(shape, 0.0, 3.0, generator, DType::float64);
  if (extreme) {
    constexpr auto kInfinity = std::numeric_limits<double>::infinity();
    constexpr auto kExtremes = std::to_array<double>(
        {NAN, kInfinity, -kInfinity, 1e30, -1e30, 1e-40, -1e-310, 0.0, -0.0, 100.0, -100.0});
    auto* const data = x.data<double>();
    for (std::int64_t i = 0; i < x.numel(); i += 3) {
      data[i] = kExtremes[static_cast<std::size_t>(i / 3) % kExtremes.size()];
    }
  }
  return x.to(dtype);
}

Dims with_batch(std::int64_t count, const Dims& sample) {
  Dims shape{count};
  for (const std::int64_t size : sample) shape.push_back(size);
  return shape;
}

// The same samples with gaps between them.
Tensor apart(const Tensor& x) {
  const std::int64_t count = x.size(0);
  const std::int64_t elements = x.numel() / count;
  Dims strides = x.strides();
  strides[0] = 2 * elements;
  const Tensor wide = Tensor::zeros({count, 2, elements}, x.dtype());
  const Tensor result = wide.as_strided(x.shape(), strides, 0);
  result.copy_(x);
  return result;
}

// Layers that take values of every shape, by make_module().
std::unique_ptr<nn::Module> random_activation(std::mt19937& random, Generator& generator) {
  constexpr auto kNames =
      std::to_array<const char*>({"CELU", "ELU", "GELU", "Hardsigmoid", "Hardswish", "Hardtanh",
                                  "Identity", "LeakyReLU", "LogSigmoid", "Mish", "ReLU", "ReLU6",
                                  "SELU", "SiLU", "Sigmoid", "Softplus", "Softsign", "Tanh"});
  return nn::make_module(kNames[random() % kNames.size()], {}, generator);
}

}  // namespace

std::vector<Network> layer_networks(DType dtype, Generator& generator) {
  std::vector<Network> networks;
  for (const LayerCase& row : kLayerCases) {
    for (const bool fused : {true, false}) {
      const Dims sample = row.trailing.empty() ? Dims{3, 10} : row.trailing;
      auto model = std::make_unique<nn::Sequential>();
      model->add<nn::Linear>("first", sample.back(), sample.back(), generator,
                             nn::LinearOptions{.dtype = dtype});
      if (!fused) model->add<nn::Tanh>("tanh");
      model->append("layer", row.make({generator, dtype}));
      model->eval();
      networks.push_back(
          {concat(row.torch, fused ? "" : ", not fused"), std::move(model), {sample}});
    }
  }
  return networks;
}

Network random_network(DType dtype, std::mt19937& random, Generator& generator) {
  constexpr auto kWidths = std::to_array<std::int64_t>({1, 3, 16, 17, 64, 130, 300});
  constexpr std::int64_t kWidest = 600;
  struct Value {
    nn::Graph::Node node;
    std::int64_t width;
  };
  const auto some_width = [&] { return kWidths[random() % kWidths.size()]; };
  auto graph = std::make_unique<nn::Graph>();
  std::vector<Dims> samples;
  std::vector<Value> values;
  for (int i = 0; i < 2; ++i) {
    const std::int64_t width = some_width();
    values.push_back({graph->input(), width});
    samples.push_back({width});
  }
  const auto layer = [&](int number, const Value& x, std::unique_ptr<nn::Module> module,
                         std::int64_t width) {
    values.push_back({graph->append(concat("layer", number), std::move(module), x.node), width});
  };
  const auto linear = [&](std::int64_t from, std::int64_t to) {
    return std::make_unique<nn::Linear>(from, to, generator, nn::LinearOptions{.dtype = dtype});
  };
  for (int i = 0; i < 20; ++i) {
    const Value x = values[random() % values.size()];
    const Value other = values[random() % values.size()];
    switch (random() % 9) {
      case 0:
      case 1: {
        const std::int64_t width = some_width();
        layer(i, x, linear(x.width, width), width);
        break;
      }
      case 2: layer(i, x, random_activation(random, generator), x.width); break;
      case 3:
        if (x.width + other.width > kWidest) break;
        values.push_back({graph->concatenate({x.node, other.node}, 1), x.width + other.width});
        break;
      case 4: {
        const auto start = static_cast<std::int64_t>(random()) % x.width;
        const std::int64_t length = x.width - start;
        values.push_back({graph->narrow(x.node, 1, start, length), length});
        break;
      }
      case 5: {
        layer(i, x, linear(x.width, other.width), other.width);
        const nn::Graph::Node y = values.back().node;
        values.push_back(
            {random() % 2 == 0 ? graph->add(y, other.node) : graph->multiply(y, other.node),
             other.width});
        break;
      }
      case 6:
        layer(i, x, std::make_unique<nn::LayerNorm>(x.width, nn::LayerNormOptions{.dtype = dtype}),
              x.width);
        break;
      case 7:
        layer(i, x,
              std::make_unique<nn::BatchNorm1d>(x.width, nn::BatchNormOptions{.dtype = dtype}),
              x.width);
        break;
      default: layer(i, x, std::make_unique<nn::Softmax>(-1), x.width); break;
    }
  }
  // A linear layer, so that there is a dtype, what came last, and anything.
  const Value first = values.front();
  layer(20, first, linear(first.width, 5), 5);
  graph->output(values.back().node);
  graph->output(values[values.size() - 2].node);
  graph->output(values[random() % values.size()].node);
  graph->eval();
  return {"random network", std::move(graph), std::move(samples)};
}

Network mlp(const std::vector<std::int64_t>& widths, DType dtype, Generator& generator) {
  auto model = std::make_unique<nn::Sequential>();
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
    if (i > 0) model->add<nn::ReLU>(concat("relu", i));
    model->add<nn::Linear>(
        concat("fc", i), widths[i], widths[i + 1], generator,
        nn::LinearOptions{.dtype = dtype == DType::bfloat16 ? DType::float32 : dtype});
  }
  model->to(dtype);
  model->eval();
  std::string name = concat("MLP of ", dtype);
  for (const std::int64_t width : widths) name += concat(' ', width);
  return {std::move(name), std::move(model), {{widths.front()}}};
}

Network shared_network(DType dtype, Generator& generator) {
  constexpr std::int64_t kSides = 32;
  constexpr std::int64_t kWidth = 1400;
  const nn::LinearOptions options{.dtype = dtype};
  auto model = std::make_unique<nn::Sequential>();
  model->add<nn::Linear>("fc1", kSides, kWidth, generator, options);
  model->add<nn::Tanh>("tanh");
  model->add<nn::LayerNorm>("norm", kWidth, nn::LayerNormOptions{.dtype = dtype});
  model->add<nn::Softmax>("softmax", -1);
  model->add<nn::Linear>("fc2", kWidth, kSides, generator, options);
  model->eval();
  return {concat("shared network of ", dtype), std::move(model), {{kSides}}};
}

PlanRuns::PlanRuns(const nn::InferencePlan& plan, const std::vector<std::int64_t>& batches,
                   Generator& generator)
    : plan_(plan), workspace_(plan.make_workspace()) {
  for (const std::int64_t batch : batches) {
    for (const bool extreme : {false, true}) {
      Call call;
      for (std::size_t i = 0; i < plan.input_count(); ++i) {
        call.inputs.push_back(
            input(with_batch(batch, plan.input_shape(i)), plan.dtype(), generator, extreme));
      }
      for (std::size_t i = 0; i < plan.output_count(); ++i) {
        call.outputs.push_back(
            Tensor::zeros(with_batch(batch, plan.output_shape(i)), plan.dtype()));
      }
      if (!extreme) {
        Call gaps = call;
        for (Tensor& each : gaps.inputs) each = apart(each);
        for (Tensor& each : gaps.outputs) each = apart(each);
        calls_.push_back(std::move(gaps));
      }
      calls_.push_back(std::move(call));
    }
  }
}

template <typename T>
void PlanRuns::run_spans(const Call& call) {
  const Tensor& x = call.inputs.front();
  const Tensor& y = call.outputs.front();
  plan_.run(std::span<const T>(x.data<T>(), static_cast<std::size_t>(x.numel())),
            std::span<T>(y.data<T>(), static_cast<std::size_t>(y.numel())), workspace_);
  const bool single = x.dim() == static_cast<std::int64_t>(plan_.input_shape().size());
  plan_.run(x.data<T>(), y.data<T>(), single ? 1 : x.size(0), workspace_);
}

void PlanRuns::run(int count) {
  for (int i = 0; i < count; ++i) {
    const Call& call = calls_[static_cast<std::size_t>(i) % calls_.size()];
    const bool flat = call.inputs.size() == 1 && call.outputs.size() == 1 &&
                      call.inputs[0].is_contiguous() && call.outputs[0].is_contiguous();
    if (flat && i % 2 == 1 && plan_.dtype() == DType::float32) {
      run_spans<float>(call);
    } else if (flat && i % 2 == 1 && plan_.dtype() == DType::float64) {
      run_spans<double>(call);
    } else {
      plan_.run_all(call.inputs, call.outputs, workspace_);
    }
  }
}

}  // namespace wick::testing
