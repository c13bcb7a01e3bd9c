// SPDX-License-Identifier: MIT
// Other libraries' matrix products, to measure beside wick's: Eigen, and where they are installed,
// OpenBLAS and oneDNN. Those are opened at run time, so that nothing depends on them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace wick::bench {

/// C (m, n) = op(A) op(B), float32, row-major, rows side by side.
struct Product {
  bool transpose_a = false;
  bool transpose_b = false;
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  const float* a = nullptr;
  const float* b = nullptr;
  float* c = nullptr;
};

struct Peer {
  std::string name;
  void (*multiply)(const Product& product);
};

/// The peers that are there; they use `threads` threads from then on.
[[nodiscard]] std::vector<Peer> find_peers(int threads);

}  // namespace wick::bench
