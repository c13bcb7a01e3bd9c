// SPDX-License-Identifier: MIT
// Runs the layers and losses that gradient_parity.py asks for.
#include "tests/interop/program.h"
#include "wick/nn/losses/cross_entropy_loss.h"
#include "wick/nn/sequential.h"

namespace {

using wick::Dict;
using wick::List;
using wick::Tensor;
using wick::Value;
namespace nn = wick::nn;

// A list of {'logits', 'targets', 'weight', 'ignore_index', 'reduction', 'label_smoothing'} to a
// list of {'loss', 'grad'}.
Value cross_entropy(const Value& request) {
  List answers;
  for (const Value& item : request.as_list()) {
    nn::CrossEntropyLossOptions options;
    if (!item.at("weight").is_none()) options.weight = item.at("weight").as_tensor();
    options.ignore_index = item.at("ignore_index").as_int();
    options.label_smoothing = item.at("label_smoothing").as_double();
    const bool mean = item.at("reduction").as_string() == "mean";
    options.reduction = mean ? nn::Reduction::mean : nn::Reduction::sum;
    nn::CrossEntropyLoss criterion(options);
    const Tensor loss =
        criterion.forward(item.at("logits").as_tensor(), item.at("targets").as_tensor());
    answers.items.emplace_back(
        Dict{{"loss", loss.clone()}, {"grad", criterion.backward().clone()}});
  }
  return answers;
}

// A list of layers as ('Linear', name, in, out, bias) or ('ReLU', name), with their 'state', an
// 'input' and a 'grad_output', to the 'output' and the gradients. Two passes, since gradients add
// up until they are forgotten.
Value network(const Value& request) {
  const Tensor& input = request.at("input").as_tensor();
  wick::Generator generator;
  nn::Sequential model;
  for (const Value& layer : request.at("layers").as_sequence()) {
    const std::string& name = layer.at_index(1).as_string();
    if (layer.at_index(0).as_string() == "ReLU") {
      model.add<nn::ReLU>(name);
      continue;
    }
    nn::LinearOptions options;
    options.bias = layer.at_index(4).as_bool();
    options.dtype = input.dtype();
    model.add<nn::Linear>(name, layer.at_index(2).as_int(), layer.at_index(3).as_int(), generator,
                          options);
  }
  model.load_state_dict(wick::StateDict::from_value(request.at("state")));
  Tensor output;
  Tensor grad_input;
  for (std::int64_t pass = 0; pass < request.at("passes").as_int(); ++pass) {
    output = model.forward(input);
    grad_input = model.backward(request.at("grad_output").as_tensor().clone());
  }
  Dict grads;
  for (const auto& [name, parameter] : model.named_parameters()) {
    grads.set(name, parameter->grad.clone());
  }
  return Dict{{"output", output}, {"grad_input", grad_input}, {"grads", grads}};
}

}  // namespace

int main(int count, char** arguments) {
  return wick::testing::run_program(count, arguments,
                                    {{"cross_entropy", cross_entropy}, {"network", network}});
}
