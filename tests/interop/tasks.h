// SPDX-License-Identifier: MIT
// What the networks of graph_parity.py are trained for.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/interop/networks.h"
#include "wick/core/error.h"
#include "wick/core/value.h"
#include "wick/nn/losses/cross_entropy_loss.h"
#include "wick/nn/losses/pointwise_loss.h"

namespace wick::testing {

/// The data of one step: {name: tensor (steps, ...)}.
class Batch {
 public:
  Batch(const Value& data, std::int64_t step) : data_(data), step_(step) {}
  [[nodiscard]] Tensor operator[](const char* name) const {
    return data_.at(name).as_tensor()[step_];
  }

 private:
  const Value& data_;
  std::int64_t step_;
};

[[nodiscard]] inline std::vector<double> numbers(const Tensor& tensor) {
  return tensor.to(DType::float64).to_vector<double>();
}

/// A network in training.
class Task {
 public:
  virtual ~Task() = default;
  [[nodiscard]] virtual nn::Module& model() = 0;
  /// Another network of the checkpoint; null where there is none.
  [[nodiscard]] virtual nn::Module* target() { return nullptr; }
  [[nodiscard]] virtual std::vector<Tensor> inputs(const Batch& batch) const {
    return {batch["x"]};
  }
  /// Whether nn::compile() takes the network.
  [[nodiscard]] virtual bool is_compiled() const { return true; }
  /// One forward and one backward pass; returns the loss.
  virtual double learn(const Batch& batch) = 0;
  /// After the optimizer's step; may add losses to the curve.
  virtual void finish_step(std::int64_t /*step*/, const Batch& /*batch*/, List& /*curve*/) {}
  [[nodiscard]] virtual std::vector<Tensor> forward(const std::vector<Tensor>& inputs) {
    return {model().forward(inputs[0])};
  }
};

/// The mean of a loss of each output.
class GraphTask : public Task {
 public:
  struct Head {
    std::unique_ptr<nn::Loss> loss;
    const char* target;
  };
  GraphTask(nn::Graph graph, std::vector<const char*> inputs, std::vector<Head> heads)
      : graph_(std::move(graph)), inputs_(std::move(inputs)), heads_(std::move(heads)) {}

  [[nodiscard]] nn::Module& model() override { return graph_; }
  [[nodiscard]] bool is_compiled() const override { return inputs_.size() == 1; }
  [[nodiscard]] std::vector<Tensor> inputs(const Batch& batch) const override {
    std::vector<Tensor> result;
    for (const char* const name : inputs_) result.push_back(batch[name]);
    return result;
  }
  [[nodiscard]] std::vector<Tensor> forward(const std::vector<Tensor>& inputs) override {
    const auto outputs = graph_.forward_all(inputs);
    return {outputs.begin(), outputs.end()};
  }
  double learn(const Batch& batch) override {
    const std::vector<Tensor> outputs = forward(inputs(batch));
    double sum = 0.0;
    std::vector<Tensor> grads;
    for (std::size_t i = 0; i < heads_.size(); ++i) {
      sum += numbers(heads_[i].loss->forward(outputs[i], batch[heads_[i].target])).front();
      grads.push_back(std::as_const(*heads_[i].loss).backward());
    }
    (void)graph_.backward_all(grads, false);
    return sum;
  }

 private:
  nn::Graph graph_;
  std::vector<const char*> inputs_;
  std::vector<Head> heads_;
};

class SequentialTask : public Task {
 public:
  SequentialTask(nn::Sequential model, std::unique_ptr<nn::Loss> loss, const char* target)
      : model_(std::move(model)), loss_(std::move(loss)), target_(target) {}

  [[nodiscard]] nn::Module& model() override { return model_; }
  double learn(const Batch& batch) override {
    const double loss = numbers(loss_->forward(model_.forward(batch["x"]), batch[target_])).front();
    model_.backward(std::as_const(*loss_).backward(), false);
    return loss;
  }

 protected:
  nn::Sequential model_;
  std::unique_ptr<nn::Loss> loss_;
  const char* target_;
};

/// Every fifth step, the curve has the loss in eval mode, too.
class ValidatedTask final : public SequentialTask {
 public:
  using SequentialTask::SequentialTask;
  void finish_step(std::int64_t step, const Batch& batch, List& curve) override {
    if (step % 5 != 4) return;
    const nn::NoGradGuard guard;
    model_.eval();
    curve.items.emplace_back(
        numbers(loss_->forward(model_.forward(batch["next"]), batch[target_])).front());
    model_.train();
  }
};

/// Q-learning: the target is a second network, which follows the first one slowly.
class DqnTask final : public Task {
 public:
  explicit DqnTask(nn::Sequential model) : model_(std::move(model)), target_(nn::clone(model_)) {
    target_->requires_grad_(false);
  }
  [[nodiscard]] nn::Module& model() override { return model_; }
  [[nodiscard]] nn::Module* target() override { return target_.get(); }

  double learn(const Batch& batch) override {
    const Tensor q = model_.forward(batch["x"]);
    const auto values = numbers(q);
    const auto next = next_values(batch["next"]);
    const auto rewards = numbers(batch["reward"]);
    const auto done = numbers(batch["done"]);
    const auto actions = batch["labels"].to_vector<std::int64_t>();
    const auto columns = static_cast<std::size_t>(q.size(1));
    std::vector<double> chosen;
    std::vector<double> wanted;
    for (std::size_t i = 0; i < actions.size(); ++i) {
      chosen.push_back(values[i * columns + static_cast<std::size_t>(actions[i])]);
      wanted.push_back(rewards[i] + 0.9 * (1.0 - done[i]) * next[i]);
    }
    const Dims shape{q.size(0)};
    const double loss = numbers(loss_.forward(Tensor::from(chosen, shape).to(q.dtype()),
                                              Tensor::from(wanted, shape).to(q.dtype())))
                            .front();
    const auto by_chosen = numbers(std::as_const(loss_).backward());
    std::vector<double> grad(values.size(), 0.0);
    for (std::size_t i = 0; i < actions.size(); ++i) {
      grad[i * columns + static_cast<std::size_t>(actions[i])] = by_chosen[i];
    }
    model_.backward(Tensor::from(grad, q.shape()).to(q.dtype()), false);
    return loss;
  }

  // By hand until there is a Tensor::lerp_.
  void finish_step(std::int64_t /*step*/, const Batch& /*batch*/, List& /*curve*/) override {
    const auto from = model_.parameters();
    const auto to = target_->parameters();
    for (std::size_t i = 0; i < from.size(); ++i) {
      const auto source = numbers(from[i]->value);
      auto values = numbers(to[i]->value);
      for (std::size_t k = 0; k < values.size(); ++k) values[k] += 0.05 * (source[k] - values[k]);
      to[i]->value.copy_(Tensor::from(values, to[i]->value.shape()));
    }
  }

 private:
  [[nodiscard]] std::vector<double> next_values(const Tensor& observations) {
    const nn::NoGradGuard guard;
    const Tensor q = target_->forward(observations);
    std::vector<double> best;
    for (std::int64_t row = 0; row < q.size(0); ++row) {
      const auto values = numbers(q[row]);
      best.push_back(*std::ranges::max_element(values));
    }
    return best;
  }

  nn::Sequential model_;
  std::unique_ptr<nn::Sequential> target_;
  nn::HuberLoss loss_;
};

/// Throws ValueError for a name that is none of graph_parity.py's.
[[nodiscard]] inline std::unique_ptr<Task> make_task(const std::string& name,
                                                     const Networks& networks) {
  const auto cross_entropy = [] { return std::make_unique<nn::CrossEntropyLoss>(); };
  const auto mse = [] { return std::make_unique<nn::MSELoss>(); };
  const auto graph = [](nn::Graph network, std::vector<const char*> inputs, auto... heads) {
    std::vector<GraphTask::Head> list;
    (list.push_back({std::move(heads.first), heads.second}), ...);
    return std::make_unique<GraphTask>(std::move(network), std::move(inputs), std::move(list));
  };
  if (name == "residual") {
    return graph(networks.residual(), {"x"}, std::pair(cross_entropy(), "labels"));
  }
  if (name == "actor_critic") {
    return graph(networks.actor_critic(), {"x"}, std::pair(cross_entropy(), "labels"),
                 std::pair(mse(), "values"));
  }
  if (name == "autoencoder") {
    return graph(networks.autoencoder(), {"x"}, std::pair(mse(), "x"));
  }
  if (name == "categories") {
    return graph(networks.categories(), {"x", "colour", "size"},
                 std::pair(std::make_unique<nn::BCEWithLogitsLoss>(), "answers"));
  }
  if (name == "norm_mlp") {
    return std::make_unique<SequentialTask>(networks.norm_mlp(), cross_entropy(), "labels");
  }
  if (name == "regressor") {
    return std::make_unique<SequentialTask>(networks.regressor(), std::make_unique<nn::HuberLoss>(),
                                            "values");
  }
  if (name == "batch_norm") {
    return std::make_unique<ValidatedTask>(networks.batch_norm(), cross_entropy(), "labels");
  }
  if (name == "conv_net") {
    return std::make_unique<SequentialTask>(networks.conv_net(), cross_entropy(), "labels");
  }
  if (name == "dqn") return std::make_unique<DqnTask>(networks.dqn());
  throw ValueError("no network " + name);
}

}  // namespace wick::testing
