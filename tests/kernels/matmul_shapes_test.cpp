// SPDX-License-Identifier: MIT
// Matrix products of random shapes at every level: what they give, that they read and write nothing
// beside their matrices, and that threads change no bit.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/kernels/reference.h"
#include "tests/support.h"
#include "wick/core/backend/matrix.h"

namespace wick {
namespace {

using testing::all_levels;

/// Elements directly in front of a page that may not be touched, or directly behind one.
class Guarded {
 public:
  Guarded(std::size_t count, bool at_end) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t bytes = std::max<std::size_t>(count * sizeof(float), 1);
    const std::size_t inside = (bytes + page - 1) / page * page;
    size_ = inside + 2 * page;
    void* const mapping =
        ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED) throw std::bad_alloc();
    mapping_ = static_cast<std::byte*>(mapping);
    ::mprotect(mapping_, page, PROT_NONE);
    ::mprotect(mapping_ + page + inside, page, PROT_NONE);
    data_ = reinterpret_cast<float*>(mapping_ + page + (at_end ? inside - bytes / 4 * 4 : 0));
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  ~Guarded() { ::munmap(mapping_, size_); }

  [[nodiscard]] float* data() const { return data_; }

 private:
  std::byte* mapping_ = nullptr;
  std::size_t size_ = 0;
  float* data_ = nullptr;
};

/// A matrix in such memory; what lies between its rows is no number.
struct Operand {
  Operand(std::int64_t r, std::int64_t c, std::int64_t gap, std::mt19937_64& random)
      : rows(r),
        cols(c),
        stride(c + gap),
        count((r - 1) * stride + c),
        memory(static_cast<std::size_t>(count), random() % 4 != 0) {
    std::fill_n(memory.data(), count, std::nanf(""));
    std::uniform_real_distribution<float> uniform(-1, 1);
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < cols; ++j) memory.data()[i * stride + j] = uniform(random);
    }
  }
  [[nodiscard]] MatrixRef ref() const { return {memory.data(), rows, cols, stride}; }
  [[nodiscard]] float at(std::int64_t r, std::int64_t c) const {
    return memory.data()[r * stride + c];
  }

  std::int64_t rows;
  std::int64_t cols;
  std::int64_t stride;
  std::int64_t count;
  Guarded memory;
};

std::int64_t log_uniform(std::mt19937_64& random, double low, double high) {
  std::uniform_real_distribution<double> uniform(std::log(low), std::log(high));
  return std::llround(std::exp(uniform(random)));
}

/// A product of a random shape, form and epilogue.
struct Drawn {
  explicit Drawn(std::mt19937_64& random)
      : m(log_uniform(random, 1, 300)),
        n(log_uniform(random, 1, 300)),
        k(log_uniform(random, 1, 1200)),
        transpose_a(random() % 2 == 0),
        transpose_b(random() % 2 == 0),
        a(transpose_a ? k : m, transpose_a ? m : k, gap(random), random),
        b(transpose_b ? n : k, transpose_b ? k : n, gap(random), random),
        c(m, n, gap(random), random),
        mask(m, n, gap(random), random),
        bias(1, n, 0, random),
        before(c.memory.data(), c.memory.data() + c.count) {
    args = {.a = a.ref(),
            .b = b.ref(),
            .c = c.ref(),
            .transpose_a = transpose_a,
            .transpose_b = transpose_b};
    args.accumulate = random() % 4 == 0;
    args.relu = random() % 4 == 0;
    if (random() % 3 == 0) args.bias = bias.memory.data();
    if (random() % 4 == 0) args.relu_mask = mask.ref();
  }

  static std::int64_t gap(std::mt19937_64& random) {
    return random() % 2 == 0 ? 0 : static_cast<std::int64_t>(random() % 20);
  }
  void restore() const { std::memcpy(c.memory.data(), before.data(), before.size() * 4); }
  [[nodiscard]] std::vector<float> result() const {
    return {c.memory.data(), c.memory.data() + c.count};
  }
  [[nodiscard]] std::string label(const cpu::CpuBackend& backend) const {
    return concat(backend.capability(), ' ', m, " x ", n, " x ", k, ' ', transpose_a ? 'T' : 'N',
                  transpose_b ? 'T' : 'N');
  }

  /// In float64, within the bound of float32's sums.
  void check(const std::string& label) const {
    for (std::int64_t i = 0; i < m; ++i) {
      for (std::int64_t j = 0; j < n; ++j) {
        double sum = args.accumulate ? before[static_cast<std::size_t>(i * c.stride + j)] : 0.0;
        double size = std::fabs(sum);
        for (std::int64_t l = 0; l < k; ++l) {
          const double product = static_cast<double>(transpose_a ? a.at(l, i) : a.at(i, l)) *
                                 static_cast<double>(transpose_b ? b.at(j, l) : b.at(l, j));
          sum += product;
          size += std::fabs(product);
        }
        if (args.bias != nullptr) sum += static_cast<double>(bias.at(0, j));
        if (args.relu) sum = std::max(sum, 0.0);
        if (args.relu_mask.data != nullptr && mask.at(i, j) <= 0) sum = 0;
        ASSERT_NEAR(static_cast<double>(c.at(i, j)), sum, 1e-6 * (size + 1))
            << label << " at " << i << ", " << j;
      }
      for (std::int64_t j = n; j < c.stride && i + 1 < m; ++j) {
        ASSERT_TRUE(std::isnan(c.at(i, j))) << label << ": wrote beside row " << i;
      }
    }
  }

  std::int64_t m;
  std::int64_t n;
  std::int64_t k;
  bool transpose_a;
  bool transpose_b;
  Operand a;
  Operand b;
  Operand c;
  Operand mask;
  Operand bias;
  std::vector<float> before;
  MatmulArgs args;
};

TEST(MatmulShapes, RandomOnesAgreeWithFloat64AndTouchNothingElse) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(concat("seed ", seed));
  std::mt19937_64 random(seed);
  const auto levels = all_levels();
  for (int round = 0; round < 150; ++round) {
    const Drawn product(random);
    for (const auto& backend : levels) {
      product.restore();
      backend->matmul(product.args);
      product.check(product.label(*backend));
      if (HasFatalFailure()) return;
    }
  }
}

TEST(MatmulShapes, ThreadsChangeNoBitOfRandomOnes) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(concat("seed ", seed));
  std::mt19937_64 random(seed);
  const auto levels = all_levels();
  for (int round = 0; round < 60;) {
    const Drawn product(random);
    if (product.m * product.n * product.k < 2'000'000) continue;  // one thread does these
    ++round;
    for (const auto& backend : levels) {
      std::vector<float> expected;
      for (const int threads : {1, 2, 3, 7}) {
        backend->set_num_threads(threads);
        product.restore();
        backend->matmul(product.args);
        const std::vector<float> result = product.result();
        if (threads == 1) expected = result;
        ASSERT_EQ(std::memcmp(result.data(), expected.data(), result.size() * 4), 0)
            << product.label(*backend) << " by " << threads << " threads";
      }
    }
  }
}

}  // namespace
}  // namespace wick
