// SPDX-License-Identifier: MIT
// Every layer on a CUDA device against the CPU's, also recorded and replayed.
#include <random>
#include <string_view>

#include "tests/device/device_under_test.h"
#include "tests/nn/layer_cases.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/core/recording.h"

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
          expect_near(parameters_there[i].second->grad, parameters[i].second->grad, tolerance,
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

}  // namespace
}  // namespace wick
