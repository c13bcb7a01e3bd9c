// SPDX-License-Identifier: MIT
// Recurrent layers with states and lengths, and attention with masks, on a CUDA device against the
// CPU's. The layers alone are in layers_test.cpp.
#include <memory>
#include <random>
#include <vector>

#include "tests/device/device_under_test.h"
#include "wick/core/recording.h"
#include "wick/nn/layers/multihead_attention.h"
#include "wick/nn/layers/recurrent.h"
#include "wick/nn/layers/transformer_encoder.h"

namespace wick {
namespace {

using testing::expect_near;
using testing::kCuda;
using testing::OnDevice;

class DeviceSequences : public OnDevice {
 protected:
  [[nodiscard]] Tensor normal(const Dims& shape, DType dtype) {
    return Tensor::normal(shape, 0.0, 1.0, generator_, dtype);
  }
  [[nodiscard]] Tensor hidden(const Dims& shape) {
    const Tensor mask = Tensor::empty(shape, DType::boolean);
    generator_.bernoulli(mask, 0.4);
    return mask;
  }
  std::uint64_t seed_ = std::random_device()();
  Generator generator_{seed_};
  ::testing::ScopedTrace trace_{__FILE__, __LINE__, ::testing::Message() << "seed " << seed_};
};

std::unique_ptr<nn::Module> there_of(const nn::Module& layer) {
  auto there = layer.clone();
  there->to(kCuda);
  return there;
}

void expect_same_gradients(const nn::Module& there, const nn::Module& here, double tolerance) {
  const auto parameters = here.named_parameters();
  const auto others = there.named_parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    expect_near(others[i].second->grad, parameters[i].second->grad, tolerance, parameters[i].first);
  }
}

TEST_F(DeviceSequences, RecurrentLayersAreTheCpus) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const double tolerance = dtype == DType::float64 ? 1e-12 : 2e-5;
    const nn::LSTM lstm(3, 37, generator_,
                        {.num_layers = 2, .bidirectional = true, .dtype = dtype});
    const nn::GRU gru(3, 37, generator_, {.num_layers = 2, .bidirectional = true, .dtype = dtype});
    const nn::RNN rnn(3, 37, generator_, {.num_layers = 2, .bidirectional = true, .dtype = dtype});
    for (const nn::Module* const each :
         {static_cast<const nn::Module*>(&lstm), static_cast<const nn::Module*>(&gru),
          static_cast<const nn::Module*>(&rnn)}) {
      SCOPED_TRACE(concat(each->type_name(), ' ', dtype));
      const auto copy = each->clone();
      const auto moved = there_of(*each);
      auto& here = static_cast<nn::RNNBase&>(*copy);
      auto& there = static_cast<nn::RNNBase&>(*moved);
      const bool memory = here.cell() == CellOp::lstm;
      const auto state = [&] {
        return nn::RecurrentState{normal({4, 3, 37}, dtype),
                                  memory ? normal({4, 3, 37}, dtype) : Tensor()};
      };
      const auto to_there = [](const nn::RecurrentState& from) {
        return nn::RecurrentState{from.h.to(kCuda), from.c.defined() ? from.c.to(kCuda) : Tensor()};
      };
      const Tensor x = normal({5, 3, 3}, dtype);
      const nn::RecurrentState initial = state();
      const std::vector<std::int64_t> lengths{5, 1, 3};
      const nn::RecurrentOutput y = here.forward(x, initial, lengths);
      const nn::RecurrentOutput z = there.forward(x.to(kCuda), to_there(initial), lengths);
      expect_near(z.output, y.output, tolerance, "output");
      expect_near(z.state.h, y.state.h, tolerance, "h_n");
      const Tensor grad = normal(y.output.shape(), dtype);
      const nn::RecurrentState grad_state = state();
      const nn::RecurrentGradients a = here.backward(grad, grad_state);
      const nn::RecurrentGradients b = there.backward(grad.to(kCuda), to_there(grad_state));
      expect_near(b.input, a.input, tolerance, "input");
      expect_near(b.initial.h, a.initial.h, tolerance, "h_0");
      if (memory) expect_near(b.initial.c, a.initial.c, tolerance, "c_0");
      expect_same_gradients(there, here, tolerance);
    }
  }
}

TEST_F(DeviceSequences, AttentionIsTheCpus) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const double tolerance = dtype == DType::float64 ? 1e-12 : 2e-5;
    for (const std::int64_t size : {6, 280}) {  // a head wider than what a warp sums at a time
      for (const int kind : {0, 1, 2}) {
        SCOPED_TRACE(concat(dtype, ", size ", size, ", masks ", kind));
        nn::MultiheadAttention here(size, 2, generator_, {.batch_first = true, .dtype = dtype});
        const auto moved = there_of(here);
        auto& there = static_cast<nn::MultiheadAttention&>(*moved);
        const Tensor query = normal({2, 35, size}, dtype);
        const Tensor key = kind == 2 ? normal({2, 70, size}, dtype) : query;
        nn::AttentionMasks masks;
        if (kind == 1) masks.is_causal = true;
        if (kind == 2) masks = {hidden({2, 70}), normal({4, 35, 70}, dtype), false};
        nn::AttentionMasks moved_masks{{}, {}, masks.is_causal};
        if (kind == 2) {
          moved_masks.key_padding_mask = masks.key_padding_mask.to(kCuda);
          moved_masks.attn_mask = masks.attn_mask.to(kCuda);
        }
        const Tensor query_there = query.to(kCuda);
        const Tensor key_there = kind == 2 ? key.to(kCuda) : query_there;
        const Tensor y = here.forward(query, key, key, masks);
        expect_near(there.forward(query_there, key_there, key_there, moved_masks), y, tolerance,
                    "output");
        const Tensor grad = normal(y.shape(), dtype);
        const nn::AttentionInputGradients a = here.backward_all(grad);
        const nn::AttentionInputGradients b = there.backward_all(grad.to(kCuda));
        expect_near(b.query, a.query, tolerance, "query");
        if (kind == 2) {
          expect_near(b.key, a.key, tolerance, "key");
          expect_near(b.value, a.value, tolerance, "value");
        }
        expect_same_gradients(there, here, tolerance);
      }
    }
  }
}

// With dropout, a part of the probabilities is missing, and the others are larger.
TEST_F(DeviceSequences, AttentionDropsProbabilities) {
  Generator draws(kCuda, 3);
  nn::MultiheadAttention layer(4, 1, {.dropout = 0.5, .batch_first = true});
  layer.to(kCuda);
  layer.set_generator(draws);
  const Tensor x = normal({2, 9, 4}, DType::float32).to(kCuda);
  const Tensor y = layer.forward(x).clone();
  EXPECT_FALSE(bitwise_equal(layer.forward(x).to(kCpu), y.to(kCpu)));
  EXPECT_EQ(layer.backward(y).shape(), x.shape());
}

TEST_F(DeviceSequences, EncodersTrainInARecording) {
  nn::TransformerEncoderLayer layer(8, 2, generator_,
                                    {.dim_feedforward = 12, .dropout = 0.0, .batch_first = true});
  nn::TransformerEncoder encoder(layer, 2);
  encoder.to(kCuda);
  const Tensor x = normal({2, 6, 8}, DType::float32).to(kCuda);
  const Tensor mask = hidden({6, 6}).to(kCuda);
  Tensor y = encoder.forward(x, {.src_mask = mask});
  const Tensor grad = normal(y.shape(), DType::float32).to(kCuda);
  const Tensor expected = y.clone();
  Tensor dx = encoder.backward(grad);
  const Tensor expected_dx = dx.clone();
  const auto recording = x.backend().record({.compute =
                                                 [&] {
                                                   y = encoder.forward(x, {.src_mask = mask});
                                                   dx = encoder.backward(grad);
                                                 },
                                             .update = [] {}});
  recording->replay(2);
  EXPECT_TRUE(bitwise_equal(y.to(kCpu), expected.to(kCpu)));
  EXPECT_TRUE(bitwise_equal(dx.to(kCpu), expected_dx.to(kCpu)));
}

}  // namespace
}  // namespace wick
