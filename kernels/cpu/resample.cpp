// SPDX-License-Identifier: MIT
// Padding and resizing. Threads take whole planes.
#include <algorithm>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/share.h"
#include "kernels/cpu/workspace.h"
#include "kernels/formulas/image.h"
#include "wick/core/backend/image.h"

namespace wick::cpu {
namespace {

struct BlendScratch {};

template <typename T>
class Resampling {
 public:
  using Blend = formulas::Blend<T>;

  /// `cols` has room for one of each column of the output.
  Resampling(const ResampleArgs& args, Blend* cols) : args_(args), cols_(cols) {
    for (std::int64_t x = 0; x < args.width.output; ++x) {
      cols[x] = formulas::blend_of<T>(args.op, args.width, args.align_corners, x);
    }
  }

  void forward(std::int64_t plane) const {
    const T* const in = static_cast<const T*>(args_.from) + plane * inputs();
    T* out = static_cast<T*>(args_.to) + plane * outputs();
    for (std::int64_t y = 0; y < args_.height.output; ++y, out += args_.width.output) {
      const Blend row = blend_of_row(y);
      if (row.first < 0) {
        std::fill_n(out, args_.width.output, T{0});
        continue;
      }
      const T* const first = in + row.first * args_.width.input;
      const T* const second = in + row.second * args_.width.input;
      for (std::int64_t x = 0; x < args_.width.output; ++x) {
        const Blend& col = cols_[x];
        if (args_.op == ResampleOp::bilinear) {
          out[x] = (T{1} - row.weight) *
                       ((T{1} - col.weight) * first[col.first] + col.weight * first[col.second]) +
                   row.weight *
                       ((T{1} - col.weight) * second[col.first] + col.weight * second[col.second]);
        } else {
          out[x] = col.first < 0 ? T{0} : first[col.first];
        }
      }
    }
  }

  void backward(std::int64_t plane) const {
    const T* grad = static_cast<const T*>(args_.from) + plane * outputs();
    T* const out = static_cast<T*>(args_.to) + plane * inputs();
    std::fill_n(out, inputs(), T{0});
    for (std::int64_t y = 0; y < args_.height.output; ++y, grad += args_.width.output) {
      const Blend row = blend_of_row(y);
      if (row.first < 0) continue;
      T* const first = out + row.first * args_.width.input;
      T* const second = out + row.second * args_.width.input;
      for (std::int64_t x = 0; x < args_.width.output; ++x) {
        const Blend& col = cols_[x];
        if (col.first < 0) continue;
        if (args_.op != ResampleOp::bilinear) {
          first[col.first] += grad[x];
          continue;
        }
        const T upper = (T{1} - row.weight) * grad[x];
        const T lower = row.weight * grad[x];
        first[col.first] += (T{1} - col.weight) * upper;
        first[col.second] += col.weight * upper;
        second[col.first] += (T{1} - col.weight) * lower;
        second[col.second] += col.weight * lower;
      }
    }
  }

  [[nodiscard]] std::int64_t inputs() const { return args_.height.input * args_.width.input; }
  [[nodiscard]] std::int64_t outputs() const { return args_.height.output * args_.width.output; }

 private:
  [[nodiscard]] Blend blend_of_row(std::int64_t y) const {
    return formulas::blend_of<T>(args_.op, args_.height, args_.align_corners, y);
  }

  const ResampleArgs& args_;
  const Blend* cols_;
};

}  // namespace

void CpuBackend::resample(const ResampleArgs& args) {
  visit_arithmetic(args.dtype, name_of(args.op), [&]<typename T>(TypeTag<T>) {
    auto* const cols = thread_workspace<formulas::Blend<T>, BlendScratch>(args.width.output);
    const Resampling<T> resampling(args, cols);
    const std::int64_t elements = args.planes * (resampling.inputs() + resampling.outputs());
    share(*pool_, args.planes, 1, elements, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t plane = first; plane < last; ++plane) {
        args.backward ? resampling.backward(plane) : resampling.forward(plane);
      }
    });
  });
}

}  // namespace wick::cpu
