// SPDX-License-Identifier: MIT
// Devices that run smaller clusters of blocks than their compute capability promises, or none: of
// simulated devices, which can be told so.
#include <cuda_runtime_api.h>

#include "tests/device/device_under_test.h"
#include "tests/simt/simt.h"
#include "tools/cli/trainer.h"
#include "tools/data/synthetic.h"
#include "wick/core/backend.h"

namespace wick {
namespace {

using testing::expect_near;
using testing::kCuda;

using Clusters = testing::OnDevice;

class LargestCluster {
 public:
  LargestCluster(unsigned said, unsigned taken) { simt::set_largest_cluster(said, taken); }
  LargestCluster(const LargestCluster&) = delete;
  LargestCluster& operator=(const LargestCluster&) = delete;
  ~LargestCluster() { simt::set_largest_cluster(16, 16); }
};

struct Epoch {
  std::vector<Tensor> parameters;
  double loss = 0.0;
  std::uint64_t launches = 0;
};

// Ten steps of the training program. What a device takes is found out once for each size.
Epoch train(std::int64_t hidden, bool whole_steps) {
  using namespace tools;
  const Dataset digits = synthetic_digits(320, 1);
  TrainConfig config;
  config.data = "synthetic";
  config.model = {hidden};
  RunState run = new_run(config, digits, kCuda, 10);
  Trainer trainer(run, digits.images.to(kCuda), digits.labels.to(kCuda), split_training(320, 0, 0),
                  whole_steps);
  backend_for(kCuda).synchronize();
  const std::uint64_t before = simt::launches();
  Epoch epoch;
  epoch.loss = trainer.run_epoch([](std::int64_t, double) { return true; }).loss_mean;
  epoch.launches = simt::launches() - before;
  for (const ParameterPtr& parameter : run.model->parameters()) {
    epoch.parameters.push_back(parameter->value.to(kCpu).clone());
  }
  return epoch;
}

TEST_F(Clusters, OfFewerBlocksWhereTheDeviceTakesNoMore) {
  std::int64_t hidden = 17;
  for (const auto& [said, taken] :
       {std::pair(16U, 16U), {8U, 16U}, {16U, 8U}, {4U, 8U}, {8U, 4U}}) {
    ++hidden;
    const LargestCluster limit(said, taken);
    const Epoch at_once = train(hidden, true);
    const Epoch recorded = train(hidden, false);
    EXPECT_LT(at_once.launches, 6U) << said << ", " << taken;
    EXPECT_GT(recorded.launches, 100U);
    EXPECT_NEAR(at_once.loss, recorded.loss, 1e-4);
    for (std::size_t i = 0; i < recorded.parameters.size(); ++i) {
      expect_near(at_once.parameters[i], recorded.parameters[i], 1e-3,
                  concat(said, ", ", taken, ", parameter ", i));
    }
    EXPECT_EQ(cudaPeekAtLastError(), cudaSuccess);
  }
}

TEST_F(Clusters, WhereThereAreNoneTheStepsAreRecorded) {
  std::int64_t hidden = 33;
  for (const auto& [said, taken] : {std::pair(2U, 16U), {0U, 1U}, {16U, 2U}, {16U, 1U}}) {
    ++hidden;
    const LargestCluster limit(said, taken);
    const Epoch fallen_back = train(hidden, true);
    EXPECT_EQ(cudaPeekAtLastError(), cudaSuccess);
    const Epoch recorded = train(hidden, false);
    EXPECT_EQ(fallen_back.launches, recorded.launches) << said << ", " << taken;
    EXPECT_EQ(fallen_back.loss, recorded.loss);
    for (std::size_t i = 0; i < recorded.parameters.size(); ++i) {
      EXPECT_TRUE(bitwise_equal(fallen_back.parameters[i], recorded.parameters[i])) << i;
    }
  }
}

}  // namespace
}  // namespace wick
