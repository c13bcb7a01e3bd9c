// SPDX-License-Identifier: MIT
// Times a product of bfloat16 operands and results, after a check of some elements against float64.
// Prints the microseconds of one, the median of nine rounds of CALLS, its GFLOP/s, and the
// instruction set; with tiles also their rate in a bare loop, and the share of it that the product
// reaches. bench/compare.py alternates it with PyTorch's.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include "kernels/cpu/amx/tiles.h"
#include "wick/core/error.h"
#include "wick/core/ops.h"
#include "wick/core/random.h"
#include "wick/kernels/devices.h"

namespace wick {
namespace {

// Every 997th element.
void check(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b, const Tensor& c) {
  const auto at = [](const Tensor& x, std::int64_t row, std::int64_t col, bool transposed) {
    const std::int64_t width = x.size(1);
    return static_cast<double>(
        to_float(x.data<bfloat16>()[transposed ? col * width + row : row * width + col]));
  };
  const std::int64_t depth = a.size(transpose_a ? 0 : 1);
  for (std::int64_t i = 0; i < c.numel(); i += 997) {
    const std::int64_t row = i / c.size(1);
    const std::int64_t col = i % c.size(1);
    double sum = 0;
    double magnitudes = 0;
    for (std::int64_t k = 0; k < depth; ++k) {
      const double product = at(a, row, k, transpose_a) * at(b, k, col, transpose_b);
      sum += product;
      magnitudes += std::abs(product);
    }
    // Half a unit of bfloat16's last place, and what the sums in float32 err.
    const double error = std::abs(at(c, row, col, false) - sum);
    if (error > std::abs(sum) / 256 + magnitudes * 1e-6) {
      throw Error(concat("element (", row, ", ", col, ") is wrong by ", error));
    }
  }
}

// GFLOP/s of four chains of products of tiles that lie in the nearest cache.
double tile_rate() {
#if defined(__x86_64__)
  struct OfThisFile {};
  alignas(64) static const char memory[4096] = {};
  constexpr int kLinks = 20'000;
  constexpr double kOperations = 4.0 * 2 * 16 * 16 * 32 * kLinks;
  cpu::ProcessorTiles<OfThisFile> tiles;
  double best = 0;
  for (int round = 0; round < 9; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < kLinks; ++i) {
      tiles.load<4>(memory, 64);
      tiles.load<5>(memory + 1024, 64);
      tiles.load<6>(memory + 2048, 64);
      tiles.load<7>(memory + 3072, 64);
      tiles.add_products<0, 4, 6>();
      tiles.add_products<1, 4, 7>();
      tiles.add_products<2, 5, 6>();
      tiles.add_products<3, 5, 7>();
    }
    const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
    best = std::max(best, kOperations / time.count());
  }
  return best;
#else
  return 0;
#endif
}

void run(std::int64_t calls, const std::string& transposes, std::int64_t rows, std::int64_t cols,
         std::int64_t depth) {
  const bool transpose_a = transposes[0] == 'T';
  const bool transpose_b = transposes[1] == 'T';
  Generator generator(1);
  const auto random = [&](std::int64_t m, std::int64_t n, bool transposed) {
    return Tensor::normal(transposed ? Dims{n, m} : Dims{m, n}, 0, 1, generator)
        .to(DType::bfloat16);
  };
  const Tensor a = random(rows, depth, transpose_a);
  const Tensor b = random(depth, cols, transpose_b);
  const Tensor c = Tensor::empty({rows, cols}, DType::bfloat16);
  const ops::MatmulOptions options{.transpose_a = transpose_a, .transpose_b = transpose_b};
  ops::matmul(a, b, c, options);
  check(a, transpose_a, b, transpose_b, c);
  std::vector<double> times;
  for (int round = 0; round < 9; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (std::int64_t i = 0; i < calls; ++i) ops::matmul(a, b, c, options);
    const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
    times.push_back(time.count() / static_cast<double>(calls));
  }
  std::sort(times.begin(), times.end());
  const double median = times[times.size() / 2];
  const double rate = 2e-3 * static_cast<double>(rows * cols * depth) / median;
  std::cout << median << ' ' << rate << " (" << cpu_capability() << ')';
  if (cpu_capability() == "amx") {
    const double tiles = tile_rate();
    std::cout << " tiles " << tiles << ", share " << rate / tiles;
  }
  std::cout << '\n';
}

}  // namespace
}  // namespace wick

int main(int argc, char** argv) {
  if (argc != 7 || std::string(argv[3]).size() != 2) {
    std::cerr << "usage: bfloat16_bench THREADS CALLS NN|NT|TN|TT ROWS COLS DEPTH\n";
    return 2;
  }
  try {
    wick::set_num_threads(std::stoi(argv[1]));
    wick::run(std::stoll(argv[2]), argv[3], std::stoll(argv[4]), std::stoll(argv[5]),
              std::stoll(argv[6]));
  } catch (const std::exception& error) {
    std::cerr << "bfloat16_bench: " << error.what() << '\n';
    return 1;
  }
}
