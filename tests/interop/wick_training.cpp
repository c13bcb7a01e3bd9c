// SPDX-License-Identifier: MIT
// Trains a network as training_parity.py asks: the same seed, data and order as the PyTorch program
// in that file.
#include <memory>
#include <utility>

#include "tests/interop/make_optimizer.h"
#include "tests/interop/program.h"
#include "wick/core/ops.h"
#include "wick/core/random.h"
#include "wick/nn/losses/cross_entropy_loss.h"
#include "wick/nn/sequential.h"
#include "wick/nn/transforms.h"
#include "wick/optim/cosine_annealing_lr.h"
#include "wick/optim/step_lr.h"

namespace {

using wick::Dict;
using wick::DType;
using wick::List;
using wick::Tensor;
using wick::Value;
namespace nn = wick::nn;
namespace optim = wick::optim;

std::unique_ptr<optim::LRScheduler> make_scheduler(const Value& given,
                                                   optim::Optimizer& optimizer) {
  if (given.is_none()) return nullptr;
  const std::string& name = given.at("name").as_string();
  const Value& options = given.at("options");
  if (name == "StepLR") {
    return std::make_unique<optim::StepLR>(optimizer, options.at("step_size").as_int(),
                                           options.at("gamma").as_double());
  }
  return std::make_unique<optim::CosineAnnealingLR>(optimizer, options.at("T_max").as_int(),
                                                    options.at("eta_min").as_double());
}

Value clones(const nn::Module& model) {
  Dict result;
  for (const auto& [name, tensor] : model.state_dict()) result.set(name, tensor.clone());
  return result;
}

Value train(const Value& request) {
  const auto device = wick::Device::parse(request.at("device").as_string());
  const Tensor images = request.at("images").as_tensor().to(device);
  const Tensor labels = request.at("labels").as_tensor().to(device);
  const std::int64_t batch = request.at("batch").as_int();
  const std::int64_t first = request.at("first_step").as_int();
  const std::int64_t last = first + request.at("steps").as_int();

  wick::Generator generator(static_cast<std::uint64_t>(request.at("seed").as_int()));
  nn::Sequential model;
  model.add<nn::Linear>("fc1", images.numel() / images.size(0), 32, generator);
  model.add<nn::ReLU>("relu");
  model.add<nn::Linear>("fc2", 32, 10, generator);
  model.to(device);
  if (request.at("autocast").as_bool()) model.autocast(DType::bfloat16);
  nn::Compose transforms{{"to_float", nn::ToFloat{}}, {"ravel", nn::Ravel{}}};
  nn::CrossEntropyLoss criterion;
  const std::unique_ptr<optim::Optimizer> optimizer =
      wick::testing::make_optimizer(model.parameters(), request.at("optimizer"));
  const auto scheduler = make_scheduler(request.at("scheduler"), *optimizer);
  const Value initial = clones(model);
  Value first_grads;
  if (const Value& resume = request.at("resume"); !resume.is_none()) {
    model.load_state_dict(wick::StateDict::from_value(resume.at("model")));
    optimizer->load_state_dict(resume.at("opt"));
    if (scheduler != nullptr) scheduler->load_state_dict(resume.at("scheduler"));
  }

  const std::int64_t batches = images.size(0) / batch;
  const std::int64_t features = model.named_parameters()[0].second->value.size(1);
  const Tensor inputs = Tensor::empty({batch, features}, DType::float32, device);
  const Tensor targets = Tensor::empty({batch}, DType::int64, device);
  Tensor order;
  List orders;
  List losses;
  List rates;
  for (std::int64_t step = 0; step < last; ++step) {
    if (step % batches == 0) {
      order = generator.randperm(images.size(0));
      orders.items.emplace_back(order);
      order = order.to(device);
    }
    if (step < first) continue;  // trained already, before the checkpoint
    const Tensor chosen = order.slice(0, step % batches * batch, (step % batches + 1) * batch);
    transforms.apply_gathered(images, chosen, inputs);
    wick::ops::index_select(labels, chosen, targets);
    optimizer->zero_grad();
    losses.items.emplace_back(
        static_cast<double>(criterion.forward(model.forward(inputs), targets).item<float>()));
    model.backward(criterion.backward(), false);
    if (step == first) {
      Dict grads;
      for (const auto& [name, parameter] : model.named_parameters()) {
        grads.set(name, parameter->grad.clone());
      }
      first_grads = std::move(grads);
    }
    rates.items.emplace_back(optimizer->lr());
    optimizer->step();
    if (scheduler != nullptr) scheduler->step();
  }
  Dict answer{{"initial", initial},
              {"first_grads", first_grads},
              {"orders", orders},
              {"losses", losses},
              {"rates", rates},
              {"model", model.state_dict().to_value()},
              {"opt", optimizer->state_dict()}};
  if (scheduler != nullptr) answer.set("scheduler", scheduler->state_dict());
  return answer;
}

}  // namespace

int main(int count, char** arguments) {
  return wick::testing::run_program(count, arguments, {{"train", train}});
}
