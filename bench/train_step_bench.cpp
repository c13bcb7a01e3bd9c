// SPDX-License-Identifier: MIT
// Times whole training steps: gather a batch from uint8 images, forward, loss, backward, Adam.
// Prints the mean microseconds of a step, one line for each round; bench/compare.py and
// bench/compare_cuda_train_step.py alternate these rounds with PyTorch's. On a GPU the steps are
// recorded and replayed, or, of a network that is small enough, done by the kernel for whole steps
// (not for "cuda-graph"); the host waits at the end of a round. With "-bf16" behind THREADS, under
// autocast.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "nn/network_step.h"
#include "wick/core/backend.h"
#include "wick/core/ops.h"
#include "wick/core/random.h"
#include "wick/core/recording.h"
#include "wick/kernels/devices.h"
#include "wick/nn/losses/cross_entropy_loss.h"
#include "wick/nn/sequential.h"
#include "wick/optim/adam.h"

namespace wick {
namespace {

struct Setup {
  std::vector<std::int64_t> sizes;  // inputs, hidden layers, classes
  std::int64_t batch;
  std::int64_t steps;
  int rounds;
  int threads;
  Device device;
  bool tf32;
  bool whole_steps;  // where the device has a kernel for them
  bool autocast;     // products of bfloat16
};

void run(const Setup& setup) {
  set_num_threads(setup.threads);
  set_allow_tf32(setup.tf32);
  Generator generator(0);
  nn::Sequential model;
  for (std::size_t i = 0; i + 1 < setup.sizes.size(); ++i) {
    model.add<nn::Linear>(concat("fc", i), setup.sizes[i], setup.sizes[i + 1], generator);
    if (i + 2 < setup.sizes.size()) model.add<nn::ReLU>(concat("relu", i));
  }
  model.to(setup.device);
  if (setup.autocast) model.autocast(DType::bfloat16);
  optim::Adam optimizer(model.parameters(), {.lr = 0.01});
  nn::CrossEntropyLoss criterion;
  // A learnable task of MNIST's size: the label is the brightest of the first pixels.
  constexpr std::int64_t kImages = 60000;
  const std::int64_t features = setup.sizes.front();
  const Tensor host_images =
      Tensor::uniform({kImages, 1, features}, 0, 256, generator).to(DType::uint8);
  const Tensor host_labels = Tensor::empty({kImages}, DType::int64);
  ops::argmax(
      host_images.view({kImages, features}).slice(1, 0, setup.sizes.back()).to(DType::float32),
      host_labels);
  const Tensor images = host_images.to(setup.device);
  const Tensor labels = host_labels.to(setup.device);
  const Tensor scale = Tensor::from<float>({1.0F / 255.0F});
  const Tensor shift = Tensor::from<float>({0.0F});
  const Tensor x = Tensor::empty({setup.batch, features}, DType::float32, setup.device);
  const Tensor y = Tensor::empty({setup.batch}, DType::int64, setup.device);
  const Tensor at = Tensor::zeros({1}, DType::int64, setup.device);
  const Tensor picked = Tensor::empty({1, setup.batch}, DType::int64, setup.device);
  const Tensor indices = picked.view({setup.batch});
  const std::int64_t batches = kImages / setup.batch;
  const Tensor order = generator.randperm(kImages)
                           .to(setup.device)
                           .slice(0, 0, batches * setup.batch)
                           .view({batches, setup.batch});
  const Tensor loss_sum = Tensor::zeros({}, DType::float64, setup.device);
  criterion.accumulate_in(loss_sum);
  // The models of this program are chains; under autocast there is no kernel for whole steps.
  const std::shared_ptr<NetworkStep> network = nn::describe_step(model, criterion);
  if (network != nullptr) {
    network->images = images;
    network->labels = labels;
    network->batches = order;
    network->position = at;
    network->scale = 1.0F / 255.0F;
  }
  const auto recording =
      backend_for(setup.device)
          .record({[&] {
                     ops::index_select(order, at, picked);
                     ops::gather_affine(images, &indices, scale, shift, x);
                     ops::index_select(labels, indices, y);
                     optimizer.zero_grad();
                     (void)criterion.forward(model.forward(x), y);
                     model.backward(criterion.backward(), false);
                     at.backend().advance(static_cast<std::int64_t*>(at.raw()));
                   },
                   [&] { optimizer.step(); }, setup.whole_steps ? network : nullptr});
  // Epoch after epoch, in the same order.
  std::int64_t left = batches;
  const auto replay = [&](std::int64_t steps) {
    while (steps > 0) {
      if (left == 0) {
        at.zero_();
        left = batches;
      }
      const std::int64_t now = std::min(steps, left);
      recording->replay(now);
      steps -= now;
      left -= now;
    }
    backend_for(setup.device).synchronize();
  };
  if (setup.device != kCpu) replay(20);
  for (int round = 0; round < setup.rounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    replay(setup.steps);
    const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
    std::cout << time.count() / static_cast<double>(setup.steps) << '\n';
  }
  const std::int64_t steps = setup.steps * setup.rounds + (setup.device != kCpu ? 20 : 0);
  std::cerr << "mean loss " << loss_sum.item<double>() / static_cast<double>(steps) << " ("
            << (setup.device == kCpu ? cpu_capability() : to_string(setup.device)) << ")\n";
}

}  // namespace
}  // namespace wick

int main(int argc, char** argv) {
  if (argc < 7) {
    std::cerr
        << "usage: train_step_bench BATCH STEPS ROUNDS THREADS[-bf16]|cuda|cuda-tf32|cuda-graph "
           "INPUTS [HIDDEN...] CLASSES\n";
    return 2;
  }
  try {
    std::vector<std::int64_t> sizes;
    for (int i = 5; i < argc; ++i) sizes.push_back(std::stoll(argv[i]));
    std::string machine = argv[4];
    constexpr std::string_view kAutocast = "-bf16";
    const bool autocast = machine.ends_with(kAutocast);
    if (autocast) machine.resize(machine.size() - kAutocast.size());
    const bool cuda = machine.starts_with("cuda");
    wick::run({sizes, std::stoll(argv[1]), std::stoll(argv[2]), std::stoi(argv[3]),
               cuda ? 1 : std::stoi(machine),
               cuda ? wick::Device{wick::DeviceType::cuda, 0} : wick::kCpu, machine == "cuda-tf32",
               cuda && machine != "cuda-graph", autocast});
  } catch (const std::exception& error) {
    std::cerr << "train_step_bench: " << error.what() << '\n';
    return 1;
  }
}
