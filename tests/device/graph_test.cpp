// SPDX-License-Identifier: MIT
// Networks that branch, on the device and on the CPU; called, recorded and compiled.
#include "wick/nn/graph.h"

#include "tests/device/device_under_test.h"
#include "wick/core/backend.h"
#include "wick/core/ops.h"
#include "wick/core/recording.h"
#include "wick/nn/inference_plan.h"
#include "wick/nn/layers/activation.h"
#include "wick/nn/layers/linear.h"
#include "wick/optim/adam.h"

namespace wick {
namespace {

using testing::expect_near;
using testing::kCuda;
using testing::random_normal;

using GraphParity = testing::OnDevice;

// A residual block whose layer appears twice, and two heads.
struct Network {
  explicit Network(Device device) {
    Generator generator(31);
    const auto x = model.input();
    auto h = model.call<nn::Linear>("body", x, 7, 12, generator);
    h = model.call<nn::ReLU>("relu", h);
    const auto shared = model.call<nn::Linear>("shared", h, 12, 12, generator);
    const auto twice = model.again("shared", model.call<nn::ReLU>("relu2", shared));
    const auto sum = model.add(h, twice);
    const auto both = model.concatenate({sum, model.multiply(sum, shared)}, 1);
    model.output(model.call<nn::Linear>("actor", both, 24, 4, generator));
    model.output(model.call<nn::Linear>("critic", model.narrow(both, 1, 3, 9), 9, 1, generator));
    model.to(device);
    input = random_normal({19, 7}, generator, DType::float32).to(device);
    grads = {random_normal({19, 4}, generator, DType::float32).to(device),
             random_normal({19, 1}, generator, DType::float32).to(device)};
  }
  void compute() {
    model.zero_grad();
    (void)model.forward_all({&input, 1});
    (void)model.backward_all(grads, false);
  }
  nn::Graph model;
  Tensor input;
  std::vector<Tensor> grads;
};

TEST_F(GraphParity, ForwardBackwardAndPlan) {
  Network here(kCpu);
  Network there(kCuda);
  const auto expected = here.model.forward_all({&here.input, 1});
  const auto actual = there.model.forward_all({&there.input, 1});
  for (std::size_t i = 0; i < 2; ++i) expect_near(actual[i], expected[i], 2e-5, concat(i));
  expect_near(there.model.backward_all(there.grads)[0], here.model.backward_all(here.grads)[0],
              2e-5, "input");
  for (std::size_t i = 0; i < here.model.parameters().size(); ++i) {
    expect_near(there.model.parameters()[i]->grad, here.model.parameters()[i]->grad, 2e-5,
                here.model.named_parameters()[i].first);
  }
  const std::vector<Dims> shapes = {{7}};
  const nn::InferencePlan plan = nn::compile(there.model, shapes, 19);
  nn::InferencePlan::Workspace workspace = plan.make_workspace();
  const std::vector<Tensor> outputs = {Tensor::empty({19, 4}, DType::float32, kCuda),
                                       Tensor::empty({19, 1}, DType::float32, kCuda)};
  plan.run_all({&there.input, 1}, outputs, workspace);
  for (std::size_t i = 0; i < 2; ++i) expect_near(outputs[i], expected[i], 2e-5, concat(i));
}

TEST_F(GraphParity, ReplaysAreTheStepsThemselves) {
  Network called(kCuda);
  Network replayed(kCuda);
  optim::Adam called_adam(called.model.parameters(), {.lr = 0.01});
  optim::Adam replayed_adam(replayed.model.parameters(), {.lr = 0.01});
  const auto recording =
      backend_for(kCuda).record({[&] { replayed.compute(); }, [&] { replayed_adam.step(); }});
  recording->replay(5);
  for (int i = 0; i < 5; ++i) {
    called.compute();
    called_adam.step();
  }
  testing::expect_same_parameters(called.model, replayed.model);
}

}  // namespace
}  // namespace wick
