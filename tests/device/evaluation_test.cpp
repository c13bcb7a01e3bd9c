// SPDX-License-Identifier: MIT
// Evaluation between training's steps: a device that keeps more of a forward() than the CPU does
// (what a ReLU let through, a bit for each element) never takes it for that of another one.
#include "tests/device/small_training.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/nn/sequential.h"

namespace wick {
namespace {

using testing::expect_near;
using testing::expect_throw_with;
using testing::kCuda;
using testing::SmallTraining;

using Evaluation = testing::OnDevice;

// Of sizes that no other test has: the backend remembers what it has learned about each product.
struct Network {
  Network(Device device, DType autocast) {
    Generator generator(21);
    model.add<nn::Linear>("fc1", 9, 32, generator);
    model.add<nn::ReLU>("relu1");
    model.add<nn::Linear>("fc2", 32, 24, generator);
    model.add<nn::ReLU>("relu2");
    model.add<nn::Linear>("fc3", 24, 4, generator);
    model.to(device);
    model.autocast(autocast);
    for (const std::int64_t rows : {13, 41}) {
      inputs.push_back(Tensor::normal({rows, 9}, 0, 1, generator).to(device));
      grads.push_back(Tensor::normal({rows, 4}, 0, 1, generator).to(device));
    }
  }
  nn::Sequential model;
  std::vector<Tensor> inputs;  // the second has more rows than training sees
  std::vector<Tensor> grads;
};

TEST_F(Evaluation, HasTheGradientsOfItsOwnForward) {
  for (const DType autocast : {DType::float32, DType::bfloat16}) {
    const double rtol = autocast == DType::float32 ? 2e-5 : 2e-2;
    for (const std::size_t batch : {0U, 1U}) {
      Network there(kCuda, autocast);
      Network here(kCpu, autocast);
      const auto evaluate = [batch](Network& network) {
        // Leaves its bits: of other neurons than those of the batch that is evaluated.
        const Tensor& input = network.inputs[0];
        (void)network.model.forward(
            Tensor::full(input.shape(), 0.25, input.dtype(), input.device()));
        network.model.eval();
        (void)network.model.forward(network.inputs[batch]);
        return network.model.backward(network.grads[batch]).clone();
      };
      expect_near(evaluate(there), evaluate(here), rtol, concat("input, batch ", batch));
      for (std::size_t i = 0; i < here.model.parameters().size(); ++i) {
        expect_near(there.model.parameters()[i]->grad, here.model.parameters()[i]->grad, rtol,
                    concat("parameter ", i, ", batch ", batch));
      }
    }
  }
}

TEST_F(Evaluation, BetweenForwardAndBackwardIsAnError) {
  Network network(kCuda, DType::float32);
  for (const std::size_t batch : {0U, 1U}) {
    (void)network.model.forward(network.inputs[0]);
    network.model.eval();
    (void)network.model.forward(network.inputs[batch]);
    network.model.train();
    expect_throw_with<ValueError>([&] { network.model.backward(network.grads[0]); },
                                  "call forward() again before it");
  }
}

TEST_F(Evaluation, BetweenReplaysChangesNothing) {
  SmallTraining called(kCuda, "adam");
  SmallTraining replayed(kCuda, "adam");
  // No more rows than a step has: the layers keep their memory, which the recording uses.
  const auto evaluate = [](SmallTraining& training) {
    training.model.eval();
    const Tensor input = Tensor::ones({SmallTraining::kBatch, 20}, DType::float32, kCuda);
    const Tensor output = training.model.forward(input).clone();
    training.model.train();
    return output;
  };
  const auto recording = backend_for(kCuda).record(replayed.recorded_step());
  for (const std::int64_t count : {1, 2, 3}) {
    recording->replay(count);
    for (std::int64_t i = 0; i < count; ++i) {
      called.compute();
      called.update();
    }
    EXPECT_TRUE(bitwise_equal(evaluate(replayed), evaluate(called))) << count;
  }
  testing::expect_same_parameters(called.model, replayed.model);
}

}  // namespace
}  // namespace wick
