// SPDX-License-Identifier: MIT
// How a loss over many elements is shared among threads.
#include <algorithm>
#include <array>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/share.h"
#include "wick/core/backend/loss.h"
#include "wick/core/error.h"

namespace wick::cpu {
namespace {

template <typename T>
void require_probabilities(const T* values, std::int64_t count, const char* name,
                           const char* remedy) {
  for (std::int64_t i = 0; i < count; ++i) {
    if (values[i] >= T{0} && values[i] <= T{1}) continue;
    throw ValueError(concat("binary_cross_entropy: element ", i, " of the ", name, " is ",
                            values[i], ", and must be between 0 and 1", remedy));
  }
}

template <typename T>
void require_variances(const T* var, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    if (!(var[i] < T{0})) continue;
    throw ValueError(concat("gaussian_nll_loss: element ", i, " of the variance is ", var[i],
                            ", and must not be negative"));
  }
}

}  // namespace

void CpuBackend::pointwise_loss(const PointwiseLossArgs& args) {
  visit_arithmetic(args.dtype, name_of(args.op), [&]<typename T>(TypeTag<T>) {
    const std::int64_t count = args.rows * args.cols;
    PointwiseLossTask<T> whole{};
    whole.input = static_cast<const T*>(args.input);
    whole.target = static_cast<const T*>(args.target);
    whole.weight = static_cast<const T*>(args.weight);
    whole.pos_weight = static_cast<const T*>(args.pos_weight);
    whole.var = static_cast<const T*>(args.var);
    whole.losses = static_cast<T*>(args.losses);
    whole.grad = static_cast<T*>(args.grad);
    whole.grad_var = static_cast<T*>(args.grad_var);
    whole.a = static_cast<T>(args.a);
    whole.b = static_cast<T>(args.b);
    whole.scale = static_cast<T>(1.0 / args.divisor);
    if (args.op == LossOp::binary_cross_entropy) {
      require_probabilities(
          whole.input, count, "input",
          "; for logits use binary_cross_entropy_with_logits (BCEWithLogitsLoss)");
      require_probabilities(whole.target, count, "target", "");
    }
    if (args.op == LossOp::gaussian_nll_loss) require_variances(whole.var, count);
    // Without weights of columns, rows need not be told apart.
    const bool flat = whole.weight == nullptr && whole.pos_weight == nullptr;
    const std::int64_t units = flat ? count : args.rows;
    const std::int64_t unit = flat ? 1 : args.cols;
    const FixedParts parts(units, std::max<std::int64_t>(1, FixedParts::kLeastElements /
                                                                std::max<std::int64_t>(unit, 1)));
    std::array<double, FixedParts::kMost> sums{};
    const auto kernel = kernels<T>().pointwise_loss[static_cast<std::size_t>(args.op)];
    parts.run(*pool_, [&](std::size_t i, std::int64_t begin, std::int64_t size) {
      PointwiseLossTask<T> part = whole;
      part.input += begin * unit;
      part.target += begin * unit;
      part.var = offset(part.var, begin * unit);
      part.losses = offset(part.losses, begin * unit);
      part.grad = offset(part.grad, begin * unit);
      part.grad_var = offset(part.grad_var, begin * unit);
      part.rows = flat ? 1 : size;
      part.cols = flat ? size : args.cols;
      sums[i] = kernel(part);
    });
    double loss = 0.0;
    for (std::int64_t i = 0; i < parts.count(); ++i) loss += sums[static_cast<std::size_t>(i)];
    loss /= args.divisor;  // 0 / 0 is NaN
    *static_cast<T*>(args.loss) = static_cast<T>(loss);
    if (args.loss_sum != nullptr) *args.loss_sum += static_cast<double>(static_cast<T>(loss));
  });
}

}  // namespace wick::cpu
