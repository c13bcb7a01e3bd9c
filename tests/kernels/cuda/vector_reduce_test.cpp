// SPDX-License-Identifier: MIT
// Reductions of a vector and scaling by a norm against the CPU backend.
#include "wick/core/backend/vector_reduce.h"

#include <cmath>
#include <limits>

#include "kernels/cpu/cpu_backend.h"
#include "tests/kernels/cuda/device.h"

namespace wick::testing {
namespace {

template <typename T>
class CudaVectorReduce : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(CudaVectorReduce, Types);

TYPED_TEST(CudaVectorReduce, IsTheCpus) {
  using T = TypeParam;
  cpu::CpuBackend cpu;
  for (const std::int64_t count : {0, 1, 255, 1000, 20'003}) {
    for (const std::int64_t misaligned : {0, 1}) {
      std::vector<T> a = random_values<T>(count, 1);
      const std::vector<T> b = random_values<T>(count, 2);
      for (std::size_t o = 0; o < kVectorReduceOpCount; ++o) {
        for (const bool with_nan : {false, true}) {
          if (with_nan && count > 200) a[200] = std::numeric_limits<T>::quiet_NaN();
          VectorReduceArgs args{.op = static_cast<VectorReduceOp>(o),
                                .dtype = dtype_of<T>,
                                .count = count,
                                .a = a.data(),
                                .b = b.data(),
                                .power = 2.5,
                                .accumulate = with_nan};
          double expected = 0.5;
          args.out = &expected;
          cpu.vector_reduce(args);
          const auto actual = in_every_order([&] {
            const Context context;
            const DeviceArray<T> left(a, misaligned);
            const DeviceArray<T> right(b);
            const DeviceArray<double> out(std::vector<double>{0.5});
            VectorReduceArgs there = args;
            there.a = left.data();
            there.b = right.data();
            there.out = out.data();
            require(cuda::launch_vector_reduce(there, context));
            return out.download();
          });
          expect_close(actual, {expected}, 1e-12);
        }
        a = random_values<T>(count, 1);
      }
    }
  }
}

TYPED_TEST(CudaVectorReduce, ScalesAsTheCpuDoes) {
  using T = TypeParam;
  cpu::CpuBackend cpu;
  for (const std::int64_t count : {0, 1, 1000}) {
    const std::vector<T> values = random_values<T>(count, 1);
    for (const VectorReduceOp op :
         {VectorReduceOp::square_sum, VectorReduceOp::power_sum, VectorReduceOp::abs_max}) {
      for (const double reduced : {0.0, 81.0, std::numeric_limits<double>::infinity(),
                                   std::numeric_limits<double>::quiet_NaN()}) {
        for (const NormScale scale : {NormScale::clip, NormScale::normalize}) {
          std::vector<T> expected = values;
          float norm = -1.0F;
          ScaleByNormArgs args{.scale = scale,
                               .dtype = dtype_of<T>,
                               .count = count,
                               .data = expected.data(),
                               .op = op,
                               .power = 3.0,
                               .reduced = &reduced,
                               .limit = 2.0,
                               .norm = &norm};
          cpu.scale_by_norm(args);
          const auto actual = in_every_order([&] {
            const Context context;
            const DeviceArray<T> data(values);
            const DeviceArray<double> sum(std::vector<double>{reduced});
            const DeviceArray<float> root(1);
            args.data = data.data();
            args.reduced = sum.data();
            args.norm = root.data();
            require(cuda::launch_scale_by_norm(args, context));
            if (std::isinf(norm)) {
              EXPECT_EQ(root.download()[0], norm);
            } else {
              expect_close(root.download(), {static_cast<double>(norm)}, 1e-6);
            }
            return data.download();
          });
          expect_close(actual, std::vector<double>(expected.begin(), expected.end()),
                       sizeof(T) == 4 ? 1e-6 : 1e-7);
        }
      }
    }
  }
}

}  // namespace
}  // namespace wick::testing
