// SPDX-License-Identifier: MIT
// As wick.cpp, with LibTorch and a TorchScript module: it does not read a state dictionary.
#include <chrono>
#include <iostream>

#include <ATen/Parallel.h>
#include <torch/script.h>

#include "bench/embedding/peak_memory.h"

int main(int count, char** arguments) {
  using Clock = std::chrono::steady_clock;
  if (count < 2) return torch::empty({0}).numel() == 0 ? 0 : 1;
  const torch::NoGradGuard no_grad;
  at::set_num_threads(1);
  const auto begin = Clock::now();
  auto model = torch::jit::load(arguments[1]);
  model.eval();
  const auto loaded = Clock::now();
  const auto output = model.forward({torch::zeros({1, 784})}).toTensor();
  const auto done = Clock::now();
  using Microseconds = std::chrono::duration<double, std::micro>;
  std::cout << Microseconds(loaded - begin).count() << ' ' << Microseconds(done - loaded).count()
            << ' ' << output[0][0].item<float>() << ' ' << peak_bytes() << '\n';
}
