// SPDX-License-Identifier: MIT
// A user's program: trains a small network, saves it, and loads it again.
#include <cstdio>
#include <exception>
#include <filesystem>

#include <wick/core/random.h>
#include <wick/core/state_dict.h>
#include <wick/core/tensor.h>
#include <wick/kernels/devices.h>
#include <wick/nn/losses/cross_entropy_loss.h>
#include <wick/nn/sequential.h>
#include <wick/optim/adam.h>
#include <wick/serialize/checkpoint.h>

namespace {

int run(const std::filesystem::path& path) {
  wick::Generator generator(7);
  wick::nn::Sequential model;
  model.add<wick::nn::Linear>("fc1", 2, 16, generator);
  model.add<wick::nn::ReLU>("relu");
  model.add<wick::nn::Linear>("fc2", 16, 2, generator);
  wick::nn::CrossEntropyLoss loss;
  wick::optim::Adam optimizer(model.parameters(), {.lr = 0.05});

  const auto inputs = wick::Tensor::from<float>({0, 0, 0, 1, 1, 0, 1, 1}, {4, 2});
  const auto targets = wick::Tensor::from<std::int64_t>({0, 1, 1, 0}, {4});
  float last = 0.0F;
  for (int step = 0; step < 200; ++step) {
    optimizer.zero_grad();
    last = loss.forward(model.forward(inputs), targets).item<float>();
    model.backward(loss.backward(), /*input_grad=*/false);
    optimizer.step();
  }

  wick::save(model.state_dict(), path);
  const auto loaded = wick::StateDict::from_value(wick::load(path));
  const bool same =
      wick::bitwise_equal(loaded.at("fc1.weight"), model.state_dict().at("fc1.weight"));
  std::printf("loss %.4f, %d CUDA devices, the checkpoint is %s\n", static_cast<double>(last),
              wick::cuda_device_count(), same ? "the same" : "another");
  return last < 0.1F && same ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run(count > 1 ? arguments[1] : "consumer.pt");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
