// SPDX-License-Identifier: MIT
// Optimizers' updates.
#include "core/backend/update.h"

#include <cstdint>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/share.h"
#include "kernels/step_scalars.h"

namespace wick::cpu {

void CpuBackend::sgd_step(const SgdArgs& args) {
  const StepScalars scalars = step_scalars(args);
  visit_arithmetic(args.dtype, "sgd_step", [&]<typename T>(TypeTag<T>) {
    const SgdTask<T> whole{args.count,
                           static_cast<T*>(args.param),
                           static_cast<const T*>(args.grad),
                           static_cast<T*>(args.momentum_buffer),
                           args.first_step,
                           args.nesterov,
                           T{args.maximize ? -1.0F : 1.0F},
                           static_cast<T>(scalars.lr),
                           static_cast<T>(args.momentum),
                           static_cast<T>(1.0 - args.dampening),
                           static_cast<T>(args.weight_decay),
                           static_cast<T>(scalars.mean_weight)};
    share_elements(*pool_, args.count, [&](std::int64_t first, std::int64_t last) {
      SgdTask<T> part = whole;
      part.count = last - first;
      part.param += first;
      part.grad += first;
      if (part.momentum_buffer != nullptr) part.momentum_buffer += first;
      kernels<T>().sgd(part);
    });
  });
}

void CpuBackend::adam_step(const AdamArgs& args) {
  const StepScalars scalars = step_scalars(args);
  const bool decoupled = args.decoupled_weight_decay;
  visit_arithmetic(args.dtype, "adam_step", [&]<typename T>(TypeTag<T>) {
    const AdamTask<T> whole{args.count,
                            static_cast<T*>(args.param),
                            static_cast<const T*>(args.grad),
                            static_cast<T*>(args.exp_avg),
                            static_cast<T*>(args.exp_avg_sq),
                            static_cast<T*>(args.max_exp_avg_sq),
                            T{args.maximize ? -1.0F : 1.0F},
                            static_cast<T>(scalars.decay),
                            static_cast<T>(decoupled ? 0.0 : args.weight_decay),
                            static_cast<T>(args.beta2),
                            static_cast<T>(1.0 - args.beta1),
                            static_cast<T>(1.0 - args.beta2),
                            static_cast<T>(scalars.step_size),
                            static_cast<T>(scalars.inverse_bias_correction2_sqrt),
                            static_cast<T>(args.eps),
                            static_cast<T>(scalars.mean_weight),
                            negligible_square<T>(args.eps, args.beta2)};
    share_elements(*pool_, args.count, [&](std::int64_t first, std::int64_t last) {
      AdamTask<T> part = whole;
      part.count = last - first;
      part.param += first;
      part.grad += first;
      part.exp_avg += first;
      part.exp_avg_sq += first;
      if (part.max_exp_avg_sq != nullptr) part.max_exp_avg_sq += first;
      kernels<T>().adam(part);
    });
  });
}

}  // namespace wick::cpu
