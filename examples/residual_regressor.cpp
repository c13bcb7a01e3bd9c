// SPDX-License-Identifier: MIT
// A regressor of residual blocks with LayerNorm, GELU and dropout, trained with Huber's loss on
// measurements of which some are far off, and compiled for inference.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <memory>

#include <wick/core/random.h>
#include <wick/nn/inference_plan.h>
#include <wick/nn/layers/activation.h>
#include <wick/nn/layers/dropout.h>
#include <wick/nn/layers/norm.h>
#include <wick/nn/losses/pointwise_loss.h>
#include <wick/nn/residual.h>
#include <wick/nn/sequential.h>
#include <wick/optim/adam.h>
#include <wick/optim/cosine_annealing_lr.h>

namespace nn = wick::nn;
using wick::Tensor;

constexpr std::int64_t kBatch = 64, kWidth = 48;
constexpr int kSteps = 1500;

float curve(float x) {
  return std::sin(3.0F * x) + 0.5F * x;
}

// x -> x + body(x)
std::unique_ptr<nn::Sequential> make_body(wick::Generator& generator) {
  auto body = std::make_unique<nn::Sequential>();
  body->add<nn::LayerNorm>("norm", kWidth);
  body->add<nn::Linear>("up", kWidth, 2 * kWidth, generator);
  body->add<nn::GELU>("gelu");
  body->add<nn::Dropout>("dropout", generator, 0.02);
  body->add<nn::Linear>("down", 2 * kWidth, kWidth, generator);
  return body;
}

int main() {
  wick::Generator generator(0);
  nn::Sequential model;
  model.add<nn::Linear>("first", 1, kWidth, generator);
  model.add<nn::Residual>("block1", "body", make_body(generator));
  model.add<nn::Residual>("block2", "body", make_body(generator));
  model.add<nn::LayerNorm>("norm", kWidth);
  model.add<nn::Linear>("last", kWidth, 1, generator);

  wick::optim::AdamW optimizer(model.parameters(), {.lr = 3e-3});
  wick::optim::CosineAnnealingLR schedule(optimizer, kSteps);
  nn::HuberLoss loss(nn::Reduction::mean, 0.2);
  const Tensor x = Tensor::empty({kBatch, 1});
  const Tensor y = Tensor::empty({kBatch, 1});
  for (int step = 1; step <= kSteps; ++step) {
    x.uniform_(-2.0, 2.0, generator);
    y.normal_(0.0, 0.05, generator);
    for (std::int64_t i = 0; i < kBatch; ++i) {
      y.data<float>()[i] += curve(x.data<float>()[i]);
      if (generator.random() % 20 == 0) y.data<float>()[i] += 5.0F;  // a wrong measurement
    }
    const auto value = loss.forward(model.forward(x), y).item<float>();
    optimizer.zero_grad();
    model.backward(loss.backward(), false);
    optimizer.step();
    schedule.step();
    if (step % 300 == 0) std::printf("step %4d: loss %.4f\n", step, static_cast<double>(value));
  }

  model.eval();  // no dropout
  const nn::InferencePlan plan = nn::compile(model, 1);
  auto workspace = plan.make_workspace();
  const Tensor point = Tensor::empty({1, 1}), answer = Tensor::empty({1, 1});
  float worst = 0.0F;
  for (float at = -1.8F; at < 1.9F; at += 0.6F) {
    point.fill_(static_cast<double>(at));
    plan.run(point, answer, workspace);
    const auto found = answer.item<float>();
    std::printf("f(%4.1f) = %6.3f, learned %6.3f\n", static_cast<double>(at),
                static_cast<double>(curve(at)), static_cast<double>(found));
    worst = std::max(worst, std::abs(found - curve(at)));
  }
  return worst < 0.25F ? 0 : 1;
}
