// SPDX-License-Identifier: MIT
// Runs the layers that layer_parity.py asks for.
#include "tests/interop/program.h"
#include "tests/nn/layer_cases.h"

namespace {

using wick::Dict;
using wick::List;
using wick::Tensor;
using wick::Value;

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

// A list of {'layer', 'input', 'state', 'grad_output'} to a list of {'output', 'grad_input', 'grad
// of ...'} and the buffers.
Value run_layers(const Value& request) {
  List answers;
  for (const Value& item : request.as_list()) {
    const auto& row = wick::testing::kLayerCases[item.at("layer").as_int()];
    const Tensor& input = item.at("input").as_tensor();
    wick::Generator generator;
    const auto layer = row.make({generator, input.dtype()});
    layer->load_state_dict(wick::StateDict::from_value(item.at("state")));
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

}  // namespace

int main(int count, char** arguments) {
  return wick::testing::run_program(count, arguments,
                                    {{"layers", layers}, {"run_layers", run_layers}});
}
