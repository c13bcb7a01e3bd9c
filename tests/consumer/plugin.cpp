// SPDX-License-Identifier: MIT
// A plugin with wick in it: what a host finds in it is this function alone.
#include <cstdint>
#include <exception>
#include <vector>

#include <wick/core/random.h>
#include <wick/core/tensor.h>
#include <wick/nn/inference_plan.h>
#include <wick/nn/sequential.h>

extern "C" __attribute__((visibility("default"))) float run_plugin() {
  try {
    wick::Generator generator(1);
    wick::nn::Sequential model;
    model.add<wick::nn::Linear>("fc1", 4, 8, generator);
    model.add<wick::nn::Tanh>("tanh");
    model.add<wick::nn::Linear>("fc2", 8, 1, generator);
    const auto plan = wick::nn::compile(model, std::vector<wick::Dims>{{4}}, 1);
    auto workspace = plan.make_workspace();
    const auto input = wick::Tensor::from<float>({1, 2, 3, 4}, {1, 4});
    const auto output = wick::Tensor::empty({1, 1});
    plan.run(input, output, workspace);
    // What takes the address of a variable in a header may not keep the plugin loaded.
    if (output.device() == wick::kMeta) return -1000.0F;
    return output.item<float>();
  } catch (const std::exception&) {
    return -1000.0F;
  }
}
