// SPDX-License-Identifier: MIT
// Optimizers' updates.
#include "wick/core/backend/update.h"

#include <cstdint>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/share.h"
#include "kernels/step_scalars.h"

namespace wick::cpu {

void CpuBackend::update(const UpdateArgs& args) {
  const StepScalars scalars = step_scalars(args);
  visit_arithmetic(args.dtype, info_of(args.op).name, [&]<typename T>(TypeTag<T>) {
    UpdateTask<T> whole{};
    whole.param = static_cast<T*>(args.param);
    whole.grad = static_cast<const T*>(args.grad);
    for (std::size_t k = 0; k < args.state.size(); ++k) {
      whole.state[k] = static_cast<T*>(args.state[k]);
    }
    whole.states = states_of(args);
    whole.options = update_options<T>(args);
    whole.scalars = update_scalars<T>(scalars);
    const auto kernel = kernels<T>().update[static_cast<std::size_t>(args.op)];
    share_elements(*pool_, args.count, [&](std::int64_t first, std::int64_t last) {
      UpdateTask<T> part = whole;
      part.count = last - first;
      part.param += first;
      part.grad += first;
      for (T*& state : part.state) state = offset(state, first);
      kernel(part);
    });
  });
}

}  // namespace wick::cpu
