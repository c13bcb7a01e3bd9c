// SPDX-License-Identifier: MIT
// A prepared plan, run by one thread: no allocation, no lock, no system call, for each layer and
// for networks of them.
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/real_time/hooks.h"
#include "tests/real_time/networks.h"
#include "tests/real_time/watched_child.h"
#include "wick/core/error.h"
#include "wick/nn/make_module.h"
#include "wick/nn/sequential.h"

namespace wick::testing {
namespace {

constexpr int kRuns = 1000;

void expect_quiet_runs(const Network& network, Generator& generator,
                       const std::vector<std::int64_t>& batches = {1, 2, 7, 64, 70}) {
  const nn::InferencePlan plan = nn::compile(*network.module, network.samples, batches.back());
  PlanRuns runs(plan, batches, generator);
  expect_quiet(watch([&] { runs.prepare(); }, [&] { runs.run(kRuns); }),
               concat(network.name, " in ", plan.dtype()));
}

class OneThread : public ::testing::TestWithParam<DType> {
 protected:
  void SetUp() override {
    if (!can_watch()) GTEST_SKIP() << "this system has no seccomp filters";
  }
  std::uint64_t seed_ = std::random_device()();
  ::testing::ScopedTrace trace_{__FILE__, __LINE__, concat("seed ", seed_)};
  Generator generator_{seed_};
};

// Which layers have a plan is known, so that none stays unwatched.
TEST_P(OneThread, EachLayer) {
  std::set<std::string_view> missing;
  for (const std::string_view name : nn::module_names()) missing.insert(name);
  for (const Network& network : layer_networks(GetParam(), generator_)) {
    try {
      static_cast<void>(nn::compile(*network.module, network.samples, 1));
    } catch (const Error&) {
      continue;  // such as a softmax over the samples
    }
    expect_quiet_runs(network, generator_);
    for (const auto& [name, child] : static_cast<nn::Sequential&>(*network.module).children()) {
      missing.erase(child->type_name());
    }
  }
  // Recurrent layers run by RecurrentStream (streams_test.cpp).
  const std::set<std::string_view> without_plan = {
      "Embedding",          "GRU",   "GRUCell", "LSTM",    "LSTMCell",
      "MultiheadAttention", "PReLU", "RNN",     "RNNCell", "TransformerEncoderLayer"};
  for (const std::string_view name : missing) {
    EXPECT_TRUE(without_plan.contains(name)) << name << " is not known to have no plan";
  }
}

TEST_P(OneThread, RandomNetworks) {
  std::mt19937 random(static_cast<unsigned>(seed_));
  for (int i = 0; i < 6; ++i) {
    expect_quiet_runs(random_network(GetParam(), random, generator_), generator_);
  }
}

// Blocks of float64's products are copied to the stack, of at most 64 kB.
TEST_P(OneThread, WideLayers) {
  expect_quiet_runs(mlp({1500, 129, 4100, 3}, GetParam(), generator_), generator_, {1, 3});
}

INSTANTIATE_TEST_SUITE_P(DTypes, OneThread, ::testing::Values(DType::float32, DType::float64),
                         [](const auto& each) { return concat(each.param); });

// In bfloat16, plans have linear layers and ReLU. Their scratch is the thread's: of 64 samples and
// fewer, and of the most.
TEST(OneThreadInBfloat16, LinearLayers) {
  if (!can_watch()) GTEST_SKIP() << "this system has no seccomp filters";
  Generator generator(3);
  for (const auto& widths : {std::vector<std::int64_t>{784, 520, 10},
                             {3, 5},
                             {17, 300, 1, 64},
                             {1, 1},
                             {64, 8, 8, 64}}) {
    const Network network = mlp(widths, DType::bfloat16, generator);
    const nn::InferencePlan plan = nn::compile(*network.module, network.samples, 200);
    std::vector<std::int64_t> batches{200};
    for (std::int64_t batch = 1; batch <= 64; ++batch) batches.push_back(batch);
    PlanRuns runs(plan, batches, generator);
    expect_quiet(watch([&] { runs.prepare(); }, [&] { runs.run(kRuns); }), network.name);
  }
}

// Autocast is of modules: their plans compute in the parameters' dtype.
TEST(OneThreadInBfloat16, AutocastChangesNoPlan) {
  if (!can_watch()) GTEST_SKIP() << "this system has no seccomp filters";
  Generator generator(3);
  const Network network = mlp({784, 520, 10}, DType::float32, generator);
  network.module->autocast(DType::bfloat16);
  expect_quiet_runs(network, generator);
}

// Without prepare(), the first runs of a thread do what is watched for. Scratch belongs to threads.
TEST(Prepare, IsForTheThreadThatRuns) {
  Generator generator(3);
  const Network network = mlp({784, 520, 10}, DType::bfloat16, generator);
  const nn::InferencePlan plan = nn::compile(*network.module, network.samples, 64);
  const auto allocations = [](PlanRuns& runs) {
    const std::size_t before = calls_of_thread().allocations;
    runs.run(3);
    return calls_of_thread().allocations - before;
  };
  PlanRuns runs(plan, {64}, generator);
  runs.prepare();
  EXPECT_EQ(allocations(runs), 0U);
  std::thread([&] { EXPECT_GT(allocations(runs), 0U); }).join();
  std::thread([&] {
    runs.prepare();
    EXPECT_EQ(allocations(runs), 0U);
  }).join();
}

// Of most plans, no scratch is a thread's, so that another thread may have prepared them.
TEST(Prepare, IsForAnyThreadWhereThereIsNoScratch) {
  Generator generator(3);
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Network network = mlp({784, 520, 10}, dtype, generator);
    const nn::InferencePlan plan = nn::compile(*network.module, network.samples, 64);
    PlanRuns runs(plan, {1, 64}, generator);
    std::thread([&] {
      const Calls before = calls_of_thread();
      runs.run(100);
      const Calls after = calls_of_thread();
      EXPECT_EQ(after.allocations, before.allocations) << dtype;
      EXPECT_EQ(after.locks, before.locks) << dtype;
    }).join();
  }
}

TEST(Prepare, RefusesTheWorkspaceOfAnotherPlan) {
  Generator generator(3);
  const Network small = mlp({4, 5, 3}, DType::float32, generator);
  const Network large = mlp({4, 500, 300, 3}, DType::float32, generator);
  const nn::InferencePlan one = nn::compile(*small.module, small.samples, 2);
  const nn::InferencePlan other = nn::compile(*large.module, large.samples, 64);
  nn::InferencePlan::Workspace workspace = one.make_workspace();
  EXPECT_THROW(other.prepare(workspace), ValueError);
  nn::InferencePlan::Workspace moved = std::move(workspace);
  EXPECT_THROW(one.prepare(workspace), ValueError);  // NOLINT(bugprone-use-after-move)
  one.prepare(moved);
}

// It leaves no traces in what the plan computes.
TEST(Prepare, ChangesNoResult) {
  Generator generator(3);
  const Network network = mlp({40, 50, 3}, DType::float32, generator);
  const nn::InferencePlan plan = nn::compile(*network.module, network.samples, 9);
  const Tensor x = Tensor::normal({9, 40}, 0.0, 1.0, generator);
  const Tensor before = Tensor::zeros({9, 3});
  const Tensor after = Tensor::zeros({9, 3});
  nn::InferencePlan::Workspace workspace = plan.make_workspace();
  plan.run(x, before, workspace);
  plan.prepare(workspace);
  plan.run(x, after, workspace);
  EXPECT_TRUE(bitwise_equal(before, after));
}

}  // namespace
}  // namespace wick::testing
