// SPDX-License-Identifier: MIT
// Means that fade cost no subnormal numbers on their way to zero. The processor says so itself.
#include <cmath>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include <gtest/gtest.h>

#include "tests/kernels/reference.h"
#include "wick/core/backend/update.h"

namespace wick {
namespace {

using testing::all_levels;

#if defined(__x86_64__)
// Numbers of either sign from 1 down to the smallest normal ones.
std::vector<float> normal_numbers() {
  std::vector<float> numbers;
  for (float number = 1.0F; number > 1e-36F; number *= 0.97F) {
    numbers.push_back(number);
    numbers.push_back(-number);
  }
  return numbers;
}

// Calls step() and says whether the processor met a subnormal number, or made one.
template <typename Step>
bool makes_subnormals(const Step& step) {
  _mm_setcsr(_mm_getcsr() & ~_MM_EXCEPT_MASK);
  step();
  return (_mm_getcsr() & (_MM_EXCEPT_DENORM | _MM_EXCEPT_UNDERFLOW)) != 0U;
}

// On their way to zero the means make no subnormal numbers, not even where they are divided: each
// would cost as much as a hundred others. All the way, for parameters of the sizes that they have.
TEST(Adam, FadingMeansMakeNoSubnormalNumbers) {
  for (const auto& backend : all_levels()) {
    for (const float size : {1.0F, 1e-3F, 1e-6F}) {
      std::vector<float> m = normal_numbers();
      const std::vector<float> grad(m.size());
      std::vector<float> v(m.size(), 1e-12F);
      std::vector<float> param(m.size(), size);
      for (int step = 100; step < 1000; ++step) {
        ASSERT_FALSE(makes_subnormals([&] {
          backend->update({.op = UpdateOp::adam,
                           .count = static_cast<std::int64_t>(m.size()),
                           .param = param.data(),
                           .grad = grad.data(),
                           .state = {m.data(), v.data()},
                           .step = static_cast<double>(step),
                           .lr = 1e-3,
                           .beta1 = 0.9,
                           .beta2 = 0.999,
                           .eps = 1e-8});
        })) << backend->capability()
            << ", parameters of " << size << ", step " << step;
      }
      EXPECT_EQ(m, std::vector<float>(m.size()));
    }
  }
}

TEST(Adam, FadingSquaresMakeNoSubnormalNumbers) {
  for (const auto& backend : all_levels()) {
    std::vector<float> v = normal_numbers();
    for (float& square : v) square = std::fabs(square);
    const std::vector<float> grad(v.size());
    std::vector<float> m(v.size());
    std::vector<float> param(v.size(), 1e-3F);
    for (int step = 1; step < 1000; ++step) {
      ASSERT_FALSE(makes_subnormals([&] {
        backend->update({.op = UpdateOp::adam,
                         .count = static_cast<std::int64_t>(v.size()),
                         .param = param.data(),
                         .grad = grad.data(),
                         .state = {m.data(), v.data()},
                         .step = static_cast<double>(step),
                         .lr = 1e-3,
                         .beta1 = 0.9,
                         .beta2 = 0.9,
                         .eps = 1e-8});
      })) << backend->capability()
          << ", step " << step;
    }
    EXPECT_EQ(v, std::vector<float>(v.size()));
  }
}

TEST(Sgd, FadingMomentumMakesNoSubnormalNumbers) {
  for (const auto& backend : all_levels()) {
    std::vector<float> buffer = normal_numbers();
    const std::vector<float> grad(buffer.size());
    std::vector<float> param(buffer.size(), 1e-3F);
    for (int step = 0; step < 1000; ++step) {
      ASSERT_FALSE(makes_subnormals([&] {
        backend->update({.op = UpdateOp::sgd,
                         .count = static_cast<std::int64_t>(buffer.size()),
                         .param = param.data(),
                         .grad = grad.data(),
                         .state = {buffer.data()},
                         .lr = 1e-3,
                         .momentum = 0.9});
      })) << backend->capability()
          << ", step " << step;
    }
    EXPECT_EQ(buffer, std::vector<float>(buffer.size()));
  }
}
#endif

}  // namespace
}  // namespace wick
