// SPDX-License-Identifier: MIT
// Runs the losses that loss_parity.py asks for.
#include "tests/interop/program.h"
#include "tests/nn/loss_cases.h"

namespace {

using wick::Dict;
using wick::Dims;
using wick::DType;
using wick::List;
using wick::Tensor;
using wick::Value;
namespace nn = wick::nn;

nn::Reduction reduction_of(const std::string& name) {
  if (name == "mean") return nn::Reduction::mean;
  if (name == "sum") return nn::Reduction::sum;
  return nn::Reduction::none;
}

// A list of {'loss', 'seed', 'reduction', 'batch', 'dtype' (an example of it)} to a list of the
// row's expression, the values that the loss was called with, and what it gave. The gradient by the
// losses is made here, too.
Value run_losses(const Value& request) {
  List answers;
  for (const Value& item : request.as_list()) {
    const auto& row = wick::testing::kLossCases[item.at("loss").as_int()];
    const DType dtype = item.at("dtype").as_tensor().dtype();
    Dims batch;
    for (const Value& size : item.at("batch").as_list()) batch.push_back(size.as_int());
    const auto seed = static_cast<std::uint64_t>(item.at("seed").as_int());
    const nn::Reduction reduction = reduction_of(item.at("reduction").as_string());
    wick::Generator generator(seed);
    const auto loss = row.make({generator, reduction, dtype});
    const wick::testing::LossCall call =
        wick::testing::make_call(row, *loss, batch, generator, dtype);
    const Tensor value = call.forward().clone();
    Tensor grad;
    if (reduction == nn::Reduction::none) {
      grad = Tensor::normal(value.shape(), 0.0, 1.0, generator, dtype);
    }
    Dict answer{{"torch", row.torch},
                {"input", call.input},
                {"target", call.target},
                {"loss", value},
                {"grad", call.backward(grad).clone()}};
    if (grad.defined()) answer.set("grad_output", grad);
    if (call.var.defined()) {
      answer.set("var", call.var);
      answer.set("grad_var", call.var_backward(grad).clone());
    }
    // The weights are the first that the generator draws.
    wick::Generator again(seed);
    const wick::testing::LossContext weights{again, reduction, dtype};
    const char* const names[] = {"w", "v"};
    for (int i = 0; i < row.weights; ++i) {
      answer.set(names[i], weights.weight(wick::testing::kLossClasses));
    }
    answers.items.emplace_back(std::move(answer));
  }
  return answers;
}

// How many rows the table has.
Value count(const Value& /*request*/) {
  return static_cast<std::int64_t>(std::size(wick::testing::kLossCases));
}

}  // namespace

int main(int argc, char** arguments) {
  return wick::testing::run_program(argc, arguments,
                                    {{"count", count}, {"run_losses", run_losses}});
}
