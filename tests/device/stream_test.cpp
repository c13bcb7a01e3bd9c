// SPDX-License-Identifier: MIT
// wick's work in a stream of the caller's.
#include <thread>

#include <cuda_runtime_api.h>

#include "tests/device/small_training.h"
#include "wick/core/backend.h"
#include "wick/core/backend/memory.h"
#include "wick/core/ops.h"
#include "wick/kernels/cuda_stream.h"
#include "wick/nn/inference_plan.h"

namespace wick {
namespace {

using testing::kCuda;
using testing::OnDevice;
using testing::SmallTraining;

class Streams : public OnDevice {
 protected:
  void SetUp() override {
    OnDevice::SetUp();
    if (IsSkipped()) return;
    ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
    ASSERT_EQ(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), cudaSuccess);
  }
  void TearDown() override {
    if (stream_ != nullptr) {
      EXPECT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
      // A stream may go as soon as its guards have gone.
      EXPECT_EQ(cudaStreamDestroy(stream_), cudaSuccess);
    }
    OnDevice::TearDown();
  }
  cudaStream_t stream_ = nullptr;
};

TEST_F(Streams, GuardSetsAndRestoresTheCurrentOne) {
  void* const own = current_cuda_stream(kCuda);
  EXPECT_NE(own, stream_);
  {
    const CudaStreamGuard guard(kCuda, stream_);
    EXPECT_EQ(current_cuda_stream(kCuda), stream_);
    {
      const CudaStreamGuard inner(kCuda, own);
      EXPECT_EQ(current_cuda_stream(kCuda), own);
    }
    EXPECT_EQ(current_cuda_stream(kCuda), stream_);
    void* in_thread = nullptr;
    std::thread([&] { in_thread = current_cuda_stream(kCuda); }).join();
    EXPECT_EQ(in_thread, own);
  }
  EXPECT_EQ(current_cuda_stream(kCuda), own);
  EXPECT_THROW(CudaStreamGuard(kCpu, stream_), DeviceError);
}

TEST_F(Streams, WorkIsInOrderWithWhatComesBeforeAndAfter) {
  const Tensor x = Tensor::ones({1000}, DType::float32, kCuda);
  const Tensor one = Tensor::ones({1, 1}, DType::float32, kCuda);
  const Tensor y = Tensor::empty({1000, 1}, DType::float32, kCuda);
  {
    const CudaStreamGuard guard(kCuda, stream_);
    ops::matmul(x.view({1000, 1}), one, y);
  }
  EXPECT_EQ(y.to_vector<float>(), std::vector<float>(1000, 1.0F));
  {
    const CudaStreamGuard guard(kCuda, stream_);
    // Freed here, used again there.
    const Tensor gone = Tensor::full({1000}, 5.0, DType::float32, kCuda);
  }
  const Tensor next = Tensor::full({1000}, 2.0, DType::float32, kCuda);
  const Tensor total = Tensor::zeros({1}, DType::float32, kCuda);
  ops::column_sums(y, total);
  EXPECT_EQ(total.item<float>(), 1000.0F);
  EXPECT_EQ(next.to_vector<float>(), std::vector<float>(1000, 2.0F));
}

TEST_F(Streams, RecordedTrainingInACallersStream) {
  SmallTraining called(kCuda, "adam");
  SmallTraining replayed(kCuda, "adam");
  for (int i = 0; i < 6; ++i) {
    called.compute();
    called.update();
  }
  {
    const CudaStreamGuard guard(kCuda, stream_);
    const auto recording = backend_for(kCuda).record(replayed.recorded_step());
    recording->replay(6);
    EXPECT_TRUE(bitwise_equal(replayed.loss_sum, called.loss_sum));
  }
  EXPECT_TRUE(
      bitwise_equal(replayed.model.parameters()[0]->value, called.model.parameters()[0]->value));
}

TEST_F(Streams, SeveralThreads) {
  std::vector<float> sums(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < sums.size(); ++t) {
    threads.emplace_back([&sums, t] {
      Tensor x = Tensor::full({1, 300}, static_cast<double>(t), DType::float32, kCuda);
      const Tensor total = Tensor::zeros({1}, DType::float32, kCuda);
      for (int i = 0; i < 20; ++i) ops::column_sums(x.view({300, 1}), total, true);
      sums[t] = total.item<float>();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sums, (std::vector<float>{0, 6000, 12000, 18000}));
}

TEST_F(Streams, AnEventOrdersTheWorkOfTwoThreads) {
  Backend& backend = backend_for(kCuda);
  Tensor made;
  std::unique_ptr<DeviceEvent> event;
  const CudaStreamGuard guard(kCuda, stream_);
  made = Tensor::full({100, 30}, 2.0, DType::float32, kCuda);
  event = backend.record_event();
  made.fill_(3.0);  // behind the event: may be seen or not
  const Tensor later = Tensor::full({1000}, 5.0, DType::float32, kCuda);
  const std::unique_ptr<DeviceEvent> of_all = backend.record_event();
  std::thread([&] {
    backend.wait_event(event.get());
    const Tensor sums = Tensor::empty({30}, DType::float32, kCuda);
    ops::column_sums(made, sums);
    EXPECT_GE(sums.slice(0, 0, 1).item<float>(), 200.0F);
    backend.wait_event(of_all.get());
    EXPECT_EQ(later.to_vector<float>(), std::vector<float>(1000, 5.0F));
    made = Tensor();  // freed here, used there
  }).join();
  EXPECT_EQ(backend_for(kCpu).record_event(), nullptr);
  backend_for(kCpu).wait_event(nullptr);
  backend.wait_event(nullptr);
}

TEST_F(Streams, APlanMadeInOneRunsInAnother) {
  Generator generator(3);
  nn::Sequential model;
  model.add<nn::Linear>("fc1", 20, 33, generator);
  model.add<nn::ReLU>("relu");
  model.add<nn::Linear>("fc2", 33, 7, generator);
  const Tensor input = Tensor::normal({5, 20}, 0.0, 1.0, generator);
  const Tensor expected = model.forward(input).clone();
  model.to(kCuda);
  const CudaStreamGuard guard(kCuda, stream_);
  const nn::InferencePlan plan = nn::compile(model, 8);
  Tensor output;
  std::thread([&] {
    const Tensor there = Tensor::empty({5, 7}, DType::float32, kCuda);
    nn::InferencePlan::Workspace workspace = plan.make_workspace();
    plan.run(input.to(kCuda), there, workspace);
    output = there.to(kCpu);
  }).join();
  testing::expect_near(output, expected, 2e-5);
}

TEST_F(Streams, TheCallersDeviceStaysTheCurrentOne) {
  if (cuda_device_count() < 2) GTEST_SKIP() << "there are no two CUDA devices";
  ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
  const Tensor x = Tensor::ones({4}, DType::float32, testing::kSecondCuda);
  static_cast<void>(x.to_vector<float>());
  int device = -1;
  ASSERT_EQ(cudaGetDevice(&device), cudaSuccess);
  EXPECT_EQ(device, 0);
}

}  // namespace
}  // namespace wick
