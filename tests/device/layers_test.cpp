// SPDX-License-Identifier: MIT
// Every layer on a CUDA device against the CPU's, also recorded and replayed.
#include <algorithm>
#include <cmath>
#include <random>
#include <string_view>

#include "tests/device/device_under_test.h"
#include "tests/nn/layer_cases.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/core/recording.h"
#include "wick/nn/inference_plan.h"
#include "wick/nn/sequential.h"

namespace wick {
namespace {

using testing::expect_near;
using testing::kCuda;
using testing::LayerCase;
using testing::OnDevice;

class DeviceLayers : public OnDevice {
 protected:
  std::uint64_t seed_ = std::random_device()();
  Generator generator_{seed_};
  ::testing::ScopedTrace trace_{__FILE__, __LINE__, ::testing::Message() << "seed " << seed_};
};

// Of the elements without their signs, or 1.
double largest(const Tensor& tensor) {
  double result = 1.0;
  for (const double value : tensor.to(DType::float64).to_vector<double>()) {
    result = std::max(result, std::abs(value));
  }
  return result;
}

TEST_F(DeviceLayers, AreTheCpus) {
  for (const LayerCase& row : testing::kLayerCases) {
    for (const DType dtype : {DType::float32, DType::float64}) {
      for (const Dims& batch : {Dims{0, 3}, Dims{1}, Dims{7, 3}, Dims{3, 1031}}) {
        if (batch.size() > 1 && batch[1] > 100 && !row.trailing.empty()) continue;
        const auto layer = row.make({generator_, dtype});
        const auto there = row.make({generator_, dtype});
        there->load_state_dict(layer->state_dict());
        there->to(kCuda);
        const Tensor x = testing::layer_input(testing::input_shape(row, batch), generator_, dtype);
        const Tensor y = layer->forward(x);
        const Tensor y_there = there->forward(x.to(kCuda));
        const Tensor grad = Tensor::normal(y.shape(), 0.0, 1.0, generator_, dtype);
        // Of attention, gradients by weights are small differences of large sums.
        const std::string_view name = row.torch;
        const bool attends = name.starts_with("Multihead") || name.starts_with("Transformer");
        const double sums = attends ? 10.0 : 1.0;
        const double tolerance = sums * (dtype == DType::float64 ? 1e-13
                                         : row.pointwise         ? 5e-7
                                                                 : 1e-5);
        const std::string what = concat(row.torch, ", ", x.shape(), ' ', dtype);
        expect_near(y_there, y, tolerance, what);
        expect_near(there->backward(grad.to(kCuda)), layer->backward(grad), tolerance, what);
        const auto parameters = layer->named_parameters();
        const auto parameters_there = there->named_parameters();
        for (std::size_t i = 0; i < parameters.size(); ++i) {
          // Of sums over samples and positions, which may cancel out, the error is that of the
          // terms.
          const Tensor& wanted = parameters[i].second->grad;
          expect_near(parameters_there[i].second->grad, wanted, tolerance * largest(wanted),
                      what + parameters[i].first);
        }
        const auto buffers = layer->named_buffers();
        const auto buffers_there = there->named_buffers();
        for (std::size_t i = 0; i < buffers.size(); ++i) {
          expect_near(buffers_there[i].second->to(dtype), buffers[i].second->to(dtype), tolerance,
                      what + buffers[i].first);
        }
      }
    }
  }
}

TEST_F(DeviceLayers, GiveTheSameBitsRecordedAndReplayed) {
  for (const LayerCase& row : testing::kLayerCases) {
    if (row.view) continue;  // nothing is computed
    SCOPED_TRACE(row.torch);
    const auto layer = row.make({generator_});
    layer->to(kCuda);
    const Tensor x =
        testing::layer_input(testing::input_shape(row, {5, 37}), generator_, DType::float32)
            .to(kCuda);
    Tensor y = layer->forward(x);
    const Tensor grad = Tensor::normal(y.shape(), 0.0, 1.0, generator_).to(kCuda);
    const Tensor expected = y.clone();
    Tensor dx = layer->backward(grad);
    const Tensor expected_dx = dx.clone();
    const auto recording = x.backend().record({.compute =
                                                   [&] {
                                                     y = layer->forward(x);
                                                     dx = layer->backward(grad);
                                                   },
                                               .update = [] {}});
    recording->replay(3);
    y.zero_();
    dx.zero_();
    recording->replay(2);
    EXPECT_TRUE(bitwise_equal(y.to(kCpu), expected.to(kCpu))) << row.torch;
    EXPECT_TRUE(bitwise_equal(dx.to(kCpu), expected_dx.to(kCpu))) << row.torch;
  }
}

// A convolution with the BatchNorm and the activation behind it, pooling and what else images have.
TEST_F(DeviceLayers, OfImagesGiveTheCpusOutputsInAPlan) {
  nn::Sequential model;
  model.add<nn::Conv2d>("conv", 3, 6, nn::Size2d(3), generator_,
                        nn::ConvOptions{.padding = 2, .padding_mode = "reflect"});
  model.add<nn::BatchNorm2d>("norm", 6);
  model.add<nn::Mish>("act");
  model.add<nn::MaxPool2d>("pool", nn::Size2d(2), nn::MaxPoolOptions{.padding = 1});
  model.add<nn::ConvTranspose2d>("up", 6, 8, nn::Size2d(2, 3), generator_,
                                 nn::ConvTransposeOptions{.stride = 2});
  model.add<nn::PixelShuffle>("shuffle", 2);
  model.add<nn::Upsample>("resize",
                          nn::UpsampleOptions{.size = nn::Size2d(7, 5), .mode = "bilinear"});
  model.add<nn::AdaptiveAvgPool2d>("mean", 2);
  const Tensor x = Tensor::normal({5, 3, 7, 6}, 0.0, 1.0, generator_);
  for (int i = 0; i < 3; ++i) (void)model.forward(x);
  model.eval();
  const Tensor expected = model.forward(x).clone();
  model.to(kCuda);
  const std::vector<Dims> samples = {{3, 7, 6}};
  const nn::InferencePlan plan = nn::compile(model, samples, 5);
  auto workspace = plan.make_workspace();
  const Tensor there = x.to(kCuda);
  const Tensor output = Tensor::empty(expected.shape(), DType::float32, kCuda);
  plan.run(there, output, workspace);
  expect_near(output, expected, 1e-5, "plan");
}

}  // namespace
}  // namespace wick
