// SPDX-License-Identifier: MIT
// NaN passes through products, biases, ReLUs and their gradients on every device, as in PyTorch.
#include <cmath>
#include <limits>
#include <random>

#include "tests/device/small_training.h"
#include "wick/core/backend.h"
#include "wick/core/ops.h"

namespace wick {
namespace {

using testing::expect_near;
using testing::kCuda;
using testing::OnDevice;
using testing::random_normal;
using testing::SmallTraining;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

using NotANumber = OnDevice;

// x = torch.tensor([nan, -1., 0., -0., 2., inf, -inf], requires_grad=True)
// y = torch.relu(x); y.backward(torch.full_like(x, 3.))
// y: [nan, 0., 0., -0., 2., inf, 0.]; x.grad: [3., 0., 0., 0., 3., 3., 0.]
TEST_F(NotANumber, ReluAndItsGradientAreThoseOfPyTorch) {
  const std::vector<float> x = {kNaN, -1.0F, 0.0F, -0.0F, 2.0F, kInf, -kInf};
  const std::vector<float> y = {kNaN, 0.0F, 0.0F, -0.0F, 2.0F, kInf, 0.0F};
  const std::vector<float> grad = {3.0F, 0.0F, 0.0F, 0.0F, 3.0F, 3.0F, 0.0F};
  for (const Device device : {kCpu, kCuda}) {
    for (const DType dtype : {DType::float32, DType::float64}) {
      // Long enough for vectors, and not a multiple of them.
      const auto repeated = [&](const std::vector<float>& values) {
        const Tensor row = Tensor::from<float>(values, {1, 7}).to(dtype);
        const Tensor many = Tensor::empty({9, 7}, dtype);
        for (std::int64_t i = 0; i < 9; ++i) many.slice(0, i, i + 1).copy_(row);
        return many.to(device);
      };
      const Tensor in = repeated(x);
      const Tensor out = Tensor::empty({9, 7}, dtype, device);
      ops::relu(in, out);
      expect_near(out, repeated(y).to(kCpu), 0.0, "relu");
      const Tensor threes = Tensor::full({9, 7}, 3.0, dtype, device);
      const Tensor in_grad = Tensor::empty({9, 7}, dtype, device);
      ops::relu_backward(threes, out, in_grad);
      expect_near(in_grad, repeated(grad).to(kCpu), 0.0, "relu_backward");
      // The same behind a product: with the identity.
      const Tensor identity = Tensor::zeros({7, 7}, dtype);
      for (std::int64_t i = 0; i < 7; ++i)
        identity.slice(0, i, i + 1).slice(1, i, i + 1).fill_(1.0);
      ops::matmul(threes, identity.to(device), in_grad, {.relu_mask = &out});
      expect_near(in_grad, repeated(grad).to(kCpu), 0.0, "matmul with a mask");
    }
  }
}

std::int64_t nan_count(const Tensor& tensor) {
  std::int64_t count = 0;
  for (const double value : tensor.to(kCpu).to(DType::float64).to_vector<double>()) {
    count += std::isnan(value) ? 1 : 0;
  }
  return count;
}

void poison(const Tensor& matrix, std::mt19937& random) {
  const auto at = [&](std::int64_t size) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(size));
  };
  const std::int64_t row = at(matrix.size(0));
  const Tensor found = matrix.dim() == 1 ? matrix : matrix[row];
  const std::int64_t col = at(found.size(0));
  found.slice(0, col, col + 1).fill_(kNaN);
}

TEST_F(NotANumber, PassesThroughAReluBehindAProduct) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(concat("seed ", seed));
  std::mt19937 random(seed);
  Generator generator(seed);
  for (int round = 0; round < 60; ++round) {
    const auto size = [&] { return static_cast<std::int64_t>(1 + random() % 70); };
    const std::int64_t m = size();
    const std::int64_t n = size();
    const std::int64_t k = size();
    constexpr DType kDtypes[] = {DType::float32, DType::float64, DType::bfloat16};
    const DType operands = kDtypes[random() % 3];
    const DType dtype =
        operands == DType::bfloat16 && random() % 2 == 0 ? DType::float32 : operands;
    const Tensor a = random_normal({m, k}, generator, operands);
    const Tensor b = random_normal({n, k}, generator, operands);
    const Tensor bias = random_normal({n}, generator, dtype);
    const std::uint64_t where = random() % 3;
    poison(where == 0 ? a : where == 1 ? b : bias, random);
    const bool with_bias = where == 2 || random() % 2 == 0;
    const auto product = [&](Device device) {
      const Tensor bias_there = bias.to(device);
      const Tensor out = Tensor::empty({m, n}, dtype, device);
      ops::ReluBits bits;
      if (random() % 2 == 0) bits.prepare(out);
      ops::matmul(a.to(device), b.to(device), out,
                  {.transpose_b = true,
                   .bias = with_bias ? &bias_there : nullptr,
                   .relu = true,
                   .relu_bits = &bits});
      return out;
    };
    const Tensor expected = product(kCpu);
    EXPECT_GT(nan_count(expected), 0);
    expect_near(product(kCuda), expected, dtype == DType::bfloat16 ? 2e-2 : 1e-4,
                concat(m, " x ", k, " x ", n, " ", operands, " into ", dtype, ", NaN in ", where));
  }
}

// Linear, ReLU, Linear, ReLU, Linear: forward and backward, with masks of bits where it trains. Of
// sizes that no other test has: the backend remembers what it has learned about each product.
TEST_F(NotANumber, PassesThroughANetworkForwardAndBackward) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(concat("seed ", seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 24; ++round) {
    const bool trains = round % 2 == 0;
    const bool autocast = round % 4 >= 2;
    const auto width = static_cast<std::int64_t>(2 + random() % 150);
    const std::uint64_t numbers = random();
    const std::uint64_t poisoned = random();
    const auto run = [&](Device device) {
      Generator generator(numbers);
      std::mt19937 where(static_cast<unsigned>(poisoned));
      nn::Sequential model;
      model.add<nn::Linear>("fc1", 7, width, generator);
      model.add<nn::ReLU>("relu1");
      model.add<nn::Linear>("fc2", width, width + 1, generator);
      model.add<nn::ReLU>("relu2");
      model.add<nn::Linear>("fc3", width + 1, 3, generator);
      Tensor input = Tensor::normal({9, 7}, 0.0, 1.0, generator);
      const Tensor grad = Tensor::normal({9, 3}, 0.0, 1.0, generator);
      const std::uint64_t place = where() % 3;
      poison(place == 0 ? input : model.parameters()[place == 1 ? 0 : 3]->value, where);
      model.to(device);
      if (autocast) model.autocast(DType::bfloat16);
      if (!trains) model.eval();
      model.zero_grad();
      std::vector<Tensor> results = {model.forward(input.to(device))};
      results.push_back(model.backward(grad.to(device)));
      for (const ParameterPtr& parameter : model.parameters()) results.push_back(parameter->grad);
      return results;
    };
    const std::vector<Tensor> expected = run(kCpu);
    const std::vector<Tensor> actual = run(kCuda);
    EXPECT_GT(nan_count(expected[0]), 0);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      expect_near(actual[i], expected[i], autocast ? 3e-2 : 5e-5,
                  concat("width ", width, trains ? ", training" : ", eval",
                         autocast ? ", autocast" : "", ", result ", i));
    }
  }
}

TEST_F(NotANumber, PassesThroughWholeStepsOfASmallNetwork) {
  const auto train = [](Device device, bool at_once) {
    SmallTraining training(device, "sgd");
    training.model.parameters()[1]->value.slice(0, 3, 4).fill_(kNaN);  // of the hidden layer's bias
    if (at_once) {
      RecordedStep step = training.whole_step();
      step.compute = [] { ADD_FAILURE() << "not by the kernel for whole steps"; };
      backend_for(device).record(std::move(step))->replay(1);
    } else {
      training.compute();
      training.update();
    }
    std::vector<Tensor> results = {training.loss_sum};
    for (const ParameterPtr& parameter : training.model.parameters()) {
      results.push_back(parameter->value);
      results.push_back(parameter->grad);
    }
    for (Tensor& result : results) result = result.to(kCpu).clone();
    return results;
  };
  const std::vector<Tensor> expected = train(kCpu, false);
  EXPECT_GT(nan_count(expected[2]), 0);  // the first weight's gradient
  for (const bool at_once : {false, true}) {
    const std::vector<Tensor> actual = train(kCuda, at_once);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      expect_near(actual[i], expected[i], 2e-4, concat("at once ", at_once, ", result ", i));
    }
  }
}

}  // namespace
}  // namespace wick
