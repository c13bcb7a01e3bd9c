// SPDX-License-Identifier: MIT
// A step that is recorded once and replayed does what the same calls do.
#include "wick/core/recording.h"

#include <cuda_runtime_api.h>

#include "tests/device/small_training.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/kernels/cuda_stream.h"
#include "wick/nn/layers/batch_norm.h"
#include "wick/nn/layers/dropout.h"
#include "wick/nn/layers/norm.h"

namespace wick {
namespace {

using testing::expect_throw_with;
using testing::kCuda;
using testing::OnDevice;
using testing::SmallTraining;

using Recordings = OnDevice;

void expect_same_state(SmallTraining& a, SmallTraining& b, const std::string& what) {
  SCOPED_TRACE(what);
  testing::expect_same_parameters(a.model, b.model);
  EXPECT_TRUE(bitwise_equal(a.loss_sum, b.loss_sum)) << what;
  EXPECT_TRUE(a.optimizer().state_dict() == b.optimizer().state_dict()) << what;
}

TEST_F(Recordings, ReplayIsTheSameBitsAsTheCalls) {
  for (const char* const optimizer : {"sgd", "adam", "adamw"}) {
    SmallTraining called(kCuda, optimizer);
    SmallTraining replayed(kCuda, optimizer);
    const auto recording = backend_for(kCuda).record(replayed.recorded_step());
    for (const std::int64_t count : {1, 1, 3, 3}) {  // warms up, records, replays
      recording->replay(count);
      for (std::int64_t i = 0; i < count; ++i) {
        called.compute();
        called.update();
      }
      expect_same_state(replayed, called, concat(optimizer, ", ", count, " more steps"));
    }
    EXPECT_EQ(replayed.optimizer().lr(), called.optimizer().lr());
    // The host's bookkeeping went on, so that both can go on by calls.
    called.rewind();
    replayed.rewind();
    called.compute();
    called.update();
    replayed.compute();
    replayed.update();
    expect_same_state(replayed, called, optimizer);
  }
}

TEST_F(Recordings, ReplayUnderAutocastIsTheSameBitsAsTheCalls) {
  SmallTraining called(kCuda, "adamw", DType::bfloat16);
  SmallTraining replayed(kCuda, "adamw", DType::bfloat16);
  const auto recording = backend_for(kCuda).record(replayed.recorded_step());
  recording->replay(SmallTraining::kSteps);
  for (std::int64_t i = 0; i < SmallTraining::kSteps; ++i) {
    called.compute();
    called.update();
  }
  expect_same_state(replayed, called, "autocast");
  SmallTraining plain(kCuda, "adamw");
  plain.compute();
  called.rewind();
  called.compute();
  EXPECT_FALSE(bitwise_equal(plain.loss, called.loss));
}

TEST_F(Recordings, MoreStepsThanTheTableHolds) {
  SmallTraining called(kCuda, "sgd");
  SmallTraining replayed(kCuda, "sgd");
  // Of one batch again and again: the counter is part of the step, and would leave the epoch.
  const auto only_first = [](SmallTraining& training) {
    return RecordedStep{[&training] {
                          training.rewind();
                          training.compute();
                        },
                        [&training] { training.update(); }};
  };
  const auto recording = backend_for(kCuda).record(only_first(replayed));
  const auto calls = call_again(only_first(called));
  recording->replay(600);
  calls->replay(600);
  expect_same_state(replayed, called, "600 steps");
}

TEST_F(Recordings, OfTheCpuCallsTheFunctions) {
  SmallTraining called(kCpu, "adam");
  SmallTraining replayed(kCpu, "adam");
  const auto recording = backend_for(kCpu).record(replayed.recorded_step());
  recording->replay(5);
  for (int i = 0; i < 5; ++i) {
    called.compute();
    called.update();
  }
  expect_same_state(replayed, called, "5 steps");
}

TEST_F(Recordings, RefuseWhatCannotBeReplayed) {
  SmallTraining training(kCuda, "adam");
  Backend& backend = backend_for(kCuda);
  const auto refused = [&](const std::function<void()>& compute, const char* text) {
    const auto recording = backend.record({compute, [] {}});
    recording->replay(1);
    expect_throw_with<ValueError>([&] { recording->replay(1); }, text);
    // The device is as usable as before.
    EXPECT_EQ(Tensor::ones({2}, DType::float32, kCuda).to_vector<float>(),
              (std::vector<float>{1, 1}));
  };
  refused([&] { static_cast<void>(training.loss_sum.item<double>()); }, "read results");
  refused([&] { static_cast<void>(Tensor::empty({4}, DType::float32, kCuda)); }, "allocate");
  refused([&] { backend.synchronize(); }, "wait for the device");
  const auto recording = backend.record({[] {}, [&] { training.loss_sum.zero_(); }});
  recording->replay(2);
  expect_throw_with<ValueError>([&] { recording->replay(1); }, "optimizers only");
  EXPECT_THROW(recording->replay(-1), ValueError);
}

TEST_F(Recordings, ReportLabelsOutOfRange) {
  const Tensor logits = Tensor::zeros({2, 3}, DType::float32, kCuda);
  const Tensor targets = Tensor::from<std::int64_t>({0, 1}, {2}, kCuda);
  nn::CrossEntropyLoss criterion;
  const auto recording = backend_for(kCuda).record(
      {[&] { static_cast<void>(criterion.forward(logits, targets)); }, [] {}});
  recording->replay(3);
  backend_for(kCuda).synchronize();
  targets.copy_(Tensor::from<std::int64_t>({0, 5}, {2}));
  recording->replay(1);
  expect_throw_with<IndexError>([&] { backend_for(kCuda).synchronize(); }, "target 5 of row 1");
}

TEST_F(Recordings, ReportWhereTheyAreReplayed) {
  const Tensor logits = Tensor::zeros({2, 3}, DType::float32, kCuda);
  const Tensor targets = Tensor::from<std::int64_t>({0, 1}, {2}, kCuda);
  nn::CrossEntropyLoss criterion;
  const auto recording = backend_for(kCuda).record(
      {[&] { static_cast<void>(criterion.forward(logits, targets)); }, [] {}});
  recording->replay(3);  // captured in the device's own stream
  targets.copy_(Tensor::from<std::int64_t>({7, 5}, {2}));
  backend_for(kCuda).synchronize();
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  {
    const CudaStreamGuard guard(kCuda, stream);
    recording->replay(2);
  }
  backend_for(kCuda).synchronize();  // has nothing to report
  {
    const CudaStreamGuard guard(kCuda, stream);
    expect_throw_with<IndexError>([&] { backend_for(kCuda).synchronize(); }, "target 7 of row 0");
    backend_for(kCuda).synchronize();  // once
    targets.copy_(Tensor::from<std::int64_t>({0, 1}, {2}));
    recording->replay(1);
    backend_for(kCuda).synchronize();
  }
  EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
}

TEST_F(Recordings, GoOnInAnotherStream) {
  SmallTraining called(kCuda, "adam");
  SmallTraining replayed(kCuda, "adam");
  const auto calls = call_again(called.recorded_step());
  const auto recording = backend_for(kCuda).record(replayed.recorded_step());
  calls->replay(7);
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  recording->replay(3);
  {
    // The host waits for nothing in between; its table and its counter are used by both streams.
    const CudaStreamGuard guard(kCuda, stream);
    recording->replay(2);
  }
  recording->replay(2);
  expect_same_state(replayed, called, "7 steps in two streams");
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
}

// A step with random numbers and running statistics.
class NoisyTraining {
 public:
  explicit NoisyTraining(Device device = kCuda) : generator(device, 77), other(device, 78) {
    Generator values(3);
    x_ = Tensor::normal({12, 9}, 0.0, 1.0, values).to(device);
    grad_ = Tensor::normal({12, 7}, 0.0, 1.0, values).to(device);
    noise_ = Tensor::empty({12, 9}, DType::float32, device);
    model.add<nn::Linear>("fc1", 9, 33, values);
    model.add<nn::BatchNorm1d>("norm1", 33, nn::BatchNormOptions{.momentum = std::nullopt});
    model.add<nn::ReLU>("relu");
    model.add<nn::Dropout>("dropout1", generator, 0.3);
    model.add<nn::LayerNorm>("norm2", 33);
    model.add<nn::Dropout>("dropout2", other, 0.5);
    model.add<nn::Linear>("fc2", 33, 7, values);
    model.add<nn::BatchNorm1d>("norm3", 7);
    model.to(device);
    optimizer_ = std::make_unique<optim::Adam>(model.parameters(), optim::AdamOptions{.lr = 0.01});
  }
  void compute() {
    noise_.normal_(0.0, 0.1, generator);
    ops::add(x_, noise_, noise_);
    optimizer_->zero_grad();
    output = model.forward(noise_);
    model.backward(grad_, false);
  }
  void update() { optimizer_->step(); }
  [[nodiscard]] RecordedStep step() {
    return {[this] { compute(); }, [this] { update(); }, nullptr};
  }
  void call(std::int64_t count) { call_again(step())->replay(count); }

  Generator generator;
  Generator other;
  nn::Sequential model;
  Tensor output;

 private:
  Tensor x_, grad_, noise_;
  std::unique_ptr<optim::Optimizer> optimizer_;
};

void expect_same(NoisyTraining& a, NoisyTraining& b, const std::string& what) {
  SCOPED_TRACE(what);
  EXPECT_TRUE(bitwise_equal(a.output.to(kCpu), b.output.to(kCpu)));
  testing::expect_same_parameters(a.model, b.model);
  const auto buffers = b.model.named_buffers();
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    EXPECT_TRUE(
        bitwise_equal(a.model.named_buffers()[i].second->to(kCpu), buffers[i].second->to(kCpu)))
        << buffers[i].first;
  }
  EXPECT_TRUE(bitwise_equal(a.generator.get_state(), b.generator.get_state()));
  EXPECT_TRUE(bitwise_equal(a.other.get_state(), b.other.get_state()));
}

TEST_F(Recordings, DrawAndNormaliseAsTheCalls) {
  for (const Device device : {kCuda, kCpu}) {
    NoisyTraining called(device);
    NoisyTraining replayed(device);
    const auto recording = backend_for(device).record(replayed.step());
    for (const std::int64_t count : {1, 1, 3, 2}) {  // warms up, records, replays
      recording->replay(count);
      called.call(count);
      expect_same(replayed, called, concat(device, ", ", count, " more steps"));
    }
    // Both go on by calls, and then by replays again.
    called.call(2);
    replayed.call(1);
    recording->replay(1);
    expect_same(replayed, called, concat(device, ", calls in between"));
  }
}

TEST_F(Recordings, DrawFromAGeneratorThatWasSetBetweenReplays) {
  NoisyTraining called;
  NoisyTraining replayed;
  const auto recording = backend_for(kCuda).record(replayed.step());
  recording->replay(4);
  called.call(4);
  const Tensor state = called.generator.get_state();
  for (int i = 0; i < 2; ++i) {
    recording->replay(2);
    called.call(2);
    expect_same(replayed, called, "set");
    replayed.generator.set_state(state);
    called.generator.set_state(state);
    replayed.other.manual_seed(9);
    called.other.manual_seed(9);
  }
}

TEST_F(Recordings, DrawInMoreStepsThanTheTableHolds) {
  Generator called(kCuda, 1);
  Generator replayed(kCuda, 1);
  const Tensor a = Tensor::zeros({3}, DType::float32, kCuda);
  const Tensor b = Tensor::zeros({3}, DType::float32, kCuda);
  const auto recording = backend_for(kCuda).record({[&] { a.uniform_(0, 1, replayed); }, [] {}});
  recording->replay(300);
  for (int i = 0; i < 300; ++i) b.uniform_(0, 1, called);
  EXPECT_TRUE(bitwise_equal(a.to(kCpu), b.to(kCpu)));
  EXPECT_TRUE(bitwise_equal(called.get_state(), replayed.get_state()));
}

TEST_F(Recordings, RefuseDrawsThatCannotBeReplayed) {
  Generator generator(kCuda, 1);
  Generator late(kCuda, 2);
  const Tensor x = Tensor::zeros({3}, DType::float32, kCuda);
  int calls = 0;
  const auto another =
      backend_for(kCuda).record({[&] { x.uniform_(0, 1, ++calls > 1 ? late : generator); }, [] {}});
  another->replay(1);
  expect_throw_with<ValueError>([&] { another->replay(1); }, "the first one did not draw");
  const auto seeded = backend_for(kCuda).record({[&] {
                                                   x.uniform_(0, 1, generator);
                                                   generator.manual_seed(4);
                                                   x.uniform_(0, 1, generator);
                                                 },
                                                 [] {}});
  seeded->replay(1);
  generator.manual_seed(3);
  expect_throw_with<ValueError>([&] { seeded->replay(1); }, "cannot seed a generator");
  const auto updates = backend_for(kCuda).record({[] {}, [&] { x.uniform_(0, 1, generator); }});
  updates->replay(1);
  expect_throw_with<ValueError>([&] { updates->replay(2); }, "optimizers only");
}

}  // namespace
}  // namespace wick
