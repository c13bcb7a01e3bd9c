// SPDX-License-Identifier: MIT
// Runs the losses that loss_parity.py asks for, and trains with them.
#include <numeric>

#include "tests/interop/make_optimizer.h"
#include "tests/interop/program.h"
#include "tests/nn/loss_cases.h"
#include "wick/nn/graph.h"
#include "wick/nn/layers/activation.h"
#include "wick/nn/layers/linear.h"
#include "wick/nn/layers/reshape.h"
#include "wick/nn/layers/softmax.h"

namespace {

using wick::Dict;
using wick::Dims;
using wick::DType;
using wick::List;
using wick::Tensor;
using wick::Value;
using wick::testing::LossRow;
using wick::testing::Range;
namespace nn = wick::nn;

nn::Reduction reduction_of(const std::string& name) {
  if (name == "mean") return nn::Reduction::mean;
  if (name == "sum") return nn::Reduction::sum;
  return nn::Reduction::none;
}

Dims batch_of(const Value& item) {
  Dims batch;
  for (const Value& size : item.at("batch").as_list()) batch.push_back(size.as_int());
  return batch;
}

// The weights are the first that the generator draws.
void add_weights(Dict& answer, const LossRow& row, std::uint64_t seed, DType dtype) {
  wick::Generator generator(seed);
  const wick::testing::LossContext weights{generator, nn::Reduction::mean, dtype};
  const char* const names[] = {"w", "v"};
  for (int i = 0; i < row.weights; ++i) {
    answer.set(names[i], weights.weight(wick::testing::kLossClasses));
  }
}

// A list of {'loss', 'seed', 'reduction', 'batch', 'dtype' (an example of it)} to a list of the
// row's expression, the values that the loss was called with, and what it gave. The gradient by the
// losses is made here, too.
Value run_losses(const Value& request) {
  List answers;
  for (const Value& item : request.as_list()) {
    const auto& row = wick::testing::kLossCases[item.at("loss").as_int()];
    const DType dtype = item.at("dtype").as_tensor().dtype();
    const Dims batch = batch_of(item);
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
    add_weights(answer, row, seed, dtype);
    answers.items.emplace_back(std::move(answer));
  }
  return answers;
}

// The sum of products, in float64.
Tensor weighted_sum(const Tensor& values, const Tensor& weights) {
  const auto a = values.to(DType::float64).to_vector<double>();
  const auto b = weights.to(DType::float64).to_vector<double>();
  return Tensor::scalar(std::inner_product(a.begin(), a.end(), b.begin(), 0.0));
}

const char* name_of(Range range) {
  switch (range) {
    case Range::unit: return "unit";
    case Range::positive: return "positive";
    case Range::logarithm: return "logarithm";
    default: return "any";
  }
}

// The dimension along which probabilities add up to 1.
std::int64_t class_dim(const LossRow& row) {
  return row.has_classes() ? 1 : -1;
}

std::unique_ptr<nn::Module> to_range(const LossRow& row) {
  switch (row.input) {
    case Range::unit: return std::make_unique<nn::Sigmoid>();
    case Range::positive: return std::make_unique<nn::Softplus>();
    case Range::logarithm: return std::make_unique<nn::LogSoftmax>(class_dim(row));
    default: return std::make_unique<nn::Identity>();
  }
}

// From (N, features) to outputs (N, shape) where the loss wants them, and variances, if it does.
nn::Graph make_network(const LossRow& row, std::int64_t features, const Dims& shape,
                       wick::Generator& generator, DType dtype) {
  constexpr std::int64_t kHidden = 6;
  const std::int64_t count = wick::element_count(shape);
  const nn::LinearOptions options{.dtype = dtype};
  nn::Graph graph;
  const auto body =
      graph.call<nn::Linear>("body", graph.input(), features, kHidden, generator, options);
  const auto h = graph.call<nn::Tanh>("tanh", body);
  const auto head = graph.call<nn::Linear>("head", h, kHidden, count, generator, options);
  graph.output(
      graph.append("to_range", to_range(row), graph.call<nn::Unflatten>("shape", head, 1, shape)));
  if (!row.variance) return graph;
  const auto var = graph.call<nn::Linear>("var_head", h, kHidden, count, generator, options);
  graph.output(
      graph.call<nn::Unflatten>("var_shape", graph.call<nn::Softplus>("softplus", var), 1, shape));
  return graph;
}

// A list of {'loss', 'seed', 'reduction', 'batch', 'dtype', 'features', 'steps', 'optimizer'} to a
// list of what PyTorch needs for the same run, the 'losses' and the 'state' in the end. With the
// reduction 'none', the losses are summed with the factors 'grad_output'.
Value train_losses(const Value& request) {
  List answers;
  for (const Value& item : request.as_list()) {
    const auto& row = wick::testing::kLossCases[item.at("loss").as_int()];
    const DType dtype = item.at("dtype").as_tensor().dtype();
    const auto seed = static_cast<std::uint64_t>(item.at("seed").as_int());
    wick::Generator generator(seed);
    const auto loss = row.make({generator, reduction_of(item.at("reduction").as_string()), dtype});
    const Dims shape = wick::testing::loss_input_shape(row, batch_of(item));
    Dims sample = shape;
    sample.erase(0);
    const std::int64_t features = item.at("features").as_int();
    nn::Graph model = make_network(row, features, sample, generator, dtype);
    Dict initial;
    for (const auto& [name, tensor] : model.state_dict()) initial.set(name, tensor.clone());

    const std::int64_t steps = item.at("steps").as_int();
    const Tensor inputs = Tensor::normal({steps, shape[0], features}, 0.0, 1.0, generator, dtype);
    List targets;
    for (std::int64_t step = 0; step < steps; ++step) {
      targets.items.emplace_back(wick::testing::loss_target(row, shape, generator, dtype));
    }
    const auto optimizer = wick::testing::make_optimizer(model.parameters(), item.at("optimizer"));
    const Tensor losses = Tensor::zeros({steps}, DType::float64);
    Tensor grad;
    for (std::int64_t step = 0; step < steps; ++step) {
      optimizer->zero_grad();
      const Tensor x = inputs[step];
      const auto outputs = model.forward_all({&x, 1});
      const wick::testing::LossCall call{loss.get(), row.variance, outputs[0],
                                         targets.items[static_cast<std::size_t>(step)].as_tensor(),
                                         row.variance ? outputs[1] : Tensor()};
      const Tensor value = call.forward();
      if (value.dim() > 0 && !grad.defined()) {
        grad = Tensor::uniform(value.shape(), 0.5, 1.5, generator, dtype);
      }
      losses[step].copy_(grad.defined() ? weighted_sum(value, grad) : value);
      std::vector<Tensor> grads = {call.backward(grad)};
      if (row.variance) grads.push_back(call.var_backward(grad));
      (void)model.backward_all(grads, false);
      optimizer->step();
    }
    List sizes;
    for (const std::int64_t size : sample) sizes.items.emplace_back(size);
    Dict answer{{"torch", row.torch},       {"range", name_of(row.input)},
                {"dim", class_dim(row)},    {"shape", sizes},
                {"variance", row.variance}, {"initial", initial},
                {"inputs", inputs},         {"targets", targets},
                {"losses", losses},         {"state", model.state_dict().to_value()}};
    if (grad.defined()) answer.set("grad_output", grad);
    add_weights(answer, row, seed, dtype);
    answers.items.emplace_back(std::move(answer));
  }
  return answers;
}

// A list of {'loss', 'reduction', 'dtype', 'seed', 'input', 'target', 'var' (or None)} to a list of
// losses, or errors {'kind', 'text'}.
Value try_losses(const Value& request) {
  List answers;
  for (const Value& item : request.as_list()) {
    answers.items.push_back(wick::testing::or_error([&]() -> Value {
      const auto& row = wick::testing::kLossCases[item.at("loss").as_int()];
      wick::Generator generator(static_cast<std::uint64_t>(item.at("seed").as_int()));
      const auto loss = row.make({generator, reduction_of(item.at("reduction").as_string()),
                                  item.at("dtype").as_tensor().dtype()});
      const Value& var = item.at("var");
      const wick::testing::LossCall call{loss.get(), row.variance, item.at("input").as_tensor(),
                                         item.at("target").as_tensor(),
                                         var.is_none() ? Tensor() : var.as_tensor()};
      return call.forward().clone();
    }));
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
                                    {{"count", count},
                                     {"run_losses", run_losses},
                                     {"train_losses", train_losses},
                                     {"try_losses", try_losses}});
}
