// SPDX-License-Identifier: MIT
// A prepared stream, run by one thread: no allocation, no lock, no system call.
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "tests/real_time/watched_child.h"
#include "wick/core/error.h"
#include "wick/nn/recurrent_stream.h"

namespace wick::testing {
namespace {

constexpr int kSteps = 1000;

template <typename T>
void expect_quiet_steps(const nn::RNNBase& layer) {
  nn::RecurrentStream stream(layer);
  const std::vector<T> input(static_cast<std::size_t>(stream.input_size()), T(0.25));
  std::vector<T> output(static_cast<std::size_t>(stream.output_size()));
  expect_quiet(watch([&] { stream.prepare(); },
                     [&] {
                       for (int i = 0; i < kSteps; ++i) {
                         stream.step(std::span<const T>(input), std::span<T>(output));
                       }
                       stream.reset();
                     }),
               concat(layer.description(), " in ", stream.dtype()));
}

TEST(Streams, AreQuiet) {
  if (!can_watch()) GTEST_SKIP() << "this system has no seccomp filters";
  Generator generator(3);
  for (const std::int64_t hidden : {1, 16, 67, 256}) {
    for (const std::int64_t layers : {1, 2}) {
      expect_quiet_steps<float>(nn::LSTM(9, hidden, generator, {.num_layers = layers}));
      expect_quiet_steps<float>(nn::GRU(9, hidden, generator, {.num_layers = layers}));
      expect_quiet_steps<float>(nn::RNN(9, hidden, generator, {.num_layers = layers}));
    }
  }
  const DType dtype = DType::float64;
  expect_quiet_steps<double>(nn::LSTM(9, 67, generator, {.num_layers = 2, .dtype = dtype}));
  expect_quiet_steps<double>(nn::GRU(9, 67, generator, {.bias = false, .dtype = dtype}));
}

}  // namespace
}  // namespace wick::testing
