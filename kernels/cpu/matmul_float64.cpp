// SPDX-License-Identifier: MIT
#include "kernels/cpu/matmul_float64.h"

#include <Eigen/Core>

namespace wick::cpu {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using ConstMap = Eigen::Map<const RowMajor, Eigen::Unaligned, Eigen::OuterStride<>>;
using Map = Eigen::Map<RowMajor, Eigen::Unaligned, Eigen::OuterStride<>>;

ConstMap map(const ConstMatrixRef& ref) {
  return {static_cast<const double*>(ref.data), ref.rows, ref.cols,
          Eigen::OuterStride<>(ref.stride)};
}

}  // namespace

void matmul_float64(const MatmulArgs& args) {
  Map c(static_cast<double*>(args.c.data), args.c.rows, args.c.cols,
        Eigen::OuterStride<>(args.c.stride));
  if (!args.accumulate) c.setZero();
  const ConstMap a = map(args.a);
  const ConstMap b = map(args.b);
  if (args.transpose_a && args.transpose_b) {
    c.noalias() += a.transpose() * b.transpose();
  } else if (args.transpose_a) {
    c.noalias() += a.transpose() * b;
  } else if (args.transpose_b) {
    c.noalias() += a * b.transpose();
  } else {
    c.noalias() += a * b;
  }
  if (args.bias != nullptr) {
    c.rowwise() +=
        Eigen::Map<const Eigen::RowVectorXd>(static_cast<const double*>(args.bias), args.c.cols);
  }
  if (args.relu) c = (c.array() < 0.0).select(0.0, c);
  if (args.relu_mask.data != nullptr) c = (map(args.relu_mask).array() > 0.0).select(c, 0.0);
}

}  // namespace wick::cpu
