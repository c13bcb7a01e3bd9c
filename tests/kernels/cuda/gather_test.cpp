// SPDX-License-Identifier: MIT
// Rows picked by index against the CPU backend, with and without a step's offset.
#include "kernels/cpu/cpu_backend.h"
#include "tests/kernels/cuda/device.h"
#include "wick/core/backend/rows.h"

namespace wick::testing {
namespace {

struct Case {
  std::int64_t source_rows, channels, pixels, count;
};

template <typename T, typename Source>
void check_gather(const Case& shape, std::int64_t misaligned, bool with_indices) {
  const std::int64_t row = shape.channels * shape.pixels;
  std::vector<Source> source(static_cast<std::size_t>(shape.source_rows * row));
  std::mt19937 generator(1);
  for (Source& value : source) value = static_cast<Source>(generator() % 256);
  const std::vector<T> scale = random_values<T>(shape.channels, 2);
  const std::vector<T> shift = random_values<T>(shape.channels, 3);
  const std::vector<std::int64_t> indices = random_indices(shape.count, shape.source_rows, 4);
  GatherAffineArgs args;
  args.source_dtype = dtype_of<Source>;
  args.source_rows = shape.source_rows;
  args.channels = shape.channels;
  args.pixels = shape.pixels;
  args.count = shape.count;
  args.scale = scale.data();
  args.shift = shift.data();
  args.dtype = dtype_of<T>;
  std::vector<T> expected(static_cast<std::size_t>(shape.count * row));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto at = static_cast<std::int64_t>(i);
    const std::int64_t from = with_indices ? indices[static_cast<std::size_t>(at / row)] : at / row;
    const auto channel = static_cast<std::size_t>(at % row / shape.pixels);
    const auto value = static_cast<T>(source[static_cast<std::size_t>(from * row + at % row)]);
    expected[i] = std::fma(value, scale[channel], shift[channel]);
  }
  const auto actual = in_every_order([&] {
    const Context context;
    const DeviceArray<Source> in(source, misaligned);
    const DeviceArray<std::int64_t> index_array(indices);
    const DeviceArray<T> out(shape.count * row, misaligned);
    GatherAffineArgs device = args;
    device.source = in.data();
    device.indices = with_indices ? index_array.data() : nullptr;
    device.out = out.data();
    require(cuda::launch_gather_affine(device, {}, context));
    EXPECT_EQ(context.error().operation, cuda::CheckedOperation::none);
    return out.download();
  });
  expect_same_bits(actual, expected);
}

TEST(CudaGather, EveryTypeAndShape) {
  for (const Case& shape : {Case{5, 1, 784, 7}, Case{3, 3, 25, 4}, Case{9, 20, 6, 3},
                            Case{2, 1, 1, 100}, Case{4, 2, 1030, 3}, Case{3, 1, 16, 0}}) {
    for (const std::int64_t misaligned : {0, 1}) {
      check_gather<float, std::uint8_t>(shape, misaligned, true);
      check_gather<float, float>(shape, misaligned, true);
      check_gather<double, std::uint8_t>(shape, misaligned, true);
      check_gather<double, double>(shape, misaligned, true);
    }
  }
  check_gather<float, std::uint8_t>({5, 1, 784, 5}, 0, false);
}

TEST(CudaGather, ReportsTheFirstIndexOutOfRange) {
  for (const simt::Schedule schedule : schedules()) {
    simt::set_schedule(schedule);
    const Context context;
    const DeviceArray<std::uint8_t> source(std::vector<std::uint8_t>(4 * 40, 7));
    const DeviceArray<std::int64_t> indices(std::vector<std::int64_t>{0, 3, -1, 2, 4});
    const DeviceArray<float> out(5 * 40);
    const float one = 1.0F;
    GatherAffineArgs args;
    args.source = source.data();
    args.source_rows = 4;
    args.pixels = 40;
    args.indices = indices.data();
    args.count = 5;
    args.scale = args.shift = &one;
    args.out = out.data();
    require(cuda::launch_gather_affine(args, {}, context));
    const cuda::ErrorFlag error = context.error();
    EXPECT_EQ(error.operation, cuda::CheckedOperation::gather_affine);
    EXPECT_EQ(error.row, 2);
    EXPECT_EQ(error.value, -1);
    EXPECT_EQ(error.limit, 4);
    const std::vector<float> values = out.download();
    EXPECT_EQ(values[1 * 40 + 39], 8.0F);
    EXPECT_EQ(values[2 * 40 + 39], 0.0F);
    EXPECT_EQ(values[4 * 40], 0.0F);
  }
  simt::set_schedule({});
}

TEST(CudaGather, RefusesOtherPairsOfDtypes) {
  const Context context;
  GatherAffineArgs args;
  args.source_dtype = DType::float64;
  EXPECT_THROW(static_cast<void>(cuda::launch_gather_affine(args, {}, context)), DTypeError);
}

// A step's offset: the counter says which stretch of the permutation is this step's.
TEST(CudaGather, TakesItsIndicesFromTheStep) {
  const Context context;
  const DeviceArray<std::uint8_t> source(std::vector<std::uint8_t>{10, 11, 12, 13, 14, 15});
  const DeviceArray<std::int64_t> permutation(std::vector<std::int64_t>{5, 4, 3, 2, 1, 0});
  const DeviceArray<std::int64_t> counter(std::vector<std::int64_t>{1});
  const DeviceArray<float> out(2);
  const DeviceArray<std::uint8_t> labels(2);
  const float scale = 1.0F;
  const float shift = 0.0F;
  GatherAffineArgs args;
  args.source = source.data();
  args.source_rows = 6;
  args.pixels = 1;
  args.indices = permutation.data();
  args.count = 2;
  args.scale = &scale;
  args.shift = &shift;
  args.out = out.data();
  const cuda::StepOffset offset{counter.data(), 2};
  require(cuda::launch_gather_affine(args, offset, context));
  EXPECT_EQ(out.download(), (std::vector<float>{13.0F, 12.0F}));
  require(cuda::launch_advance(counter.data(), context));
  require(cuda::launch_index_select({source.data(), 6, 1, permutation.data(), 2, labels.data()},
                                    offset, context));
  EXPECT_EQ(labels.download(), (std::vector<std::uint8_t>{11, 10}));
}

TEST(CudaIndexSelect, EveryWidthAndAlignment) {
  cpu::CpuBackend cpu;
  for (const std::size_t bytes : {1, 2, 3, 4, 8, 12, 16, 48, 100, 784, 6000}) {
    for (const std::int64_t misaligned : {0, 1, 2, 8}) {
      for (const std::int64_t count : {0, 1, 9, 300}) {
        if (count == 300 && bytes > 16) continue;
        const auto row = static_cast<std::int64_t>(bytes);
        std::vector<unsigned char> source(static_cast<std::size_t>(7 * row));
        std::mt19937 generator(1);
        for (unsigned char& value : source) value = static_cast<unsigned char>(generator());
        const std::vector<std::int64_t> indices = random_indices(count, 7, 2);
        std::vector<unsigned char> expected(static_cast<std::size_t>(count * row));
        cpu.index_select({source.data(), 7, bytes, indices.data(), count, expected.data()});
        const auto actual = in_every_order([&] {
          const Context context;
          const DeviceArray<unsigned char> in(source, misaligned);
          const DeviceArray<std::int64_t> index_array(indices);
          const DeviceArray<unsigned char> out(count * row, misaligned);
          require(cuda::launch_index_select(
              {in.data(), 7, bytes, index_array.data(), count, out.data()}, {}, context));
          return out.download();
        });
        expect_same_bits(actual, expected);
      }
    }
  }
}

TEST(CudaIndexSelect, ReportsTheFirstIndexOutOfRange) {
  for (const std::size_t bytes : {8, 1024}) {
    for (const simt::Schedule schedule : schedules()) {
      simt::set_schedule(schedule);
      const Context context;
      const DeviceArray<unsigned char> source(std::vector<unsigned char>(3 * bytes, 7));
      const DeviceArray<std::int64_t> indices(std::vector<std::int64_t>{0, 3, 1, -5});
      const DeviceArray<unsigned char> out(static_cast<std::int64_t>(4 * bytes));
      require(cuda::launch_index_select({source.data(), 3, bytes, indices.data(), 4, out.data()},
                                        {}, context));
      EXPECT_EQ(context.error().operation, cuda::CheckedOperation::index_select);
      EXPECT_EQ(context.error().row, 1);
      EXPECT_EQ(context.error().value, 3);
      EXPECT_EQ(out.download()[bytes], 0);
      EXPECT_EQ(out.download()[2 * bytes], 7);
    }
  }
  simt::set_schedule({});
}

}  // namespace
}  // namespace wick::testing
