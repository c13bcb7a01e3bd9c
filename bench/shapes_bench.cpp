// SPDX-License-Identifier: MIT
// Times products of float32 matrices, those of wick and of other libraries, one after the other as
// its input says; bench/shapes is its caller:
//
//   shapes_bench [THREADS]
//
// The first line of output has the names of the engines. A line of input is "ENGINE M N K FORM
// CALLS", where FORM is NN, NT or TN; CALLS of 0 are as many as take about a millisecond. The
// answer is the nanoseconds of one call, and the calls.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "bench/peers.h"
#include "wick/core/error.h"
#include "wick/core/ops.h"
#include "wick/core/random.h"
#include "wick/core/tensor.h"
#include "wick/kernels/devices.h"

namespace wick::bench {
namespace {

constexpr double kNanoseconds = 1e6;  // that calls of an unknown length take together

/// The matrices of one product.
class Operands {
 public:
  Operands() = default;
  Operands(std::int64_t m, std::int64_t n, std::int64_t k, const std::string& form) {
    if (form != "NN" && form != "NT" && form != "TN") throw ValueError("FORM is " + form);
    product_ = {form == "TN", form == "NT", m, n, k};
    options_.transpose_a = product_.transpose_a;
    options_.transpose_b = product_.transpose_b;
    Generator generator(1);
    a_ = options_.transpose_a ? Tensor::normal({k, m}, 0, 1, generator)
                              : Tensor::normal({m, k}, 0, 1, generator);
    b_ = options_.transpose_b ? Tensor::normal({n, k}, 0, 1, generator)
                              : Tensor::normal({k, n}, 0, 1, generator);
    c_ = Tensor::empty({m, n});
    product_.a = a_.data<float>();
    product_.b = b_.data<float>();
    product_.c = c_.data<float>();
  }

  void multiply(const Peer* peer) const {
    peer != nullptr ? peer->multiply(product_) : ops::matmul(a_, b_, c_, options_);
  }
  /// A call of `peer`, or of wick's where it is null, must give what another way gives.
  void check(const Peer* peer) const {
    multiply(peer);
    const auto wide = [](const Tensor& x) { return x.to(DType::float64); };
    Tensor expected = Tensor::empty(c_.shape(), DType::float64);
    ops::matmul(wide(a_), wide(b_), expected, options_);
    const double bound = 1e-5 * static_cast<double>(product_.k) + 1e-5;
    for (std::int64_t i = 0; i < c_.numel(); ++i) {
      const double off = c_.data<float>()[i] - expected.data<double>()[i];
      if (!(off < bound && off > -bound)) throw ValueError("a wrong product");
    }
  }
  [[nodiscard]] bool is(std::int64_t m, std::int64_t n, std::int64_t k,
                        const std::string& form) const {
    return product_.m == m && product_.n == n && product_.k == k &&
           options_.transpose_a == (form == "TN") && options_.transpose_b == (form == "NT");
  }

 private:
  Product product_;
  ops::MatmulOptions options_;
  Tensor a_;
  Tensor b_;
  Tensor c_;
};

double nanoseconds(const Operands& operands, const Peer* peer, std::int64_t calls) {
  const auto start = std::chrono::steady_clock::now();
  for (std::int64_t i = 0; i < calls; ++i) operands.multiply(peer);
  const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
  return time.count() / static_cast<double>(calls);
}

void answer(const std::vector<Peer>& peers, Operands& operands, const std::string& line) {
  std::istringstream words(line);
  std::string engine;
  std::string form;
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  std::int64_t calls = 0;
  if (!(words >> engine >> m >> n >> k >> form >> calls))
    throw ValueError("not a request: " + line);
  const auto peer = std::find_if(peers.begin(), peers.end(),
                                 [&](const Peer& candidate) { return candidate.name == engine; });
  if (peer == peers.end() && engine != "wick") throw ValueError("no engine " + engine);
  const Peer* const other = peer == peers.end() ? nullptr : &*peer;
  if (!operands.is(m, n, k, form)) operands = Operands(m, n, k, form);
  if (calls == 0) {
    operands.check(other);
    const double once = nanoseconds(operands, other, 3);
    calls = std::max<std::int64_t>(3, static_cast<std::int64_t>(kNanoseconds / once));
  }
  std::cout << nanoseconds(operands, other, calls) << ' ' << calls << std::endl;
}

int serve(int argc, char** argv) {
  const int threads = argc > 1 ? std::stoi(argv[1]) : 1;
  set_num_threads(threads);
  std::vector<Peer> peers = find_peers(threads);
  std::cout << "wick";
  for (const Peer& peer : peers) std::cout << ' ' << peer.name;
  std::cout << std::endl;
  Operands operands;
  for (std::string line; std::getline(std::cin, line);) answer(peers, operands, line);
  return 0;
}

}  // namespace
}  // namespace wick::bench

int main(int argc, char** argv) {
  try {
    return wick::bench::serve(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "shapes_bench: " << error.what() << '\n';
    return 1;
  }
}
