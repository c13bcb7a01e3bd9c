// SPDX-License-Identifier: MIT
#include "optim/parameter_vectors.h"

#include "wick/core/backend.h"
#include "wick/core/ops.h"
#include "wick/core/ops_vector_reduce.h"

namespace wick::optim {

void ParameterVectors::settle(const std::vector<ParameterPtr>& params) {
  if (params_ != params) {
    params_ = params;
    offsets_ = {0};
    for (const ParameterPtr& param : params_) {
      offsets_.push_back(offsets_.back() + param->value.numel());
    }
  }
  const Tensor& first = params_.front()->value;
  if (number_.defined() && number_.device() == first.device() &&
      (pool_.empty() || pool_.front().dtype() == first.dtype())) {
    return;
  }
  pool_.clear();
  number_ = Tensor::empty({}, DType::float64, first.device());
}

void ParameterVectors::convert(Tensor& vector) const {
  const Tensor& first = params_.front()->value;
  vector = vector.to(first.device()).to(first.dtype());
}

Tensor ParameterVectors::fresh() {
  for (const Tensor& vector : pool_) {
    if (vector.storage().use_count() == 1) return vector;
  }
  const Tensor& first = params_.front()->value;
  pool_.push_back(Tensor::empty({offsets_.back()}, first.dtype(), first.device()));
  return pool_.back();
}

Tensor ParameterVectors::part(const Tensor& vector, std::size_t param) const {
  return vector.slice(0, offsets_[param], offsets_[param + 1]).view(params_[param]->value.shape());
}

Tensor ParameterVectors::gradients(double factor) {
  Tensor result = fresh();
  result.zero_();
  for (std::size_t i = 0; i < params_.size(); ++i) {
    if (!params_[i]->has_grad) continue;
    const Tensor to = part(result, i);
    ops::weighted_sum(1.0, to, factor, params_[i]->grad, to);
  }
  return result;
}

Tensor ParameterVectors::values() {
  Tensor result = fresh();
  for (std::size_t i = 0; i < params_.size(); ++i) part(result, i).copy_(params_[i]->value);
  return result;
}

void ParameterVectors::set_values(const Tensor& from) const {
  for (std::size_t i = 0; i < params_.size(); ++i) params_[i]->value.copy_(part(from, i));
}

void ParameterVectors::add_to_values(double factor, const Tensor& direction) const {
  for (std::size_t i = 0; i < params_.size(); ++i) {
    const Tensor& value = params_[i]->value;
    ops::weighted_sum(1.0, value, factor, part(direction, i), value);
  }
}

double ParameterVectors::number() const {
  double value = 0.0;
  number_.backend().copy_to_host(&value, number_.raw(), sizeof(value));
  return value;
}

double ParameterVectors::dot(const Tensor& a, const Tensor& b) {
  ops::vector_reduce(VectorReduceOp::dot, a, number_, {.other = &b});
  return number();
}

double ParameterVectors::abs_max(const Tensor& a) {
  ops::vector_reduce(VectorReduceOp::abs_max, a, number_);
  return number();
}

double ParameterVectors::abs_sum(const Tensor& a) {
  ops::vector_reduce(VectorReduceOp::abs_sum, a, number_);
  return number();
}

}  // namespace wick::optim
