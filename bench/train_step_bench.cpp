// SPDX-License-Identifier: MIT
// Times whole training steps: gather a batch from uint8 images, forward, loss, backward, Adam.
// Prints the mean microseconds of a step, one line for each round; bench/compare_train_step.py
// alternates these rounds with PyTorch's.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "core/ops.h"
#include "core/random.h"
#include "kernels/devices.h"
#include "nn/cross_entropy_loss.h"
#include "nn/sequential.h"
#include "optim/adam.h"

namespace wick {
namespace {

struct Setup {
  std::vector<std::int64_t> sizes;  // inputs, hidden layers, classes
  std::int64_t batch;
  std::int64_t steps;
  int rounds;
  int threads;
};

void run(const Setup& setup) {
  set_num_threads(setup.threads);
  Generator generator(0);
  nn::Sequential model;
  for (std::size_t i = 0; i + 1 < setup.sizes.size(); ++i) {
    model.add<nn::Linear>(concat("fc", i), setup.sizes[i], setup.sizes[i + 1], generator);
    if (i + 2 < setup.sizes.size()) model.add<nn::ReLU>(concat("relu", i));
  }
  optim::Adam optimizer(model.parameters(), {.lr = 0.01});
  nn::CrossEntropyLoss criterion;
  // A learnable task of MNIST's size: the label is the brightest of the first pixels.
  constexpr std::int64_t kImages = 60000;
  const std::int64_t features = setup.sizes.front();
  const Tensor images = Tensor::uniform({kImages, 1, features}, 0, 256, generator).to(DType::uint8);
  const Tensor labels = Tensor::empty({kImages}, DType::int64);
  ops::argmax(images.view({kImages, features}).slice(1, 0, setup.sizes.back()).to(DType::float32),
              labels);
  const Tensor scale = Tensor::from<float>({1.0F / 255.0F});
  const Tensor shift = Tensor::from<float>({0.0F});
  const Tensor x = Tensor::empty({setup.batch, features});
  const Tensor y = Tensor::empty({setup.batch}, DType::int64);
  const Tensor order = generator.randperm(kImages);
  const std::int64_t batches = kImages / setup.batch;
  double sum = 0.0;
  std::int64_t at = 0;
  for (int round = 0; round < setup.rounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (std::int64_t i = 0; i < setup.steps; ++i) {
      const Tensor indices = order.slice(0, at * setup.batch, (at + 1) * setup.batch);
      at = (at + 1) % batches;
      ops::gather_affine(images, &indices, scale, shift, x);
      ops::index_select(labels, indices, y);
      const Tensor loss = criterion.forward(model.forward(x), y);
      sum += static_cast<double>(*loss.data<float>());
      optimizer.zero_grad();
      model.backward(criterion.backward(), false);
      optimizer.step();
    }
    const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
    std::cout << time.count() / static_cast<double>(setup.steps) << '\n';
  }
  std::cerr << "mean loss " << sum / static_cast<double>(setup.steps * setup.rounds) << " ("
            << cpu_capability() << ")\n";
}

}  // namespace
}  // namespace wick

int main(int argc, char** argv) {
  if (argc < 7) {
    std::cerr << "usage: train_step_bench BATCH STEPS ROUNDS THREADS INPUTS [HIDDEN...] CLASSES\n";
    return 2;
  }
  try {
    std::vector<std::int64_t> sizes;
    for (int i = 5; i < argc; ++i) sizes.push_back(std::stoll(argv[i]));
    wick::run(
        {sizes, std::stoll(argv[1]), std::stoll(argv[2]), std::stoi(argv[3]), std::stoi(argv[4])});
  } catch (const std::exception& error) {
    std::cerr << "train_step_bench: " << error.what() << '\n';
    return 1;
  }
}
