// SPDX-License-Identifier: MIT
// The training step of train_step_bench.cpp in LibTorch's C++; arguments and output are the same.
// compare.py compiles it with the LibTorch of the Python package, outside the build.
#include <chrono>
#include <iostream>
#include <string>
#include <vector>

#include <torch/torch.h>

int main(int argc, char** argv) {
  if (argc < 7) {
    std::cerr << "usage: libtorch_step BATCH STEPS ROUNDS THREADS INPUTS [HIDDEN...] CLASSES\n";
    return 2;
  }
  const std::int64_t batch = std::stoll(argv[1]);
  const std::int64_t steps = std::stoll(argv[2]);
  const int rounds = std::stoi(argv[3]);
  torch::set_num_threads(std::stoi(argv[4]));
  std::vector<std::int64_t> sizes;
  for (int i = 5; i < argc; ++i) sizes.push_back(std::stoll(argv[i]));

  torch::manual_seed(0);
  torch::nn::Sequential model;
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
    model->push_back(torch::nn::Linear(sizes[i], sizes[i + 1]));
    if (i + 2 < sizes.size()) model->push_back(torch::nn::ReLU());
  }
  torch::optim::Adam optimizer(model->parameters(), torch::optim::AdamOptions(0.01));
  constexpr std::int64_t kImages = 60000;
  const auto images = torch::randint(0, 256, {kImages, sizes.front()}, torch::kUInt8);
  const auto labels = images.slice(1, 0, sizes.back()).argmax(1);
  const auto order = torch::randperm(kImages);
  const std::int64_t batches = kImages / batch;
  std::int64_t at = 0;
  for (int round = 0; round < rounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (std::int64_t i = 0; i < steps; ++i) {
      const auto indices = order.slice(0, at * batch, (at + 1) * batch);
      at = (at + 1) % batches;
      const auto x = images.index_select(0, indices).to(torch::kFloat32) / 255;
      const auto y = labels.index_select(0, indices);
      optimizer.zero_grad();
      auto loss = torch::nn::functional::cross_entropy(model->forward(x), y);
      loss.backward();
      optimizer.step();
    }
    const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
    std::cout << time.count() / static_cast<double>(steps) << '\n';
  }
}
