// SPDX-License-Identifier: MIT
// Times a product of bfloat16 operands and results. Prints the microseconds of one, the median of
// nine rounds of CALLS, and GFLOP/s; bench/compare.py alternates it with PyTorch's.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include "wick/core/ops.h"
#include "wick/core/random.h"
#include "wick/kernels/devices.h"

namespace wick {
namespace {

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
  std::vector<double> times;
  for (int round = 0; round < 9; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (std::int64_t i = 0; i < calls; ++i) {
      ops::matmul(a, b, c, {.transpose_a = transpose_a, .transpose_b = transpose_b});
    }
    const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
    times.push_back(time.count() / static_cast<double>(calls));
  }
  std::sort(times.begin(), times.end());
  const double median = times[times.size() / 2];
  std::cout << median << ' ' << 2e-3 * static_cast<double>(rows * cols * depth) / median << " ("
            << cpu_capability() << ")\n";
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
