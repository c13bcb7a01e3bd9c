// SPDX-License-Identifier: MIT
// Clipped gradients and averaged models, as clip_and_average_parity.py wants them.
#include <utility>
#include <vector>

#include "tests/interop/program.h"
#include "wick/core/parameter_arena.h"
#include "wick/nn/averaged_model.h"
#include "wick/nn/layers/batch_norm.h"
#include "wick/nn/layers/linear.h"
#include "wick/nn/sequential.h"
#include "wick/optim/clip_grad.h"

namespace {

using wick::Dict;
using wick::List;
using wick::ParameterPtr;
using wick::Tensor;
using wick::Value;

/// Gradients, None where there is none; flat or each by itself.
Value clip_case(const Value& request) {
  const auto device = wick::Device::parse(request.at("device").as_string());
  std::vector<ParameterPtr> parameters;
  const auto& grads = request.at("grads").as_list();
  // The last one is there.
  const Tensor otherwise = Tensor::zeros({3}, grads.back().as_tensor().dtype());
  for (const Value& grad : grads) {
    const Tensor value = grad.is_none() ? otherwise : grad.as_tensor();
    parameters.push_back(wick::make_parameter(value.to(device)));
    parameters.back()->has_grad = !grad.is_none();
    if (!grad.is_none()) parameters.back()->grad.copy_(value);
  }
  if (request.at("flat").as_bool()) static_cast<void>(wick::ParameterArena(parameters));
  Dict answer;
  if (request.contains("clip_value")) {
    wick::optim::clip_grad_value_(parameters, request.at("clip_value").as_double());
  } else {
    answer.set("norm", wick::optim::clip_grad_norm_(parameters, request.at("max_norm").as_double(),
                                                    request.at("norm_type").as_double()));
  }
  List results;
  for (const ParameterPtr& parameter : parameters) {
    results.items.push_back(parameter->has_grad ? Value(parameter->grad.clone()) : Value());
  }
  answer.set("grads", std::move(results));
  return answer;
}

Value clip(const Value& request) {
  List answers;
  for (const Value& one : request.at("cases").as_list()) answers.items.push_back(clip_case(one));
  return Dict{{"answers", std::move(answers)}};
}

wick::nn::Sequential make_model() {
  wick::Generator generator(0);
  wick::nn::Sequential model;
  model.add<wick::nn::Linear>("0", 5, 4, generator);
  model.add<wick::nn::BatchNorm1d>("1", 4);
  model.add<wick::nn::Linear>("2", 4, 3, generator);
  return model;
}

/// A list of states of the model, perhaps a state of the average before them.
Value average_case(const Value& request) {
  wick::nn::Sequential model = make_model();
  wick::nn::AveragedModelOptions options;
  options.use_buffers = request.at("use_buffers").as_bool();
  if (!request.at("decay").is_none()) {
    options.avg_fn = wick::nn::get_ema_avg_fn(request.at("decay").as_double());
  }
  wick::nn::AveragedModel averaged(model, options);
  if (!request.at("state").is_none()) {
    averaged.load_state_dict(wick::StateDict::from_value(request.at("state")));
  }
  for (const Value& state : request.at("models").as_list()) {
    model.load_state_dict(wick::StateDict::from_value(state));
    averaged.update_parameters(model);
  }
  if (request.contains("batches")) {
    const auto& batches = request.at("batches").as_list();
    std::size_t next = 0;
    wick::nn::update_bn(
        [&] { return next < batches.size() ? batches[next++].as_tensor() : Tensor(); }, averaged);
  }
  return averaged.state_dict().to_value();
}

Value average(const Value& request) {
  List answers;
  for (const Value& one : request.at("cases").as_list()) answers.items.push_back(average_case(one));
  return Dict{{"answers", std::move(answers)}};
}

}  // namespace

int main(int count, char** arguments) {
  return wick::testing::run_program(count, arguments, {{"clip", clip}, {"average", average}});
}
