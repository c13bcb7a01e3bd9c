// SPDX-License-Identifier: MIT
// Training with several threads: the numbers are those of one thread, and engines in several
// threads of a program leave each other's numbers alone.
#include <thread>

#include <gtest/gtest.h>

#include "wick/core/random.h"
#include "wick/kernels/devices.h"
#include "wick/nn/losses/cross_entropy_loss.h"
#include "wick/nn/sequential.h"
#include "wick/optim/adam.h"
#include "wick/optim/sgd.h"

namespace wick {
namespace {

class ThreadsScope {
 public:
  explicit ThreadsScope(int threads) { set_num_threads(threads); }
  ThreadsScope(const ThreadsScope&) = delete;
  ThreadsScope& operator=(const ThreadsScope&) = delete;
  ~ThreadsScope() { set_num_threads(1); }
};

// All parameters after some steps on random data. Large enough that every product and the update
// are shared among the threads.
template <typename Optimizer, typename Options>
std::vector<float> train(std::uint64_t seed, const Options& options) {
  Generator generator(seed);
  nn::Sequential model;
  model.add<nn::Linear>("fc1", 300, 300, generator);
  model.add<nn::ReLU>("relu");
  model.add<nn::Linear>("fc2", 300, 290, generator);
  Optimizer optimizer(model.parameters(), options);
  nn::CrossEntropyLoss criterion;
  for (int step = 0; step < 3; ++step) {
    const Tensor x = Tensor::normal({130, 300}, 0, 1, generator);
    const Tensor y = Tensor::uniform({130}, 0, 290, generator).to(DType::int64);
    (void)criterion.forward(model.forward(x), y);
    optimizer.zero_grad();
    model.backward(criterion.backward(), false);
    optimizer.step();
  }
  std::vector<float> result;
  for (const ParameterPtr& parameter : model.parameters()) {
    const std::vector<float> values = parameter->value.to_vector<float>();
    result.insert(result.end(), values.begin(), values.end());
  }
  return result;
}

TEST(Threads, TrainingDoesNotDependOnTheirNumber) {
  const optim::AdamOptions adam{.lr = 0.01, .weight_decay = 0.01};
  const optim::SGDOptions sgd{.lr = 0.1, .momentum = 0.9};
  const std::vector<float> by_adam = train<optim::Adam>(1, adam);
  const std::vector<float> by_sgd = train<optim::SGD>(1, sgd);
  for (const int threads : {2, 3, 5}) {
    const ThreadsScope scope(threads);
    EXPECT_EQ(train<optim::Adam>(1, adam), by_adam) << threads << " threads";
    EXPECT_EQ(train<optim::SGD>(1, sgd), by_sgd) << threads << " threads";
  }
}

TEST(Threads, EnginesInSeveralThreadsDoNotDisturbEachOther) {
  constexpr std::size_t kEngines = 3;
  const optim::AdamOptions adam{.lr = 0.01};
  std::vector<std::vector<float>> alone;
  for (std::size_t i = 0; i < kEngines; ++i) alone.push_back(train<optim::Adam>(i, adam));
  const ThreadsScope scope(2);
  std::vector<std::vector<float>> together(kEngines);
  std::vector<std::thread> engines;
  for (std::size_t i = 0; i < kEngines; ++i) {
    engines.emplace_back([&together, &adam, i] {
      for (int round = 0; round < 5; ++round) together[i] = train<optim::Adam>(i, adam);
    });
  }
  for (std::thread& engine : engines) engine.join();
  for (std::size_t i = 0; i < kEngines; ++i) EXPECT_EQ(together[i], alone[i]) << "engine " << i;
}

}  // namespace
}  // namespace wick
