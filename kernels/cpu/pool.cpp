// SPDX-License-Identifier: MIT
// Pooling. Threads take whole planes.
#include <algorithm>
#include <bit>
#include <type_traits>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/share.h"
#include "kernels/formulas/image.h"
#include "wick/core/backend/image.h"

namespace wick::cpu {
namespace {

template <typename T>
class Pooling {
 public:
  explicit Pooling(const PoolArgs& args) : args_(args) {}

  void forward(std::int64_t plane) const {
    const T* const x = static_cast<const T*>(args_.from) + plane * inputs();
    T* y = static_cast<T*>(args_.to) + plane * outputs();
    std::int64_t* index = offset(args_.indices, plane * outputs());
    if (has_inner_windows()) return inner_windows(x, y, index);
    for (std::int64_t i = 0; i < args_.height.output; ++i) {
      for (std::int64_t j = 0; j < args_.width.output; ++j) {
        if (is_max(args_.op)) {
          const formulas::Largest<T> best = formulas::largest_of(args_, x, i, j);
          *y++ = best.value;
          if (index != nullptr) *index++ = best.index;
        } else {
          *y++ = formulas::average_of(args_, x, i, j);
        }
      }
    }
  }

  void backward(std::int64_t plane) const {
    const T* grad = static_cast<const T*>(args_.from) + plane * outputs();
    T* const out = static_cast<T*>(args_.to) + plane * inputs();
    const std::int64_t* index = offset(args_.indices, plane * outputs());
    std::fill_n(out, inputs(), T{0});
    if (index != nullptr) {
      for (std::int64_t i = 0; i < outputs(); ++i) {
        if (index[i] >= 0) out[index[i]] += grad[i];
      }
      return;
    }
    const bool adaptive = is_adaptive(args_.op);
    for (std::int64_t y = 0; y < args_.height.output; ++y) {
      const formulas::Span rows = formulas::window_of(args_.height, adaptive, y);
      for (std::int64_t x = 0; x < args_.width.output; ++x) {
        const formulas::Span cols = formulas::window_of(args_.width, adaptive, x);
        const std::int64_t divisor = formulas::average_divisor(args_, rows, cols, y, x);
        const T value = divisor == 0 ? T{0} : *grad / static_cast<T>(divisor);
        ++grad;
        for (std::int64_t i = rows.begin; i < rows.end; ++i) {
          for (std::int64_t j = cols.begin; j < cols.end; ++j) {
            out[i * args_.width.input + j] += value;
          }
        }
      }
    }
  }

  [[nodiscard]] std::int64_t inputs() const { return args_.height.input * args_.width.input; }
  [[nodiscard]] std::int64_t outputs() const { return args_.height.output * args_.width.output; }

 private:
  // All windows of a maximum lie in the image: the usual case, without a look at its edges.
  [[nodiscard]] bool has_inner_windows() const {
    const auto inner = [](const WindowDim& dim) {
      return dim.padding == 0 && dim.output > 0 &&
             (dim.output - 1) * dim.stride + dim.extent() <= dim.input;
    };
    return args_.op == PoolOp::max && inner(args_.height) && inner(args_.width);
  }

  void inner_windows(const T* x, T* y, std::int64_t* index) const {
    const auto is = [this](std::int64_t kernel) {
      return args_.height.kernel == kernel && args_.width.kernel == kernel;
    };
    if (is(2)) return square_windows<2>(x, y, index);
    if (is(3)) return square_windows<3>(x, y, index);
    square_windows<0>(x, y, index);
  }

  // Of a size that the compiler knows, or 0: of any. Without branches, which would depend on the
  // elements.
  template <std::int64_t Kernel>
  void square_windows(const T* x, T* y, std::int64_t* index) const {
    const WindowDim& height = args_.height;
    const WindowDim& width = args_.width;
    const std::int64_t rows = Kernel == 0 ? height.kernel : Kernel;
    const std::int64_t cols = Kernel == 0 ? width.kernel : Kernel;
    const std::int64_t row_step = height.dilation * width.input;
    for (std::int64_t i = 0; i < height.output; ++i) {
      std::int64_t first = i * height.stride * width.input;
      for (std::int64_t j = 0; j < width.output; ++j, first += width.stride) {
        T best = x[first];
        std::int64_t at = first;
        for (std::int64_t r = 0; r < rows; ++r) {
          for (std::int64_t c = 0; c < cols; ++c) {
            const std::int64_t here = first + r * row_step + c * width.dilation;
            const T value = x[here];
            const auto better = -static_cast<std::int64_t>(!(value <= best));  // NaN, too
            at ^= (at ^ here) & better;
            best = selected(best, value, better);
          }
        }
        *y++ = best;
        if (index != nullptr) *index++ = at;
      }
    }
  }

  // The second one where the mask is of ones, else the first: by their bits, since the compiler
  // would branch.
  static T selected(T first, T second, std::int64_t mask) {
    using Bits = std::conditional_t<sizeof(T) == sizeof(std::int32_t), std::int32_t, std::int64_t>;
    const auto bits = std::bit_cast<Bits>(first);
    return std::bit_cast<T>(
        static_cast<Bits>(bits ^ ((bits ^ std::bit_cast<Bits>(second)) & static_cast<Bits>(mask))));
  }

  const PoolArgs& args_;
};

}  // namespace

void CpuBackend::pool(const PoolArgs& args) {
  visit_arithmetic(args.dtype, name_of(args.op), [&]<typename T>(TypeTag<T>) {
    const Pooling<T> pooling(args);
    const std::int64_t elements = args.planes * (pooling.inputs() + pooling.outputs());
    share(*pool_, args.planes, 1, elements, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t plane = first; plane < last; ++plane) {
        args.backward ? pooling.backward(plane) : pooling.forward(plane);
      }
    });
  });
}

}  // namespace wick::cpu
