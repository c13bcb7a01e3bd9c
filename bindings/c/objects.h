// SPDX-License-Identifier: MIT
// What the handles of each kind stand for.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "bindings/c/call.h"
#include "wick/core/random.h"
#include "wick/core/tensor.h"
#include "wick/core/value.h"
#include "wick/nn/inference_plan.h"
#include "wick/nn/losses/loss.h"
#include "wick/nn/module.h"
#include "wick/nn/sequential.h"
#include "wick/optim/optimizer.h"

namespace wick::nn {
class GaussianNLLLoss;
}
namespace wick::optim {
class LBFGS;
}

namespace wick::c {

struct TensorEntry final : Object {
  using Handle = wick_tensor;
  static constexpr Kind kKind = Kind::tensor;
  static constexpr Use kUse = Use::shared;
  explicit TensorEntry(Tensor t) : tensor(std::move(t)) {}
  const Tensor tensor;
};

struct ValueEntry final : Object {
  using Handle = wick_value;
  static constexpr Kind kKind = Kind::value;
  static constexpr Use kUse = Use::shared;
  explicit ValueEntry(Value v) : value(std::move(v)) {}
  const Value value;
};

struct GeneratorEntry final : Object {
  using Handle = wick_generator;
  static constexpr Kind kKind = Kind::generator;
  static constexpr Use kUse = Use::exclusive;
  explicit GeneratorEntry(std::shared_ptr<Generator> g) : generator(std::move(g)) {}
  const std::shared_ptr<Generator> generator;  // which a Dropout has, too
};

struct ModuleEntry final : Object {
  using Handle = wick_module;
  static constexpr Kind kKind = Kind::module;
  static constexpr Use kUse = Use::exclusive;
  std::unique_ptr<nn::Module> module;
  nn::Sequential* sequential = nullptr;                // `module`, where it is one
  std::vector<std::shared_ptr<Generator>> generators;  // of the Dropouts in it
  std::string text;                                    // that was given out last
};

struct LossEntry final : Object {
  using Handle = wick_loss;
  static constexpr Kind kKind = Kind::loss;
  static constexpr Use kUse = Use::exclusive;
  std::unique_ptr<nn::Loss> loss;
  nn::GaussianNLLLoss* with_variance = nullptr;  // `loss`, where it is that one
};

struct OptimizerEntry final : Object {
  using Handle = wick_optimizer;
  static constexpr Kind kKind = Kind::optimizer;
  static constexpr Use kUse = Use::exclusive;
  std::unique_ptr<optim::Optimizer> optimizer;
  optim::LBFGS* lbfgs = nullptr;  // `optimizer`, where it is one
};

struct PlanEntry final : Object {
  using Handle = wick_plan;
  static constexpr Kind kKind = Kind::plan;
  static constexpr Use kUse = Use::shared;
  explicit PlanEntry(nn::InferencePlan p) : plan(std::move(p)) {}
  const nn::InferencePlan plan;
  std::mutex mutex;
  std::size_t workspaces = 0;  // as many as threads have run the plan at one time
  std::vector<nn::InferencePlan::Workspace> idle;
};

/// Puts a tensor into a new handle.
inline void put(const Result<TensorEntry>& result, Tensor tensor) {
  result = std::make_unique<TensorEntry>(std::move(tensor));
}
inline void put(const Result<ValueEntry>& result, Value value) {
  result = std::make_unique<ValueEntry>(std::move(value));
}

}  // namespace wick::c
