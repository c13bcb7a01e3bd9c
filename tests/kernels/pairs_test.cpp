// SPDX-License-Identifier: MIT
// Products of bfloat16 from tiles: the same templates on tiles of plain C++, whatever the processor
// has, and on its own where there are any.
#include <cmath>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/cpu/amx/permission.h"
#include "kernels/cpu/amx/plain_tiles.h"
#include "kernels/cpu/amx/tile_engine.h"
#include "tests/kernels/reference.h"
#include "wick/core/error.h"
#include "wick/core/float_types.h"

namespace wick {
namespace {

using testing::all_bfloat16_levels;
using testing::Matrix;

// Vectors of 16 bytes and arrays for tiles.
struct PlainIsa {
  static constexpr int kVectorBytes = 16;
};
using PlainEngine = cpu::TileEngine<cpu::PlainTiles>;

struct Case {
  std::int64_t m;
  std::int64_t n;
  std::int64_t k;
  bool left_along_k;
  bool right_along_k;
  bool transpose_c;
  bool narrow;
  bool accumulate;
};

std::vector<std::uint16_t> bits_of(const std::vector<float>& values) {
  std::vector<std::uint16_t> result;
  for (const float value : values) result.push_back(from_float<bfloat16>(value).bits);
  return result;
}

// Whole numbers from -9 to 9; what lies between the rows is NaN, which nobody may read for a sum.
Matrix whole_numbers(std::int64_t rows, std::int64_t cols, Generator& generator, std::int64_t gap) {
  Matrix matrix = Matrix::random(rows, cols, generator, gap);
  for (float& value : matrix.data) {
    value = value == Matrix::kGap ? NAN : std::round(value * 9) + 0.0F;
  }
  return matrix;
}

void check(const Case& one, std::int64_t block_bytes, Generator& generator) {
  const Matrix left = one.left_along_k ? whole_numbers(one.m, one.k, generator, 3)
                                       : whole_numbers(one.k, one.m, generator, 3);
  const Matrix right = one.right_along_k ? whole_numbers(one.n, one.k, generator, 1)
                                         : whole_numbers(one.k, one.n, generator, 1);
  Matrix c = one.transpose_c ? Matrix::random(one.n, one.m, generator, 2)
                             : Matrix::random(one.m, one.n, generator, 2);
  for (float& value : c.data) value = value == Matrix::kGap ? value : std::round(value * 9) + 0.0F;
  Matrix expected = c;
  for (std::int64_t i = 0; i < one.m; ++i) {
    for (std::int64_t j = 0; j < one.n; ++j) {
      float& to = one.transpose_c ? expected.at(j, i) : expected.at(i, j);
      float sum = one.accumulate ? to : 0.0F;
      for (std::int64_t k = 0; k < one.k; ++k) {
        sum += (one.left_along_k ? left.at(i, k) : left.at(k, i)) *
               (one.right_along_k ? right.at(j, k) : right.at(k, j));
      }
      to = one.narrow ? to_float(from_float<bfloat16>(sum)) : sum;
    }
  }
  const std::vector<std::uint16_t> left_bits = bits_of(left.data);
  const std::vector<std::uint16_t> right_bits = bits_of(right.data);
  std::vector<std::uint16_t> c_bits = bits_of(c.data);
  cpu::PairsTask task{};
  task.left = {left_bits.data(), left.stride, one.left_along_k};
  task.right = {right_bits.data(), right.stride, one.right_along_k};
  task.rows = one.m;
  task.cols = one.n;
  task.depth = one.k;
  task.transpose_c = one.transpose_c;
  task.narrow = one.narrow;
  task.c = one.narrow ? static_cast<void*>(c_bits.data()) : c.data.data();
  task.c_row = c.stride;
  task.accumulate = one.accumulate;
  task.block_bytes = block_bytes;
  std::vector<cpu::VectorOf<float, cpu::Avx512>::Type> workspace(
      static_cast<std::size_t>(cpu::pairs_workspace<PlainIsa>(task) / 64 + 1));
  task.workspace = workspace.data();
  cpu::multiply_pairs<PlainEngine, PlainIsa>(task);
  const std::string label = concat(one.m, 'x', one.n, 'x', one.k, one.left_along_k,
                                   one.right_along_k, one.transpose_c, one.narrow);
  if (one.narrow) {
    ASSERT_EQ(c_bits, bits_of(expected.data)) << label;
  } else {
    ASSERT_EQ(c.data, expected.data) << label;
  }
}

TEST(Pairs, PlainTilesAtOddSizes) {
  Generator generator(1);
  using Sizes = std::tuple<std::int64_t, std::int64_t, std::int64_t>;
  for (const auto& [m, n, k] :
       {Sizes{1, 1, 1}, Sizes{16, 16, 32}, Sizes{17, 15, 33}, Sizes{32, 32, 64}, Sizes{33, 31, 65},
        Sizes{48, 70, 31}, Sizes{5, 67, 300}, Sizes{67, 5, 600}, Sizes{7, 9, 0}}) {
    for (int bits = 0; bits < 32; ++bits) {
      const Case one{m,
                     n,
                     k,
                     (bits & 1) != 0,
                     (bits & 2) != 0,
                     (bits & 4) != 0,
                     (bits & 8) != 0,
                     (bits & 16) != 0};
      check(one, 1 << 16, generator);
    }
  }
}

// Several blocks of k, and of the right operand's rows.
TEST(Pairs, PlainTilesInSeveralBlocks) {
  Generator generator(2);
  check({37, 70, 2 * cpu::kPackedDepth + 19, true, true, false, false, true}, 1, generator);
  check({35, 100, cpu::kPackedDepth + 1, false, false, true, true, false}, 1 << 18, generator);
  check({33, 130, 1100, true, false, false, false, false}, 1 << 17, generator);
}

TEST(Pairs, TheProcessorsTilesRunWhereThereAreAny) {
  if (!cpu::has_tiles()) GTEST_SKIP() << "this processor has no tiles (AMX-BF16)";
  if (!cpu::tiles_permitted()) GTEST_SKIP() << "the system refuses the use of tiles";
  bool found = false;
  for (const cpu::Level& level : cpu::available_levels()) {
    found = found || std::string_view(level.name) == "amx";
  }
  EXPECT_TRUE(found) << "this build of wick has no kernels for tiles";
}

// A (m, k) matrix, by its bits, that may be stored transposed, and its values.
struct Operand {
  Matrix values;
  bool transposed;
  std::vector<std::uint16_t> bits;

  Operand(std::int64_t rows, std::int64_t cols, bool is_transposed, Generator& generator)
      : values(Matrix::random(is_transposed ? cols : rows, is_transposed ? rows : cols, generator)),
        transposed(is_transposed),
        bits(bits_of(values.data)) {
    for (float& value : values.data) value = to_float(from_float<bfloat16>(value));
  }
  [[nodiscard]] double at(std::int64_t r, std::int64_t c) const {
    return static_cast<double>(transposed ? values.at(c, r) : values.at(r, c));
  }
  [[nodiscard]] ConstMatrixRef ref() const {
    return {bits.data(), values.rows, values.cols, values.stride};
  }
};

// The largest difference from the sums in float64 in units of the sum of magnitudes, of every
// seventh element.
double largest_error(const Matrix& c, const Operand& a, const Operand& b, std::int64_t depth) {
  double largest = 0;
  for (std::int64_t at = 0; at < c.rows * c.cols; at += 7) {
    const std::int64_t i = at / c.cols;
    const std::int64_t j = at % c.cols;
    double sum = 0;
    double magnitudes = 0;
    for (std::int64_t k = 0; k < depth; ++k) {
      const double product = a.at(i, k) * b.at(k, j);
      sum += product;
      magnitudes += std::abs(product);
    }
    largest = std::max(largest, std::abs(static_cast<double>(c.at(i, j)) - sum) / magnitudes);
  }
  return largest;
}

TEST(Pairs, SumsAreNearFloat64AndTheSameForAnyNumberOfThreads) {
  Generator generator(3);
  using Sizes = std::tuple<std::int64_t, std::int64_t, std::int64_t>;
  for (const auto& [m, n, k] : {Sizes{150, 70, 2 * cpu::kPackedDepth + 100}, Sizes{37, 999, 700},
                                Sizes{5, 1200, 520}, Sizes{300, 520, 130}, Sizes{600, 11, 400}}) {
    for (int bits = 0; bits < 4; ++bits) {
      const Operand a(m, k, (bits & 1) != 0, generator);
      const Operand b(k, n, (bits & 2) != 0, generator);
      for (const auto& backend : all_bfloat16_levels()) {
        Matrix first(m, n);
        const std::string label = concat(backend->capability(), ' ', m, 'x', n, 'x', k, ' ', bits);
        for (const int threads : {1, 2, 3, 7}) {
          backend->set_num_threads(threads);
          Matrix c(m, n);
          backend->matmul({.operand_dtype = DType::bfloat16,
                           .a = a.ref(),
                           .b = b.ref(),
                           .c = c.ref(),
                           .transpose_a = a.transposed,
                           .transpose_b = b.transposed});
          if (threads == 1) {
            first = c;
            // k additions of float32 err by k units of the last place at most, in practice by far
            // fewer.
            EXPECT_LT(largest_error(c, a, b, k), 1e-6) << label;
          } else {
            EXPECT_EQ(c.data, first.data) << label << ", threads " << threads;
          }
        }
      }
    }
  }
}

// Of products that are large enough to be shared, all that is done beside the sums.
TEST(Pairs, EpiloguesAreTheSameForAnyNumberOfThreads) {
  Generator generator(4);
  constexpr std::int64_t kDepth = 120;
  for (const auto& [m, n] : {std::pair<std::int64_t, std::int64_t>{150, 170}, {170, 150}}) {
    const Matrix before = Matrix::random(m, n, generator, 3);
    const Matrix mask = Matrix::random(m, n, generator, 1);
    const Matrix bias = Matrix::random(1, n, generator);
    const Matrix sums = Matrix::random(1, m, generator);
    const std::vector<std::uint16_t> mask_bits = bits_of(mask.data);
    const std::vector<std::uint16_t> bias_bits = bits_of(bias.data);
    for (int bits = 0; bits < 8; ++bits) {
      const Operand a(m, kDepth, (bits & 1) != 0, generator);
      const Operand b(kDepth, n, (bits & 2) != 0, generator);
      const bool narrow = (bits & 4) != 0;
      for (const auto& backend : all_bfloat16_levels()) {
        const auto run = [&](int threads) {
          backend->set_num_threads(threads);
          Matrix c = before;
          Matrix c_sums = sums;
          std::vector<std::uint16_t> c_bits = bits_of(c.data);
          std::vector<std::uint16_t> sums_bits = bits_of(c_sums.data);
          const auto choose = [narrow](const void* small, const void* wide) {
            return narrow ? small : wide;
          };
          backend->matmul(
              {.dtype = narrow ? DType::bfloat16 : DType::float32,
               .operand_dtype = DType::bfloat16,
               .a = a.ref(),
               .b = b.ref(),
               .c = {const_cast<void*>(choose(c_bits.data(), c.data.data())), m, n, c.stride},
               .transpose_a = a.transposed,
               .transpose_b = b.transposed,
               .accumulate = true,
               .bias = choose(bias_bits.data(), bias.data.data()),
               .relu = true,
               .relu_mask = {choose(mask_bits.data(), mask.data.data()), m, n, mask.stride},
               .a_sums = a.transposed
                             ? const_cast<void*>(choose(sums_bits.data(), c_sums.data.data()))
                             : nullptr,
               .accumulate_sums = true});
          return std::tuple(c.data, c_bits, c_sums.data, sums_bits);
        };
        const auto one = run(1);
        EXPECT_EQ(std::get<0>(one) == before.data, narrow);
        EXPECT_EQ(std::get<1>(one) == bits_of(before.data), !narrow);
        for (const int threads : {2, 3, 7}) {
          EXPECT_EQ(run(threads), one)
              << backend->capability() << ' ' << m << 'x' << n << ' ' << bits << ' ' << threads;
        }
      }
    }
  }
}

}  // namespace
}  // namespace wick
