// SPDX-License-Identifier: MIT
// Computes losses and trains the networks that graph_parity.py asks for.
#include <memory>
#include <string>

#include "core/ops.h"
#include "nn/graph.h"
#include "nn/inference_plan.h"
#include "nn/losses/cross_entropy_loss.h"
#include "nn/losses/pointwise_loss.h"
#include "nn/residual.h"
#include "nn/sequential.h"
#include "optim/adam.h"
#include "tests/interop/program.h"

namespace {

using wick::Dict;
using wick::Dims;
using wick::DType;
using wick::List;
using wick::Tensor;
using wick::Value;
namespace nn = wick::nn;

Tensor tensor_or_none(const Value& value) {
  return value.is_none() ? Tensor() : value.as_tensor();
}

std::unique_ptr<nn::Loss> make_loss(const Value& item) {
  const std::string& name = item.at("name").as_string();
  const nn::Reduction reduction =
      item.at("reduction").as_string() == "mean" ? nn::Reduction::mean : nn::Reduction::sum;
  if (name == "L1Loss") return std::make_unique<nn::L1Loss>(reduction);
  if (name == "MSELoss") return std::make_unique<nn::MSELoss>(reduction);
  if (name == "SmoothL1Loss") {
    return std::make_unique<nn::SmoothL1Loss>(reduction, item.at("a").as_double());
  }
  if (name == "HuberLoss") {
    return std::make_unique<nn::HuberLoss>(reduction, item.at("a").as_double());
  }
  if (name != "BCEWithLogitsLoss") throw wick::ValueError("no loss " + name);
  nn::BCEWithLogitsLossOptions options;
  options.weight = tensor_or_none(item.at("weight"));
  options.pos_weight = tensor_or_none(item.at("pos_weight"));
  options.reduction = reduction;
  return std::make_unique<nn::BCEWithLogitsLoss>(options);
}

// A list of losses with their 'input' and 'target' to a list of {'loss', 'grad'}.
Value losses(const Value& request) {
  List answers;
  for (const Value& item : request.as_list()) {
    const auto loss = make_loss(item);
    const Tensor value = loss->forward(item.at("input").as_tensor(), item.at("target").as_tensor());
    answers.items.emplace_back(Dict{{"loss", value.clone()}, {"grad", loss->backward().clone()}});
  }
  return answers;
}

// The networks of graph_parity.py, layer by layer under the same names.

nn::Graph make_residual(const nn::LinearOptions& options, wick::Generator& generator) {
  nn::Graph graph;
  const auto x = graph.input();
  auto h = graph.call<nn::Linear>("first", x, 12, 16, generator, options);
  const auto block = [&](nn::Graph::Node in, bool again) {
    const auto inner = again ? graph.again("shared", in)
                             : graph.call<nn::Linear>("shared", in, 16, 16, generator, options);
    return graph.add(in, graph.call<nn::ReLU>(again ? "relu2" : "relu1", inner));
  };
  h = block(block(h, false), true);
  graph.output(graph.call<nn::Linear>("last", h, 16, 5, generator, options));
  return graph;
}

nn::Graph make_actor_critic(const nn::LinearOptions& options, wick::Generator& generator) {
  nn::Graph graph;
  const auto x = graph.input();
  const auto body = graph.call<nn::Linear>("body", x, 12, 24, generator, options);
  const auto h = graph.call<nn::ReLU>("relu", body);
  graph.output(graph.call<nn::Linear>("actor", h, 24, 5, generator, options));
  graph.output(graph.call<nn::Linear>("critic", h, 24, 1, generator, options));
  return graph;
}

nn::Graph make_autoencoder(const nn::LinearOptions& options, wick::Generator& generator) {
  nn::Graph graph;
  const auto x = graph.input();
  const auto code = graph.call<nn::Linear>(
      "code",
      graph.call<nn::ReLU>("relu1", graph.call<nn::Linear>("down", x, 12, 8, generator, options)),
      8, 3, generator, options);
  const auto up =
      graph.call<nn::ReLU>("relu2", graph.call<nn::Linear>("up", code, 3, 8, generator, options));
  // The code goes past the last hidden layer, too.
  graph.output(
      graph.call<nn::Linear>("out", graph.concatenate({up, code}, 1), 11, 12, generator, options));
  return graph;
}

// {'network', 'state', 'inputs' (steps, batch, 12), 'labels' (steps, batch), 'values' (steps,
// batch, 1), 'lr'} to the 'losses' of the steps, the 'state' in the end and the compiled network's
// 'outputs' for the last input.
Value train(const Value& request) {
  const std::string& name = request.at("network").as_string();
  const Tensor& inputs = request.at("inputs").as_tensor();
  const Tensor& labels = request.at("labels").as_tensor();
  const Tensor& values = request.at("values").as_tensor();
  const nn::LinearOptions options{.dtype = inputs.dtype()};
  wick::Generator generator;
  nn::Graph model = name == "residual"       ? make_residual(options, generator)
                    : name == "actor_critic" ? make_actor_critic(options, generator)
                                             : make_autoencoder(options, generator);
  model.load_state_dict(wick::StateDict::from_value(request.at("state")));
  wick::optim::Adam optimizer(model.parameters(), {.lr = request.at("lr").as_double()});
  nn::CrossEntropyLoss cross_entropy;
  nn::MSELoss mse;
  const Tensor sum = Tensor::zeros({}, DType::float64);
  cross_entropy.accumulate_in(sum);
  mse.accumulate_in(sum);
  const std::int64_t steps = inputs.size(0);
  const Tensor curve = Tensor::empty({steps}, DType::float64);
  for (std::int64_t step = 0; step < steps; ++step) {
    const Tensor x = inputs[step];
    optimizer.zero_grad();
    sum.zero_();
    const auto outputs = model.forward_all({&x, 1});
    std::vector<Tensor> grads;
    if (name == "autoencoder") {
      (void)mse.forward(outputs[0], x);
      grads.push_back(mse.backward());
    } else {
      (void)cross_entropy.forward(outputs[0], labels[step]);
      grads.push_back(cross_entropy.backward());
    }
    if (name == "actor_critic") {
      (void)mse.forward(outputs[1], values[step]);
      grads.push_back(mse.backward());
    }
    (void)model.backward_all(grads, false);
    curve[step].copy_(sum);
    optimizer.step();
  }
  Dict state;
  for (const auto& [key, tensor] : model.state_dict()) state.set(key, tensor);
  List outputs;
  const Tensor last = inputs[steps - 1];
  const std::vector<Dims> shapes = {{last.size(1)}};
  const nn::InferencePlan plan = nn::compile(model, shapes, last.size(0));
  auto workspace = plan.make_workspace();
  std::vector<Tensor> results;
  for (std::size_t i = 0; i < plan.output_count(); ++i) {
    Dims shape = plan.output_shape(i);
    shape.insert(0, last.size(0));
    results.push_back(Tensor::empty(shape, inputs.dtype()));
  }
  plan.run_all({&last, 1}, results, workspace);
  for (const Tensor& each : results) outputs.items.emplace_back(each);
  return Dict{{"losses", curve}, {"state", state}, {"outputs", outputs}};
}

}  // namespace

int main(int count, char** arguments) {
  return wick::testing::run_program(count, arguments, {{"losses", losses}, {"train", train}});
}
