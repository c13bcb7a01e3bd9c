// SPDX-License-Identifier: MIT
// Subnormal numbers in a plan: as the calling thread treats them, and it does so afterwards, too.
#include <cmath>
#include <memory>

#include <gtest/gtest.h>

#include "tests/real_time/networks.h"
#include "wick/kernels/devices.h"
#include "wick/kernels/flush_denormal.h"
#include "wick/nn/layers/linear.h"
#include "wick/nn/sequential.h"

namespace wick::testing {
namespace {

// Whatever a test did.
class KeepFlushDenormal {
 public:
  KeepFlushDenormal() = default;
  KeepFlushDenormal(const KeepFlushDenormal&) = delete;
  KeepFlushDenormal& operator=(const KeepFlushDenormal&) = delete;
  ~KeepFlushDenormal() { set_flush_denormal(before_); }

 private:
  bool before_ = flush_denormal();
};

// How many elements are neither zero nor normal.
template <typename T>
int subnormals(const Tensor& tensor) {
  int count = 0;
  for (const T value : tensor.to_vector<T>()) count += std::fpclassify(value) == FP_SUBNORMAL;
  return count;
}

template <typename T>
void check(DType dtype, double small, int threads) {
  const KeepFlushDenormal keep;
  constexpr std::int64_t kBatch = 64;
  constexpr std::int64_t kWidth = 256;
  nn::Sequential model;
  Generator generator(3);
  model.add<nn::Linear>("fc", kWidth, kWidth, generator,
                        nn::LinearOptions{.bias = false, .dtype = dtype});
  // Each output is half an input.
  const Tensor weight = model.parameters().front()->value;
  weight.fill_(0.0);
  for (std::int64_t i = 0; i < kWidth; ++i) weight.data<T>()[i * kWidth + i] = T{0.5};
  const std::vector<Dims> samples{{kWidth}};
  const nn::InferencePlan plan = nn::compile(model, samples, kBatch);
  nn::InferencePlan::Workspace workspace = plan.make_workspace();
  plan.prepare(workspace);
  const Tensor x = Tensor::full({kBatch, kWidth}, small, dtype);
  const Tensor y = Tensor::zeros({kBatch, kWidth}, dtype);
  set_num_threads(threads);
  for (const bool flush : {false, true, false}) {
    set_flush_denormal(flush);
    plan.run(x, y, workspace);
    EXPECT_EQ(flush_denormal(), flush);
    set_flush_denormal(false);  // to look at them
    EXPECT_EQ(subnormals<T>(y), flush ? 0 : kBatch * kWidth)
        << dtype << ", " << threads << " threads, flush " << flush;
  }
  set_num_threads(1);
}

TEST(Denormals, AreTreatedAsTheCallingThreadDoes) {
  if (!set_flush_denormal(flush_denormal())) GTEST_SKIP() << "this processor cannot flush";
  for (const int threads : {1, 2}) {
    check<float>(DType::float32, 1.5e-38, threads);  // a normal number, whose half is none
    check<float>(DType::float32, 1e-40, threads);    // a subnormal one
    check<double>(DType::float64, 3e-308, threads);
    check<double>(DType::float64, 1e-310, threads);
  }
}

TEST(Denormals, PrepareLeavesTheSetting) {
  const KeepFlushDenormal keep;
  Generator generator(3);
  const Network network = mlp({4, 5, 3}, DType::float32, generator);
  const nn::InferencePlan plan = nn::compile(*network.module, network.samples, 2);
  nn::InferencePlan::Workspace workspace = plan.make_workspace();
  for (const bool flush : {false, true}) {
    if (!set_flush_denormal(flush)) GTEST_SKIP() << "this processor cannot flush";
    plan.prepare(workspace);
    EXPECT_EQ(flush_denormal(), flush);
  }
}

}  // namespace
}  // namespace wick::testing
