// SPDX-License-Identifier: MIT
// Functions of each element.
#include "wick/core/backend/elementwise.h"

#include <cstdint>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/share.h"

namespace wick::cpu {

void CpuBackend::unary(const UnaryArgs& args) {
  visit_arithmetic(args.dtype, info_of(args.op).name, [&]<typename T>(TypeTag<T>) {
    const auto kernel = kernels<T>().unary[static_cast<std::size_t>(args.op)];
    share_elements(*pool_, args.count, [&](std::int64_t first, std::int64_t last) {
      kernel({static_cast<const T*>(args.x) + first, static_cast<T*>(args.y) + first, last - first,
              static_cast<T>(args.parameters.a), static_cast<T>(args.parameters.b)});
    });
  });
}

void CpuBackend::unary_backward(const UnaryBackwardArgs& args) {
  visit_arithmetic(args.dtype, info_of(args.op).backward_name, [&]<typename T>(TypeTag<T>) {
    const auto kernel = kernels<T>().unary_backward[static_cast<std::size_t>(args.op)];
    share_elements(*pool_, args.count, [&](std::int64_t first, std::int64_t last) {
      kernel({static_cast<const T*>(args.grad_output) + first,
              static_cast<const T*>(args.saved) + first, static_cast<T*>(args.grad_input) + first,
              last - first, static_cast<T>(args.parameters.a), static_cast<T>(args.parameters.b)});
    });
  });
}

}  // namespace wick::cpu
