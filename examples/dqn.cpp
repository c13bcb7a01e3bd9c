// SPDX-License-Identifier: MIT
// Deep Q-learning with a target network: a ball falls, and a paddle below learns to catch it.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <vector>

#include <wick/core/ops_arithmetic.h>
#include <wick/core/ops_reduce.h>
#include <wick/core/random.h>
#include <wick/nn/losses/pointwise_loss.h>
#include <wick/nn/sequential.h>
#include <wick/optim/adam.h>

namespace nn = wick::nn;
namespace ops = wick::ops;
using wick::Tensor;
constexpr std::int64_t kBatch = 32, kGames = 1200, kActions = 3;  // left, stay, right

// Columns are -3 to 3; the ball falls from row 0 to row 7.
struct Catch {
  float ball, paddle, row = 0.0F;

  [[nodiscard]] std::array<float, 3> observe() const { return {ball / 3, row / 7, paddle / 3}; }
  void move(std::int64_t action) {
    paddle = std::clamp(paddle + static_cast<float>(action - 1), -3.0F, 3.0F);
    ++row;
  }
  [[nodiscard]] bool over() const { return row == 7.0F; }
  [[nodiscard]] float reward() const { return !over() ? 0.0F : ball == paddle ? 1.0F : -1.0F; }
};

struct Move {
  Catch before, after;
  std::int64_t action;
};

// Moves each of the target's parameters a little towards the network's.
void follow(const nn::Module& target, const nn::Module& network, double rate) {
  const auto from = network.parameters(), to = target.parameters();
  for (std::size_t i = 0; i < to.size(); ++i) ops::lerp_(to[i]->value, from[i]->value, rate);
}

int main() {
  wick::Generator generator(1);
  const auto below = [&](std::int64_t count) { return generator.random() % count; };
  const auto column = [&] { return static_cast<float>(below(7) - 3); };
  nn::Sequential q;
  q.add<nn::Linear>("body", 3, 128, generator);
  q.add<nn::ReLU>("relu");
  q.add<nn::Linear>("values", 128, kActions, generator);
  const auto target = nn::clone(q);
  wick::optim::Adam optimizer(q.parameters(), {.lr = 2e-3});
  nn::HuberLoss loss;
  std::vector<Move> seen;
  const Tensor here = Tensor::empty({1, 3}), x = Tensor::empty({kBatch, 3}), next = x.clone();
  const Tensor actions = Tensor::empty({kBatch, 1}, wick::DType::int64);
  const Tensor rewards = Tensor::empty({kBatch, 1}), goes_on = rewards.clone();

  const auto learn = [&] {
    for (std::int64_t i = 0; i < kBatch; ++i) {
      const auto& [before, after, action] = seen[static_cast<std::size_t>(below(std::ssize(seen)))];
      std::ranges::copy(before.observe(), x[i].data<float>());
      std::ranges::copy(after.observe(), next[i].data<float>());
      actions.data<std::int64_t>()[i] = action;
      rewards.data<float>()[i] = after.reward();
      goes_on.data<float>()[i] = after.over() ? 0.0F : 1.0F;
    }
    const Tensor best = ops::max(target->forward(next), 1, true).values;  // (N, 1)
    const Tensor worth = ops::add(rewards, ops::mul(goes_on, best), 0.95);
    const Tensor taken = ops::eq(Tensor::arange(kActions), actions);  // (N, actions), bool
    const Tensor values = q.forward(x);
    // No gradient but by the actions taken.
    loss.forward(values, ops::where(taken, worth, values));
    optimizer.zero_grad();
    q.backward(loss.backward(), false);
    optimizer.step();
    follow(*target, q, 0.02);
  };
  for (std::int64_t count = 1, caught = 0; count <= kGames; ++count) {
    for (Catch game{column(), column()}; !game.over();) {
      std::int64_t action = below(kActions);
      if (below(kGames) < count * 3) {  // less and less at random
        std::ranges::copy(game.observe(), here.data<float>());
        const auto values = q.forward(here).to_vector<float>();
        action = std::ranges::max_element(values) - values.begin();
      }
      const Catch before = game;
      game.move(action);
      seen.push_back({before, game, action});
      if (seen.size() > 200) learn();
      caught += game.reward() > 0 ? 1 : 0;
    }
    if (count % 200 != 0) continue;
    std::printf("game %4d: %d of 200 caught\n", static_cast<int>(count), static_cast<int>(caught));
    if (count == kGames) return caught > 180 ? 0 : 1;
    caught = 0;
  }
}
