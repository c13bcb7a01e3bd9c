// SPDX-License-Identifier: MIT
// What check.py counts the instructions of: training steps and inference of 784-32-10.
#include <iostream>
#include <string>

#include "wick/core/ops.h"
#include "wick/core/random.h"
#include "wick/nn/inference_plan.h"
#include "wick/nn/losses/cross_entropy_loss.h"
#include "wick/nn/sequential.h"
#include "wick/optim/adam.h"

namespace {

using wick::Tensor;

constexpr std::int64_t kBatch = 32;
constexpr int kTrainSteps = 10;
constexpr int kInferenceRuns = 100;

struct Work {
  wick::Generator generator{0};
  wick::nn::Sequential model;
  wick::nn::CrossEntropyLoss criterion;
  Tensor images = Tensor::uniform({kBatch, 1, 784}, 0, 256, generator).to(wick::DType::uint8);
  Tensor labels = Tensor::uniform({kBatch}, 0, 10, generator).to(wick::DType::int64);
  Tensor indices = generator.randperm(kBatch);
  Tensor scale = Tensor::from<float>({1.0F / 255.0F});
  Tensor shift = Tensor::from<float>({0.0F});
  Tensor x = Tensor::empty({kBatch, 784});
  Tensor y = Tensor::empty({kBatch}, wick::DType::int64);
  Tensor out = Tensor::empty({1, 10});

  Work() {
    model.add<wick::nn::Linear>("fc1", 784, 32, generator);
    model.add<wick::nn::ReLU>("relu");
    model.add<wick::nn::Linear>("fc2", 32, 10, generator);
  }
};

}  // namespace

// Functions of their own and by plain names, for valgrind's --toggle-collect.
extern "C" [[gnu::noinline]] void wick_train_steps(Work& work, wick::optim::Adam& optimizer,
                                                   int steps) {
  for (int i = 0; i < steps; ++i) {
    wick::ops::gather_affine(work.images, &work.indices, work.scale, work.shift, work.x);
    wick::ops::index_select(work.labels, work.indices, work.y);
    (void)work.criterion.forward(work.model.forward(work.x), work.y);
    optimizer.zero_grad();
    work.model.backward(work.criterion.backward(), false);
    optimizer.step();
  }
}

extern "C" [[gnu::noinline]] void wick_inference_runs(const wick::nn::InferencePlan& plan,
                                                      const Tensor& in, const Tensor& out,
                                                      wick::nn::InferencePlan::Workspace& workspace,
                                                      int runs) {
  for (int i = 0; i < runs; ++i) plan.run(in, out, workspace);
}

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  Work work;
  if (what == "train") {
    wick::optim::Adam optimizer(work.model.parameters(), {.lr = 0.01});
    wick_train_steps(work, optimizer, kTrainSteps);
    std::cout << kTrainSteps << '\n';
  } else if (what == "inference") {
    const wick::nn::InferencePlan plan = wick::nn::compile(work.model, 1);
    auto workspace = plan.make_workspace();
    const Tensor in = Tensor::normal({1, 784}, 0, 1, work.generator);
    wick_inference_runs(plan, in, work.out, workspace, kInferenceRuns);
    std::cout << kInferenceRuns << '\n';
  } else {
    std::cerr << "usage: instruction_steps train|inference\n";
    return 2;
  }
}
