// SPDX-License-Identifier: MIT
// Times an inference plan on one batch. Prints the mean microseconds of a run, one line for each
// round; bench/compare.py alternates these rounds with other engines'.
#include <chrono>
#include <cmath>
#include <iostream>
#include <string>
#include <vector>

#include "wick/core/error.h"
#include "wick/core/random.h"
#include "wick/kernels/devices.h"
#include "wick/nn/inference_plan.h"
#include "wick/nn/sequential.h"

namespace wick {
namespace {

// A fast wrong answer is no result.
void require_equal(const Tensor& actual, const Tensor& expected) {
  const std::vector<float> left = actual.to_vector<float>();
  const std::vector<float> right = expected.to_vector<float>();
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (!(std::fabs(left[i] - right[i]) <= 1e-4F * (1.0F + std::fabs(right[i])))) {
      throw Error(concat("output ", i, " is ", left[i], ", the module gives ", right[i]));
    }
  }
}

void run(std::int64_t batch, std::int64_t runs, int rounds, int threads,
         const std::vector<std::int64_t>& sizes) {
  set_num_threads(threads);
  Generator generator(0);
  nn::Sequential model;
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
    model.add<nn::Linear>(concat("fc", i), sizes[i], sizes[i + 1], generator);
    if (i + 2 < sizes.size()) model.add<nn::ReLU>(concat("relu", i));
  }
  const nn::InferencePlan plan = nn::compile(model, batch);
  nn::InferencePlan::Workspace workspace = plan.make_workspace();
  const Tensor x = Tensor::normal({batch, sizes.front()}, 0, 1, generator);
  const Tensor y = Tensor::empty({batch, sizes.back()});
  plan.run(x, y, workspace);
  require_equal(y, model.forward(x));
  for (int round = 0; round < rounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (std::int64_t i = 0; i < runs; ++i) plan.run(x, y, workspace);
    const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
    std::cout << time.count() / static_cast<double>(runs) << '\n';
  }
}

}  // namespace
}  // namespace wick

int main(int argc, char** argv) {
  if (argc < 7) {
    std::cerr << "usage: inference_bench BATCH RUNS ROUNDS THREADS INPUTS [HIDDEN...] CLASSES\n";
    return 2;
  }
  try {
    std::vector<std::int64_t> sizes;
    for (int i = 5; i < argc; ++i) sizes.push_back(std::stoll(argv[i]));
    wick::run(std::stoll(argv[1]), std::stoll(argv[2]), std::stoi(argv[3]), std::stoi(argv[4]),
              sizes);
  } catch (const std::exception& error) {
    std::cerr << "inference_bench: " << error.what() << '\n';
    return 1;
  }
}
