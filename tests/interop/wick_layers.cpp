// SPDX-License-Identifier: MIT
// Runs and trains the layers that layer_parity.py asks for.
#include "tests/interop/make_optimizer.h"
#include "tests/interop/program.h"
#include "tests/nn/layer_cases.h"
#include "wick/nn/losses/pointwise_loss.h"
#include "wick/nn/make_module.h"
#include "wick/nn/sequential.h"

namespace {

using wick::Dict;
using wick::Dims;
using wick::DType;
using wick::List;
using wick::StateDict;
using wick::Tensor;
using wick::Value;
namespace nn = wick::nn;

// A row of the table by its number, {'layer'}, or a layer from its description, {'type', 'options',
// 'training'}.
std::unique_ptr<nn::Module> make_layer(const Value& item, wick::Generator& generator, DType dtype) {
  if (item.contains("layer")) {
    return wick::testing::kLayerCases[item.at("layer").as_int()].make({generator, dtype});
  }
  auto layer =
      nn::make_module(item.at("type").as_string(), item.at("options").as_dict(), generator);
  layer->train(item.at("training").as_bool());
  return layer;
}

// The rows of the table, in their order: {'torch', 'trailing', 'pointwise', 'min_samples',
// 'state'}.
Value layers(const Value& /*request*/) {
  wick::Generator generator;
  List rows;
  for (const auto& row : wick::testing::kLayerCases) {
    List trailing;
    for (const std::int64_t size : row.trailing) trailing.items.emplace_back(size);
    rows.items.emplace_back(Dict{{"torch", row.torch},
                                 {"trailing", trailing},
                                 {"pointwise", row.pointwise},
                                 {"min_samples", row.min_samples},
                                 {"state", row.make({generator})->state_dict().to_value()}});
  }
  return rows;
}

// A list of layers with 'input', 'state' and 'grad_output' to a list of {'output', 'grad_input',
// 'grad of ...'} and the buffers.
Value run_layers(const Value& request) {
  List answers;
  for (const Value& item : request.as_list()) {
    const Tensor& input = item.at("input").as_tensor();
    wick::Generator generator;
    const auto layer = make_layer(item, generator, input.dtype());
    layer->load_state_dict(StateDict::from_value(item.at("state")));
    const Tensor output = layer->forward(input);
    const Tensor grad_input = layer->backward(item.at("grad_output").as_tensor());
    Dict answer{{"output", output}, {"grad_input", grad_input}};
    for (const auto& [name, parameter] : layer->named_parameters()) {
      answer.set("grad of " + name, parameter->grad.clone());
    }
    for (const auto& [name, buffer] : layer->named_buffers()) answer.set(name, buffer->clone());
    answers.items.emplace_back(std::move(answer));
  }
  return answers;
}

// Linear, the layer in the shape that it wants, Linear: sizes and parameters are those of 'state'.
void add_layers(nn::Sequential& model, const Value& item, wick::Generator& generator) {
  const StateDict state = StateDict::from_value(item.at("state"));
  const Tensor& before = state.at("before.weight");
  const Tensor& after = state.at("after.weight");
  const nn::LinearOptions options{.dtype = before.dtype()};
  Dims trailing;
  for (const Value& size : item.at("trailing").as_list()) trailing.push_back(size.as_int());
  model.add<nn::Linear>("before", before.size(1), before.size(0), generator, options);
  model.add<nn::Unflatten>("shape", 1, trailing);
  model.append("layer", make_layer(item, generator, before.dtype()));
  model.add<nn::Flatten>("flat");
  model.add<nn::Linear>("after", after.size(1), after.size(0), generator, options);
  model.load_state_dict(state);
}

// A list of layers with 'state', 'trailing', 'inputs' (steps, batch, features), 'targets',
// 'optimizer' and 'seed', which is that of masks, to a list of {'losses', 'state', 'output'}: what
// the trained network makes of the first inputs in eval mode.
Value train_layers(const Value& request) {
  List answers;
  for (const Value& item : request.as_list()) {
    wick::Generator generator;
    nn::Sequential model;
    add_layers(model, item, generator);
    generator.manual_seed(static_cast<std::uint64_t>(item.at("seed").as_int()));
    const auto optimizer = wick::testing::make_optimizer(model.parameters(), item.at("optimizer"));
    const Tensor& inputs = item.at("inputs").as_tensor();
    const Tensor& targets = item.at("targets").as_tensor();
    nn::MSELoss criterion;
    const Tensor losses = Tensor::empty({item.at("steps").as_int()}, inputs.dtype());
    for (std::int64_t step = 0; step < losses.numel(); ++step) {
      optimizer->zero_grad();
      losses[step].copy_(criterion.forward(model.forward(inputs[step]), targets[step]));
      model.backward(criterion.backward(), false);
      optimizer->step();
    }
    model.eval();
    answers.items.emplace_back(Dict{{"losses", losses},
                                    {"state", model.state_dict().to_value()},
                                    {"output", model.forward(inputs[0]).clone()}});
  }
  return answers;
}

// A list of layers with an 'input' (or None: to be made only) to a list of their outputs, or errors
// {'kind', 'text'}.
Value try_layers(const Value& request) {
  List answers;
  for (const Value& item : request.as_list()) {
    answers.items.push_back(wick::testing::or_error([&]() -> Value {
      wick::Generator generator;
      const Value& input = item.at("input");
      const auto layer = make_layer(item, generator, DType::float32);
      if (input.is_none()) return nullptr;
      return layer->forward(input.as_tensor()).clone();
    }));
  }
  return answers;
}

}  // namespace

int main(int count, char** arguments) {
  return wick::testing::run_program(count, arguments,
                                    {{"layers", layers},
                                     {"run_layers", run_layers},
                                     {"train_layers", train_layers},
                                     {"try_layers", try_layers}});
}
