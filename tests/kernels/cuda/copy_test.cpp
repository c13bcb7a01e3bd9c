// SPDX-License-Identifier: MIT
// Copies against the CPU backend: every pair of dtypes bit for bit, and many layouts.
#include "kernels/cpu/copy.h"

#include "tests/kernels/cuda/device.h"
#include "wick/core/backend/memory.h"

namespace wick::testing {
namespace {

// Elements of every magnitude: random bits, and numbers that people write.
std::vector<unsigned char> elements_of(DType dtype, std::int64_t count) {
  const std::size_t bytes = size_of(dtype);
  std::vector<unsigned char> data(static_cast<std::size_t>(count) * bytes);
  std::mt19937 generator(5);
  for (unsigned char& byte : data) byte = static_cast<unsigned char>(generator());
  if (dtype == DType::boolean) {
    for (unsigned char& byte : data) byte &= 1U;
  }
  const double written[] = {0.0,   -0.0,   1.0,  -1.0,  0.5,  2.5,    127.5,    -128.0,
                            448.0, 65504., 1e10, -1e19, 3e38, 1e-300, INFINITY, NAN};
  std::int64_t at = 0;
  for (const double value : written) {
    const StridedRef one{data.data() + static_cast<std::size_t>(at++) * bytes, dtype, {1}, {1}};
    double copy = value;
    if (at <= count) cpu::copy_strided(one, {&copy, DType::float64, {1}, {1}});
  }
  return data;
}

struct Layout {
  Dims shape, to, from;
};

// Copies on the device under every order and on the CPU, into memory full of the same bytes.
void check(DType to, DType from, const Layout& layout, std::int64_t misaligned = 0) {
  const std::int64_t to_count = layout_extent({layout.shape.data(), layout.shape.size()},
                                              {layout.to.data(), layout.to.size()});
  const std::int64_t from_count = layout_extent({layout.shape.data(), layout.shape.size()},
                                                {layout.from.data(), layout.from.size()});
  std::vector<unsigned char> source = elements_of(from, from_count);
  const auto to_bytes = static_cast<std::int64_t>(size_of(to));
  std::vector<unsigned char> expected(static_cast<std::size_t>(to_count * to_bytes), 0x5A);
  const std::vector<unsigned char> before = expected;
  cpu::copy_strided({expected.data(), to, layout.shape, layout.to},
                    {source.data(), from, layout.shape, layout.from});
  const cuda::LaunchContext context;  // copies need no workspace
  const auto actual = in_every_order([&] {
    const DeviceArray<unsigned char> in(source,
                                        misaligned * static_cast<std::int64_t>(size_of(from)));
    const DeviceArray<unsigned char> out(before, misaligned * to_bytes);
    require(cuda::launch_copy_strided({out.data(), to, layout.shape, layout.to},
                                      {in.data(), from, layout.shape, layout.from}, context));
    return out.download();
  });
  SCOPED_TRACE(concat(from, " to ", to, ", shape ", layout.shape, ", strides ", layout.from, " to ",
                      layout.to));
  expect_same_bits(actual, expected);
}

TEST(CudaCopy, ConvertsEveryPairOfDtypes) {
  for (int to = 0; to < kNumberDTypeCount; ++to) {
    for (int from = 0; from < kNumberDTypeCount; ++from) {
      check(static_cast<DType>(to), static_cast<DType>(from), {{101}, {1}, {1}});
      check(static_cast<DType>(to), static_cast<DType>(from), {{5, 7}, {7, 1}, {1, 5}});
    }
  }
}

TEST(CudaCopy, ContiguousConversionsAtEveryAlignment) {
  for (const DType other : {DType::float64, DType::bfloat16, DType::float16, DType::uint8}) {
    for (const std::int64_t count : {1, 3, 8, 1000}) {
      for (const std::int64_t misaligned : {0, 1}) {
        check(DType::float32, other, {{count}, {1}, {1}}, misaligned);
        check(other, DType::float32, {{count}, {1}, {1}}, misaligned);
      }
    }
  }
}

TEST(CudaCopy, EveryLayout) {
  const Layout layouts[] = {
      {{}, {}, {}},                         // one element
      {{0, 3}, {3, 1}, {3, 1}},             // none
      {{6, 5}, {5, 1}, {5, 1}},             // contiguous
      {{6, 5}, {7, 1}, {9, 1}},             // rows with gaps
      {{67, 45}, {45, 1}, {1, 67}},         // transposed
      {{33, 32}, {40, 1}, {1, 50}},         // transposed, with gaps
      {{6, 5}, {5, 1}, {1, 0}},             // repeated columns
      {{4, 5, 6}, {30, 6, 1}, {1, 4, 20}},  // all dimensions the other way round
      {{3, 1, 4}, {4, 4, 1}, {8, 1, 2}},    // every second element
      {{2, 2, 2, 2, 2, 2, 2, 2, 2, 2},      // more dimensions than a kernel takes
       {512, 256, 128, 64, 32, 16, 8, 4, 2, 1},
       {1, 2, 4, 8, 16, 32, 64, 128, 256, 512}},
  };
  for (const Layout& layout : layouts) {
    for (const DType dtype :
         {DType::uint8, DType::bfloat16, DType::float32, DType::float64, DType::complex128}) {
      check(dtype, dtype, layout, 1);
    }
    check(DType::float32, DType::int16, layout);
  }
}

}  // namespace
}  // namespace wick::testing
