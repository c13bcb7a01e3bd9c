// SPDX-License-Identifier: MIT
#include "kernels/cpu/matmul_float64.h"

#include <algorithm>

// Under a name of its own: a program's Eigen code may be compiled for another instruction set, and
// of two functions of one name the linker keeps one.
#define Eigen wick_eigen
#include <Eigen/Core>

#include "wick/core/backend/matrix.h"

namespace wick::cpu {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using ConstMap = Eigen::Map<const RowMajor, Eigen::Unaligned, Eigen::OuterStride<>>;
using Map = Eigen::Map<RowMajor, Eigen::Unaligned, Eigen::OuterStride<>>;

ConstMap map(const ConstMatrixRef& ref) {
  return {static_cast<const double*>(ref.data), ref.rows, ref.cols,
          Eigen::OuterStride<>(ref.stride)};
}

// Eigen copies what it multiplies: on the stack up to 128 kB, beyond that to memory that it
// allocates for each product. The copies of these blocks take 64 kB together.
constexpr Eigen::Index kBlock = 64;
// Of a product with a vector, which copies vectors alone.
constexpr Eigen::Index kVectorBlock = 4096;

// c += a b.
template <typename A, typename B>
void add_product(Map& c, const A& a, const B& b) {
  const Eigen::Index block = c.rows() == 1 || c.cols() == 1 ? kVectorBlock : kBlock;
  for (Eigen::Index k = 0; k < a.cols(); k += block) {
    const Eigen::Index depth = std::min(block, a.cols() - k);
    for (Eigen::Index m = 0; m < c.rows(); m += block) {
      const Eigen::Index rows = std::min(block, c.rows() - m);
      for (Eigen::Index n = 0; n < c.cols(); n += block) {
        const Eigen::Index cols = std::min(block, c.cols() - n);
        c.block(m, n, rows, cols).noalias() +=
            a.block(m, k, rows, depth) * b.block(k, n, depth, cols);
      }
    }
  }
}

}  // namespace

void matmul_float64(const MatmulArgs& args) {
  Map c(static_cast<double*>(args.c.data), args.c.rows, args.c.cols,
        Eigen::OuterStride<>(args.c.stride));
  if (!args.accumulate) c.setZero();
  const ConstMap a = map(args.a);
  const ConstMap b = map(args.b);
  if (args.transpose_a && args.transpose_b) {
    add_product(c, a.transpose(), b.transpose());
  } else if (args.transpose_a) {
    add_product(c, a.transpose(), b);
  } else if (args.transpose_b) {
    add_product(c, a, b.transpose());
  } else {
    add_product(c, a, b);
  }
  if (args.bias != nullptr) {
    c.rowwise() +=
        Eigen::Map<const Eigen::RowVectorXd>(static_cast<const double*>(args.bias), args.c.cols);
  }
  if (args.relu) c = (c.array() < 0.0).select(0.0, c);
  if (args.relu_mask.data != nullptr) c = (map(args.relu_mask).array() <= 0.0).select(0.0, c);
}

}  // namespace wick::cpu
