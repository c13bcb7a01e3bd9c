// SPDX-License-Identifier: MIT
// A normalisation and its gradients on random data, for the benchmarks of every device.
#pragma once

#include "wick/core/ops_norm.h"
#include "wick/core/random.h"

namespace wick::bench {

/// The tensors that one pass forward and one backward need. Copies share their memory.
struct NormCase {
  NormOp op;
  NormShape shape;
  Tensor x, grad, weight, bias, y, mean, rstd, dx, dw, db;

  /// In float32 on the generator's device.
  NormCase(NormOp which, const NormShape& of, Generator& generator) : op(which), shape(of) {
    const Dims dims{shape.samples, shape.channels, shape.inner};
    const auto normal = [&generator](const Dims& size, double middle, double deviation) {
      return Tensor::normal(size, middle, deviation, generator, DType::float32, generator.device());
    };
    x = normal(dims, 1, 2);
    grad = normal(dims, 0, 1);
    weight = normal({shape.channels}, 0, 1);
    bias = normal({shape.channels}, 0, 1);
    make_results();
  }
  [[nodiscard]] NormCase converted(DType dtype) const {
    NormCase other = *this;
    for (Tensor* const tensor : {&other.x, &other.grad, &other.weight, &other.bias}) {
      *tensor = tensor->to(dtype);
    }
    other.make_results();
    return other;
  }

  void forward() const {
    ops::NormOptions options{.weight = &weight, .bias = op == NormOp::rms_norm ? nullptr : &bias};
    options.mean = op == NormOp::rms_norm ? nullptr : &mean;
    options.rstd = &rstd;
    ops::norm(op, shape, x, y, options);
  }
  void backward() const {
    ops::NormBackwardOptions options{.weight = &weight};
    options.mean = op == NormOp::rms_norm ? nullptr : &mean;
    options.rstd = &rstd;
    options.grad_input = &dx;
    options.grad_weight = &dw;
    options.grad_bias = op == NormOp::rms_norm ? nullptr : &db;
    ops::norm_backward(op, shape, grad, x, options);
  }

 private:
  void make_results() {
    const Dims statistics{shape.statistics(op)};
    y = Tensor::empty(x.shape(), x.dtype(), x.device());
    dx = Tensor::empty(x.shape(), x.dtype(), x.device());
    mean = Tensor::empty(statistics, x.dtype(), x.device());
    rstd = Tensor::empty(statistics, x.dtype(), x.device());
    dw = Tensor::empty({shape.channels}, x.dtype(), x.device());
    db = Tensor::empty({shape.channels}, x.dtype(), x.device());
  }
};

}  // namespace wick::bench
