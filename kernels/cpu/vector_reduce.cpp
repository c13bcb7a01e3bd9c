// SPDX-License-Identifier: MIT
// Reductions of a vector to one number, and scaling by a norm.
#include "wick/core/backend/vector_reduce.h"

#include <array>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/share.h"
#include "kernels/formulas/vector_reduce.h"
#include "kernels/formulas/visit.h"

namespace wick::cpu {

void CpuBackend::vector_reduce(const VectorReduceArgs& args) {
  std::array<double, FixedParts::kMost> results{};
  const FixedParts parts(args.count, FixedParts::kLeastElements);
  visit_arithmetic(args.dtype, name_of(args.op), [&]<typename T>(TypeTag<T>) {
    const auto* const a = static_cast<const T*>(args.a);
    const auto* const b = args.op == VectorReduceOp::dot ? static_cast<const T*>(args.b) : a;
    const auto kernel = kernels<T>().vector_reduce[static_cast<std::size_t>(args.op)];
    parts.run(*pool_, [&](std::size_t part, std::int64_t first, std::int64_t size) {
      results[part] = kernel({a + first, b + first, size, args.power});
    });
  });
  formulas::visit_enumerator<kVectorReduceOpCount>(
      args.op, [&]<VectorReduceOp Op>(formulas::Constant<Op>) {
        double all = 0.0;
        for (std::int64_t i = 0; i < parts.count(); ++i) {
          all = formulas::reduce_both<Op>(all, results[static_cast<std::size_t>(i)]);
        }
        *args.out = args.accumulate ? formulas::reduce_both<Op>(*args.out, all) : all;
      });
}

void CpuBackend::scale_by_norm(const ScaleByNormArgs& args) {
  double factor = 0.0;
  visit_arithmetic(args.norm_dtype, "scale_by_norm", [&]<typename N>(TypeTag<N>) {
    const N norm = formulas::norm_from<N>(args, *args.reduced);
    if (args.norm != nullptr) *static_cast<N*>(args.norm) = norm;
    factor = static_cast<double>(formulas::scale_from<N>(args, norm));
  });
  visit_arithmetic(args.dtype, "scale_by_norm", [&]<typename T>(TypeTag<T>) {
    const T by = static_cast<T>(factor);
    if (by == T{1}) return;
    share_elements(*pool_, args.count, [&](std::int64_t first, std::int64_t last) {
      kernels<T>().scale(static_cast<T*>(args.data) + first, by, last - first);
    });
  });
}

}  // namespace wick::cpu
