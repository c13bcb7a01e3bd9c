// SPDX-License-Identifier: MIT
// Networks whose plans are watched: each layer by itself, and random ones.
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "wick/core/random.h"
#include "wick/core/tensor.h"
#include "wick/nn/inference_plan.h"
#include "wick/nn/module.h"

namespace wick::testing {

/// A network in eval mode, and the shapes of its inputs' samples.
struct Network {
  std::string name;
  std::unique_ptr<nn::Module> module;
  std::vector<Dims> samples;
};

/// Each row of the table of layers behind a Linear, which gives the plan its dtype, and behind a
/// Linear and an activation, so that it is not fused. Not all of them are for plans.
[[nodiscard]] std::vector<Network> layer_networks(DType dtype, Generator& generator);

/// Some twenty operations between values of several widths.
[[nodiscard]] Network random_network(DType dtype, std::mt19937& random, Generator& generator);

/// Linear layers of these widths with ReLU in between.
[[nodiscard]] Network mlp(const std::vector<std::int64_t>& widths, DType dtype,
                          Generator& generator);

/// Products (in float32), functions of each element, norms and a softmax, all of them large enough
/// to be shared among threads where there are 48 samples: 2 million multiplications, 64 Ki
/// elements.
[[nodiscard]] Network shared_network(DType dtype, Generator& generator);

/// A plan with its inputs and outputs of several batches.
class PlanRuns {
 public:
  /// `batches`: numbers of samples. Of each, one input of normal values, one with NaN, infinities,
  /// huge and subnormal ones among them, and one whose samples are apart.
  PlanRuns(const nn::InferencePlan& plan, const std::vector<std::int64_t>& batches,
           Generator& generator);

  /// For the thread that runs.
  void prepare() { plan_.prepare(workspace_); }
  /// `count` runs, of the batches in turn; by tensors and, where the numbers lie together, by
  /// spans.
  void run(int count);

 private:
  struct Call {
    std::vector<Tensor> inputs;
    std::vector<Tensor> outputs;
  };
  template <typename T>
  void run_spans(const Call& call);

  const nn::InferencePlan& plan_;
  nn::InferencePlan::Workspace workspace_;
  std::vector<Call> calls_;
};

}  // namespace wick::testing
