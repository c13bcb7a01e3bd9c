// SPDX-License-Identifier: MIT
// A user's program: trains a small network, saves it, and loads it again.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include <wick/core/ops.h>
#include <wick/core/ops_reduce.h>
#include <wick/core/random.h>
#include <wick/core/state_dict.h>
#include <wick/core/tensor.h>
#include <wick/core/version.h>
#include <wick/kernels/devices.h>
#include <wick/nn/inference_plan.h>
#include <wick/nn/losses/cross_entropy_loss.h>
#include <wick/nn/sequential.h>
#include <wick/optim/adam.h>
#include <wick/serialize/checkpoint.h>

#include "core/error.h"
#include "custom_modules.h"
#include "own_eigen.h"

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

  // With modules of the user's own in it, a network learns and is compiled as any other.
  wick::nn::Sequential custom;
  custom.append("block", make_block(2, generator));
  custom.append("square", make_square());
  custom.add<wick::nn::Linear>("fc", 2, 2, generator);
  wick::optim::Adam custom_optimizer(custom.parameters(), {.lr = 0.05});
  float custom_last = 0.0F;
  for (int step = 0; step < 300; ++step) {
    custom_optimizer.zero_grad();
    custom_last = loss.forward(custom.forward(inputs), targets).item<float>();
    custom.backward(loss.backward(), /*input_grad=*/false);
    custom_optimizer.step();
  }
  const auto plan = wick::nn::compile(custom, std::vector<wick::Dims>{{2}}, 4);
  auto workspace = plan.make_workspace();
  const auto planned = wick::Tensor::empty({4, 2});
  plan.run(inputs, planned, workspace);
  const float planned_loss = loss.forward(planned, targets).item<float>();
  if (custom_last > 0.1F || planned_loss > 0.1F) {
    std::printf("custom modules: loss %.4f, of the plan %.4f\n", static_cast<double>(custom_last),
                static_cast<double>(planned_loss));
    return 1;
  }

  // Two Eigens in one program, the user's own and the one inside of wick's float64 products.
  constexpr int kSize = 70;
  const auto ones = wick::Tensor::full({kSize, kSize}, 1.0, wick::DType::float64);
  const double product = wick::ops::sum(wick::ops::matmul(ones, ones)).item<double>();
#if defined(__x86_64__)
  const bool can_run = __builtin_cpu_supports("avx2") != 0;
#else
  constexpr bool can_run = true;
#endif
  if (product != kSize * kSize * kSize || (can_run && sum_of_own_product(kSize) != product)) {
    std::printf("products: %g\n", product);
    return consumer::kFailed;
  }

  wick::save(model.state_dict(), path);
  const auto loaded = wick::StateDict::from_value(wick::load(path));
  const bool same =
      wick::bitwise_equal(loaded.at("fc1.weight"), model.state_dict().at("fc1.weight"));
  std::printf("wick %s: loss %.4f, %d CUDA devices, the checkpoint is %s\n",
              std::string(wick::version()).c_str(), static_cast<double>(last),
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
