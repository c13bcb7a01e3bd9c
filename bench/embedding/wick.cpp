// SPDX-License-Identifier: MIT
// Loads a checkpoint of PyTorch and predicts once. Prints microseconds: of loading, of the first
// inference; an output; peak bytes. Without an argument it does nothing: its start alone is timed.
#include <chrono>
#include <iostream>

#include <wick/wick.h>

#include "bench/embedding/peak_memory.h"

int main(int count, char** arguments) {
  using Clock = std::chrono::steady_clock;
  if (count < 2) return wick::version().empty() ? 1 : 0;
  const auto begin = Clock::now();
  const auto checkpoint = wick::load(arguments[1]);
  const auto model = wick::nn::Sequential::from_state_dict(
      wick::StateDict::from_value(checkpoint.at("model")), "ReLU");
  const auto plan = wick::nn::compile(*model, std::vector<wick::Dims>{{784}}, 1);
  auto workspace = plan.make_workspace();
  const auto loaded = Clock::now();
  const auto output = wick::Tensor::empty({1, 10});
  plan.run(wick::Tensor::zeros({1, 784}), output, workspace);
  const auto done = Clock::now();
  using Microseconds = std::chrono::duration<double, std::micro>;
  std::cout << Microseconds(loaded - begin).count() << ' ' << Microseconds(done - loaded).count()
            << ' ' << output.at<float>({0, 0}) << ' ' << peak_bytes() << '\n';
}
