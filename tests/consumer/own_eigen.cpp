// SPDX-License-Identifier: MIT
#include "own_eigen.h"

#include <Eigen/Core>

double sum_of_own_product(int n) {
  using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Matrix ones = Matrix::Ones(n, n);
  Matrix product(n, n);
  product.noalias() = ones * ones.transpose();
  return product.sum();
}
