// SPDX-License-Identifier: MIT
// Two simulated devices, before the first test asks for one; and what only they let a test arrange.
#include <cuda_runtime_api.h>

#include "tests/device/small_training.h"
#include "tests/simt/simt.h"
#include "tools/cli/trainer.h"
#include "tools/data/synthetic.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/kernels/cuda_stream.h"

namespace wick {
namespace {

using testing::kCuda;

const bool kTwoDevices = [] {
  simt::set_device_count(2);
  return true;
}();

// Sets the limit of the first device to so many bytes more than it uses, while it lives.
class MemoryLimit {
 public:
  explicit MemoryLimit(std::size_t left) {
    backend_for(kCuda).synchronize();
    simt::set_memory_limit(0, simt::memory_in_use(0) + left);
  }
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;
  ~MemoryLimit() { simt::set_memory_limit(0, std::size_t{1} << 30); }
};

TEST(SimulatedMemory, AnAllocationThatFailsLosesNothing) {
  const Tensor before = Tensor::full({100}, 3.0, DType::float32, kCuda);
  const MemoryLimit limit(10000);
  Tensor held = Tensor::full({2000}, 1.0, DType::float32, kCuda);
  try {
    static_cast<void>(Tensor::empty({1000}, DType::float32, kCuda));
    FAIL() << "nothing was thrown";
  } catch (const OutOfMemoryError& error) {
    EXPECT_EQ(error.requested(), 4000U);
    EXPECT_EQ(error.free(), 2000U);
    EXPECT_GT(error.total(), 10000U);
  }
  EXPECT_EQ(held.to_vector<float>(), std::vector<float>(2000, 1.0F));
  held = Tensor();
  const Tensor after = Tensor::full({1000}, 2.0, DType::float32, kCuda);
  EXPECT_EQ(after.to_vector<float>(), std::vector<float>(1000, 2.0F));
  EXPECT_EQ(before.to_vector<float>(), std::vector<float>(100, 3.0F));
}

TEST(SimulatedMemory, WhereThereIsNoneForScratch) {
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  {
    const MemoryLimit limit(10000);
    EXPECT_THROW(CudaStreamGuard(kCuda, stream), OutOfMemoryError);
  }
  const CudaStreamGuard guard(kCuda, stream);
  EXPECT_EQ(Tensor::ones({2}, DType::float32, kCuda).to_vector<float>(),
            (std::vector<float>{1.0F, 1.0F}));
}

// The parameters are moved, their state is not: the next step goes on where that stopped.
TEST(SimulatedMemory, WhereThereIsNoneForAnOptimizersState) {
  const auto run = [](Device device, const std::vector<std::size_t>& too_little) {
    const ParameterPtr parameter = make_parameter(Tensor::full({1000}, 1.0));
    optim::Adam optimizer({parameter}, {.lr = 0.1});
    std::vector<Tensor> held;  // what the move would give back
    for (int step = 0; step < 3; ++step) {
      if (step == 1) {
        held.push_back(parameter->value = parameter->value.to(device));
        held.push_back(parameter->grad = parameter->grad.to(device));
      }
      parameter->grad.fill_(step + 1.0);
      parameter->has_grad = true;
      for (std::size_t i = 0; step == 1 && i < too_little.size(); ++i) {
        const MemoryLimit limit(too_little[i]);
        EXPECT_THROW(optimizer.step(), OutOfMemoryError) << i;
      }
      optimizer.step();
    }
    return parameter->value.to(kCpu);
  };
  // Not enough for the gradients; for the first tensor of the state; for its second.
  testing::expect_near(run(kCuda, {5000, 9000, 5000}), run(kCpu, {}), 1e-6);
}

// How many kernels an epoch of the training program starts.
std::uint64_t launches_of_an_epoch(bool whole_steps, bool amsgrad) {
  using namespace tools;
  const Dataset digits = synthetic_digits(320, 1);
  TrainConfig config;
  config.data = "synthetic";
  RunState run = new_run(config, digits, kCuda, 10);
  if (amsgrad) {
    run.scheduler.reset();
    run.optimizer =
        std::make_unique<optim::Adam>(run.model->parameters(), optim::AdamOptions{.amsgrad = true});
  }
  Trainer trainer(run, digits.images.to(kCuda), digits.labels.to(kCuda), split_training(320, 0, 0),
                  whole_steps);
  const std::uint64_t before = simt::launches();
  static_cast<void>(trainer.run_epoch([](std::int64_t, double) { return true; }));
  return simt::launches() - before;
}

TEST(SimulatedTraining, TakesTheKernelForWholeStepsWhereItMay) {
  EXPECT_LT(launches_of_an_epoch(true, false), 5U);  // of ten steps
  EXPECT_GT(launches_of_an_epoch(false, false), 100U);
  EXPECT_GT(launches_of_an_epoch(true, true), 100U);
}

}  // namespace
}  // namespace wick
