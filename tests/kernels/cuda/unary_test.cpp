// SPDX-License-Identifier: MIT
// Every function of one argument and its gradient: the formula itself, element by element.
#include "kernels/formulas/unary.h"

#include "kernels/formulas/scalar_math.h"
#include "kernels/formulas/visit.h"
#include "tests/kernels/cuda/device.h"
#include "wick/core/backend/elementwise.h"

namespace wick::testing {
namespace {

template <typename T>
class CudaUnary : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(CudaUnary, Types);

constexpr std::int64_t kCounts[] = {0, 1, 5, 1000, 4099};

// Numbers in [-8, 8), and NaN and zeros.
template <typename T>
std::vector<T> arguments(std::int64_t count, unsigned seed) {
  std::vector<T> values = random_values<T>(count, seed);
  for (T& value : values) value *= T{8};
  if (count > 5) {
    values[1] = static_cast<T>(NAN);
    values[3] = T{0};
    values[4] = -T{0};
  }
  return values;
}

// NaN has no sign that means anything.
template <typename T>
std::vector<T> with_one_nan(std::vector<T> values) {
  for (T& value : values) {
    if (std::isnan(value)) value = static_cast<T>(NAN);
  }
  return values;
}

constexpr UnaryParameters kParameters{0.75, 3.0};

TYPED_TEST(CudaUnary, EveryFunction) {
  using T = TypeParam;
  using M = formulas::ScalarMath<T>;
  for (const UnaryOpInfo& info : kUnaryOps) {
    SCOPED_TRACE(info.name);
    for (const std::int64_t count : kCounts) {
      for (const std::int64_t misaligned : {0, 1}) {
        const std::vector<T> x = arguments<T>(count, 1);
        std::vector<T> expected = x;
        formulas::visit_enumerator<kUnaryOpCount>(info.op, [&]<UnaryOp Op>(formulas::Constant<Op>) {
          for (T& value : expected) {
            value = formulas::Unary<Op>::template forward<M>(value, {T(0.75), T(3)});
          }
        });
        const auto actual = in_every_order([&] {
          const Context context;
          const DeviceArray<T> in(x, misaligned);
          const DeviceArray<T> out(count);
          UnaryArgs args{.op = info.op,
                         .dtype = dtype_of<T>,
                         .count = count,
                         .x = in.data(),
                         .y = out.data(),
                         .parameters = kParameters};
          require(cuda::launch_unary(args, context));
          args.y = in.data();  // in place, too
          require(cuda::launch_unary(args, context));
          expect_same_bits(in.download(), out.download());
          return with_one_nan(out.download());
        });
        expect_same_bits(actual, with_one_nan(expected));
      }
    }
  }
}

TYPED_TEST(CudaUnary, EveryGradient) {
  using T = TypeParam;
  using M = formulas::ScalarMath<T>;
  for (const UnaryOpInfo& info : kUnaryOps) {
    SCOPED_TRACE(info.name);
    for (const std::int64_t count : kCounts) {
      for (const std::int64_t misaligned : {0, 1}) {
        const std::vector<T> dy = random_values<T>(count, 1);
        const std::vector<T> saved = arguments<T>(count, 2);
        std::vector<T> expected = dy;
        formulas::visit_enumerator<kUnaryOpCount>(info.op, [&]<UnaryOp Op>(formulas::Constant<Op>) {
          for (std::size_t i = 0; i < dy.size(); ++i) {
            expected[i] =
                formulas::Unary<Op>::template backward<M>(dy[i], saved[i], {T(0.75), T(3)});
          }
        });
        const auto actual = in_every_order([&] {
          const Context context;
          const DeviceArray<T> gradient(dy, misaligned);
          const DeviceArray<T> value(saved);
          const DeviceArray<T> out(count);
          UnaryBackwardArgs args{.op = info.op,
                                 .dtype = dtype_of<T>,
                                 .count = count,
                                 .grad_output = gradient.data(),
                                 .saved = value.data(),
                                 .grad_input = out.data(),
                                 .parameters = kParameters};
          require(cuda::launch_unary_backward(args, context));
          return with_one_nan(out.download());
        });
        expect_same_bits(actual, with_one_nan(expected));
      }
    }
  }
}

}  // namespace
}  // namespace wick::testing
