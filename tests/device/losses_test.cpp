// SPDX-License-Identifier: MIT
// Every loss on a CUDA device against the CPU's, and dropout, embeddings and their errors there.
#include <random>

#include "tests/device/device_under_test.h"
#include "tests/nn/loss_cases.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/core/recording.h"
#include "wick/nn/layers/dropout.h"
#include "wick/nn/layers/embedding.h"

namespace wick {
namespace {

using testing::expect_near;
using testing::expect_throw_with;
using testing::kCuda;
using testing::LossCall;
using testing::LossRow;
using testing::OnDevice;

class DeviceLosses : public OnDevice {
 protected:
  std::uint64_t seed_ = std::random_device()();
  Generator generator_{seed_};
  ::testing::ScopedTrace trace_{__FILE__, __LINE__, ::testing::Message() << "seed " << seed_};
};

TEST_F(DeviceLosses, AreTheCpus) {
  for (const LossRow& row : testing::kLossCases) {
    for (const DType dtype : {DType::float32, DType::float64}) {
      for (const nn::Reduction reduction :
           {nn::Reduction::mean, nn::Reduction::sum, nn::Reduction::none}) {
        for (const Dims& batch : {Dims{}, Dims{7}, Dims{3, 31}, Dims{2, 3, 4}}) {
          const std::uint64_t seed = generator_.random();
          Generator here(seed);
          Generator there(seed);
          const auto loss = row.make({here, reduction, dtype});
          const auto other = row.make({there, reduction, dtype, kCuda});
          const LossCall call = testing::make_call(row, *loss, batch, generator_, dtype);
          LossCall moved = call;
          moved.loss = other.get();
          moved.input = call.input.to(kCuda);
          moved.target = call.target.to(kCuda);
          if (call.var.defined()) moved.var = call.var.to(kCuda);
          const Tensor value = call.forward();
          const Tensor g = reduction == nn::Reduction::none
                               ? Tensor::normal(value.shape(), 0.0, 1.0, generator_, dtype)
                               : Tensor();
          const Tensor g_there = g.defined() ? g.to(kCuda) : Tensor();
          const double tolerance = dtype == DType::float64 ? 1e-12 : 2e-5;
          const std::string what = concat(row.torch, ", ", call.input.shape(), ' ', dtype);
          expect_near(moved.forward(), value, tolerance, what);
          expect_near(moved.backward(g_there), call.backward(g), tolerance, what);
          if (call.var.defined()) {
            expect_near(moved.var_backward(g_there), call.var_backward(g), tolerance, what);
          }
        }
      }
    }
  }
}

TEST_F(DeviceLosses, DropoutDrawsThere) {
  Generator there(kCuda, 5);
  nn::Dropout dropout(there, 0.25);
  const Tensor x = Tensor::ones({64, 33}).to(kCuda);
  const Tensor y = dropout.forward(x).to(kCpu);
  double kept = 0.0;
  for (const float value : y.to_vector<float>()) {
    EXPECT_TRUE(value == 0.0F || std::fabs(value - 1.0F / 0.75F) < 1e-6F) << value;
    kept += value == 0.0F ? 0.0 : 1.0;
  }
  EXPECT_NEAR(kept / (64 * 33), 0.75, 0.05);
  EXPECT_TRUE(bitwise_equal(dropout.backward(x).to(kCpu), y));
  EXPECT_FALSE(bitwise_equal(dropout.forward(x).to(kCpu), y));
  nn::Dropout elsewhere(generator_, 0.25);
  expect_throw_with<DeviceError>([&] { (void)elsewhere.forward(x); }, "set_generator()");
  elsewhere.set_generator(there);
  (void)elsewhere.forward(x);
}

TEST_F(DeviceLosses, EmbeddingsAreTheCpus) {
  nn::Embedding here(50, 37, generator_, {.padding_idx = 3});
  nn::Embedding there(50, 37, generator_, {.padding_idx = 3});
  there.load_state_dict(here.state_dict());
  there.to(kCuda);
  const Tensor indices = testing::random_indices(200, 50, generator_);
  const Tensor grad = Tensor::normal({200, 37}, 0.0, 1.0, generator_);
  EXPECT_TRUE(bitwise_equal(there.forward(indices.to(kCuda)).to(kCpu), here.forward(indices)));
  here.backward(grad);
  there.backward(grad.to(kCuda));
  EXPECT_TRUE(bitwise_equal(there.weight()->grad.to(kCpu), here.weight()->grad));
  (void)there.forward(Tensor::from<std::int64_t>({50}).to(kCuda));
  expect_throw_with<IndexError>([] { backend_for(kCuda).synchronize(); }, "index 50");
}

}  // namespace
}  // namespace wick
