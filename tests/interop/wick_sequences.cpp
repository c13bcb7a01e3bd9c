// SPDX-License-Identifier: MIT
// Runs recurrent layers with states and lengths, and attention with masks, as sequence_parity.py
// says.
#include "tests/interop/gpt.h"
#include "tests/interop/make_optimizer.h"
#include "tests/interop/program.h"
#include "wick/core/error.h"
#include "wick/core/ops_attention.h"
#include "wick/nn/layers/multihead_attention.h"
#include "wick/nn/layers/recurrent.h"
#include "wick/nn/layers/recurrent_cell.h"
#include "wick/nn/layers/transformer_encoder.h"
#include "wick/nn/losses/cross_entropy_loss.h"
#include "wick/nn/make_module.h"
#include "wick/nn/recurrent_stream.h"

namespace {

using wick::Dict;
using wick::List;
using wick::StateDict;
using wick::Tensor;
using wick::Value;
namespace nn = wick::nn;

Tensor tensor_of(const Value& item, const char* name) {
  if (!item.contains(name) || item.at(name).is_none()) return {};
  return item.at(name).as_tensor();
}

std::unique_ptr<nn::Module> make_layer(const Value& item) {
  wick::Generator generator;
  auto layer =
      nn::make_module(item.at("type").as_string(), item.at("options").as_dict(), generator);
  layer->load_state_dict(StateDict::from_value(item.at("state")));
  layer->train(item.at("training").as_bool());
  return layer;
}

void add_gradients(Dict& answer, const nn::Module& layer) {
  for (const auto& [name, parameter] : layer.named_parameters()) {
    answer.set("grad of " + name, parameter->grad.clone());
  }
}

void set(Dict& answer, const char* name, const Tensor& tensor) {
  if (tensor.defined()) answer.set(name, tensor.clone());
}

// A list of {'type', 'options', 'seed'} to the states of new layers.
Value initial_states(const Value& request) {
  List answers;
  for (const Value& item : request.as_list()) {
    wick::Generator generator(static_cast<std::uint64_t>(item.at("seed").as_int()));
    answers.items.emplace_back(
        nn::make_module(item.at("type").as_string(), item.at("options").as_dict(), generator)
            ->state_dict()
            .to_value());
  }
  return answers;
}

// RNN, LSTM and GRU with 'input', 'h_0', 'c_0', 'lengths', and the gradients 'grad_output',
// 'grad_h', 'grad_c'.
Value run_recurrent(const Value& request) {
  List answers;
  for (const Value& item : request.as_list()) {
    answers.items.push_back(wick::testing::or_error([&]() -> Value {
      const auto layer = make_layer(item);
      auto& rnn = static_cast<nn::RNNBase&>(*layer);
      std::vector<std::int64_t> lengths;
      if (const Tensor given = tensor_of(item, "lengths"); given.defined()) {
        lengths = given.to_vector<std::int64_t>();
      }
      const auto result = rnn.forward(tensor_of(item, "input"),
                                      {tensor_of(item, "h_0"), tensor_of(item, "c_0")}, lengths);
      Dict answer{{"output", result.output.clone()}, {"h_n", result.state.h.clone()}};
      set(answer, "c_n", result.state.c);
      const auto grads = rnn.backward(tensor_of(item, "grad_output"),
                                      {tensor_of(item, "grad_h"), tensor_of(item, "grad_c")});
      set(answer, "grad_input", grads.input);
      set(answer, "grad_h_0", grads.initial.h);
      set(answer, "grad_c_0", grads.initial.c);
      add_gradients(answer, rnn);
      return answer;
    }));
  }
  return answers;
}

// RNNCell, LSTMCell and GRUCell, likewise.
Value run_cells(const Value& request) {
  List answers;
  for (const Value& item : request.as_list()) {
    const auto layer = make_layer(item);
    auto& cell = static_cast<nn::RNNCellBase&>(*layer);
    const auto result =
        cell.forward(tensor_of(item, "input"), {tensor_of(item, "h_0"), tensor_of(item, "c_0")});
    Dict answer{{"h_n", result.h.clone()}};
    set(answer, "c_n", result.c);
    const auto grads =
        cell.backward(nn::RecurrentState{tensor_of(item, "grad_h"), tensor_of(item, "grad_c")});
    set(answer, "grad_input", grads.input);
    set(answer, "grad_h_0", grads.initial.h);
    set(answer, "grad_c_0", grads.initial.c);
    add_gradients(answer, cell);
    answers.items.emplace_back(std::move(answer));
  }
  return answers;
}

// An unbatched 'input' (steps, ...) step by step, from 'h_0' and 'c_0'.
Value run_streams(const Value& request) {
  List answers;
  for (const Value& item : request.as_list()) {
    const auto layer = make_layer(item);
    nn::RecurrentStream stream(static_cast<nn::RNNBase&>(*layer));
    stream.set_state({tensor_of(item, "h_0"), tensor_of(item, "c_0")});
    const Tensor input = tensor_of(item, "input");
    const Tensor output = Tensor::empty({input.size(0), stream.output_size()}, input.dtype());
    wick::visit_arithmetic(input.dtype(), "stream", [&]<typename T>(wick::TypeTag<T>) {
      const auto inputs = static_cast<std::size_t>(stream.input_size());
      const auto outputs = static_cast<std::size_t>(stream.output_size());
      for (std::int64_t t = 0; t < input.size(0); ++t) {
        stream.step(std::span<const T>(input[t].data<T>(), inputs),
                    std::span<T>(output[t].data<T>(), outputs));
      }
    });
    Dict answer{{"output", output}, {"h_n", stream.state().h}};
    set(answer, "c_n", stream.state().c);
    answers.items.emplace_back(std::move(answer));
  }
  return answers;
}

// MultiheadAttention with 'query', 'key', 'value' (None: the query), 'attn_mask',
// 'key_padding_mask', 'is_causal' and 'grad_output'.
Value run_attention(const Value& request) {
  List answers;
  for (const Value& item : request.as_list()) {
    answers.items.push_back(wick::testing::or_error([&]() -> Value {
      const auto layer = make_layer(item);
      auto& attention = static_cast<nn::MultiheadAttention&>(*layer);
      const Tensor query = tensor_of(item, "query");
      const Tensor key = tensor_of(item, "key");
      const Tensor value = tensor_of(item, "value");
      const Tensor output =
          attention.forward(query, key.defined() ? key : query, value.defined() ? value : query,
                            {tensor_of(item, "key_padding_mask"), tensor_of(item, "attn_mask"),
                             item.at("is_causal").as_bool()});
      Dict answer{{"output", output.clone()}};
      const auto grads = attention.backward_all(tensor_of(item, "grad_output"));
      set(answer, "grad_query", grads.query);
      set(answer, "grad_key", grads.key);
      set(answer, "grad_value", grads.value);
      add_gradients(answer, attention);
      return answer;
    }));
  }
  return answers;
}

// TransformerEncoderLayer, or, with 'num_layers', a TransformerEncoder of so many, with a norm if
// 'norm' is true.
Value run_encoders(const Value& request) {
  List answers;
  for (const Value& item : request.as_list()) {
    wick::Generator generator;
    const auto made =
        nn::make_module(item.at("type").as_string(), item.at("options").as_dict(), generator);
    auto& layer = static_cast<nn::TransformerEncoderLayer&>(*made);
    const nn::EncoderMasks masks{tensor_of(item, "attn_mask"), tensor_of(item, "key_padding_mask"),
                                 item.at("is_causal").as_bool()};
    const Tensor x = tensor_of(item, "query");
    const auto run = [&](auto& module) {
      module.load_state_dict(StateDict::from_value(item.at("state")));
      module.train(item.at("training").as_bool());
      Dict answer{{"output", module.forward(x, masks).clone()}};
      answer.set("grad_query", module.backward(tensor_of(item, "grad_output")).clone());
      add_gradients(answer, module);
      answers.items.emplace_back(std::move(answer));
    };
    if (item.at("num_layers").is_none()) {
      run(layer);
      continue;
    }
    std::unique_ptr<nn::LayerNorm> norm;
    if (item.at("norm").as_bool()) {
      norm = std::make_unique<nn::LayerNorm>(x.size(-1), nn::LayerNormOptions{.dtype = x.dtype()});
    }
    nn::TransformerEncoder encoder(layer, item.at("num_layers").as_int(), std::move(norm));
    run(encoder);
  }
  return answers;
}

// 'query', 'key' and 'value' of four dimensions, 'mask', 'is_causal', 'scale', 'grad_output'.
Value run_products(const Value& request) {
  List answers;
  for (const Value& item : request.as_list()) {
    const Tensor query = tensor_of(item, "query");
    const Tensor key = tensor_of(item, "key");
    const Tensor value = tensor_of(item, "value");
    const Tensor mask = tensor_of(item, "mask");
    const Tensor grad = tensor_of(item, "grad_output");
    wick::ops::AttentionOptions options;
    options.mask = mask.defined() ? &mask : nullptr;
    options.is_causal = item.at("is_causal").as_bool();
    if (!item.at("scale").is_none()) options.scale = item.at("scale").as_double();
    const Tensor sums = Tensor::empty({query.size(0), query.size(1), query.size(2)}, query.dtype());
    const Tensor deltas = Tensor::empty_like(sums);
    const Tensor output = Tensor::empty(grad.shape(), query.dtype());
    wick::ops::attention(query, key, value, output, &sums, options);
    const Tensor grad_query = Tensor::empty(query.shape(), query.dtype());
    const Tensor grad_key = Tensor::empty(key.shape(), query.dtype());
    const Tensor grad_value = Tensor::empty(value.shape(), query.dtype());
    wick::ops::attention_backward(grad, query, key, value,
                                  {.output = &output,
                                   .log_sums = &sums,
                                   .deltas = &deltas,
                                   .query = &grad_query,
                                   .key = &grad_key,
                                   .value = &grad_value},
                                  options);
    answers.items.emplace_back(
        Dict{{"output", output},
             {"function", wick::ops::scaled_dot_product_attention(
                              query, key, value, options.mask, options.is_causal, options.scale)},
             {"grad_query", grad_query},
             {"grad_key", grad_key},
             {"grad_value", grad_value}});
  }
  return answers;
}

// A list of GPTs with 'sizes', 'state', 'data' (steps, batch, context + 1), 'optimizer' and 'seed',
// which is that of the dropouts' masks, to the losses of the steps.
Value train_gpts(const Value& request) {
  List answers;
  for (const Value& item : request.as_list()) {
    const Value& sizes = item.at("sizes");
    const Tensor& data = item.at("data").as_tensor();
    wick::Generator generator;
    wick::testing::Gpt model({.tokens = sizes.at("tokens").as_int(),
                              .context = sizes.at("context").as_int(),
                              .width = sizes.at("width").as_int(),
                              .heads = sizes.at("heads").as_int(),
                              .layers = sizes.at("layers").as_int(),
                              .dropout = sizes.at("dropout").as_double(),
                              .dtype = item.at("dtype").as_dtype()},
                             generator);
    model.load_state_dict(StateDict::from_value(item.at("state")));
    generator.manual_seed(static_cast<std::uint64_t>(item.at("seed").as_int()));
    const auto optimizer = wick::testing::make_optimizer(model.parameters(), item.at("optimizer"));
    nn::CrossEntropyLoss criterion;
    List losses;
    for (std::int64_t step = 0; step < data.size(0); ++step) {
      const std::int64_t context = data.size(2) - 1;
      const Tensor x = data[step].slice(1, 0, context).contiguous();
      const Tensor y = data[step].slice(1, 1).contiguous().flatten();
      optimizer->zero_grad();
      losses.items.emplace_back(
          criterion.forward(model.forward(x), y).to(wick::DType::float64).item<double>());
      model.backward(criterion.backward(), false);
      optimizer->step();
    }
    answers.items.emplace_back(std::move(losses));
  }
  return answers;
}

}  // namespace

int main(int count, char** arguments) {
  return wick::testing::run_program(count, arguments,
                                    {{"initial_states", initial_states},
                                     {"run_recurrent", run_recurrent},
                                     {"run_cells", run_cells},
                                     {"run_streams", run_streams},
                                     {"run_attention", run_attention},
                                     {"run_encoders", run_encoders},
                                     {"run_products", run_products},
                                     {"train_gpts", train_gpts}});
}
