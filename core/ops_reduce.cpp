// SPDX-License-Identifier: MIT
#include "wick/core/ops_reduce.h"

#include <algorithm>
#include <limits>

#include "core/op_checks.h"
#include "wick/core/backend.h"
#include "wick/core/backend/reduce.h"
#include "wick/core/error.h"
#include "wick/core/visit_values.h"

namespace wick::ops {
namespace {

using namespace checks;  // NOLINT(google-build-using-namespace)

// Of each dimension of x, 1 where it is reduced.
Dims mark_dims(const char* operation, const Tensor& x, const Dims& dims) {
  Dims marks(x.shape().size(), dims.empty() ? 1 : 0);
  // As in PyTorch, a tensor without dimensions has one of size 1 here.
  const std::size_t rank = std::max<std::size_t>(x.shape().size(), 1);
  Dims seen(rank, 0);
  for (const std::int64_t dim : dims) {
    const std::size_t at = wrap_dim(dim, rank, operation);
    if (seen[at]++ != 0) {
      throw ValueError(concat(operation, ": ", dims, " names dimension ", at, " of ", x, " twice"));
    }
    if (!marks.empty()) marks[at] = 1;
  }
  return marks;
}

Dims reduced_shape(const Tensor& x, const Dims& marks, bool keepdim) {
  Dims shape;
  for (std::size_t d = 0; d < marks.size(); ++d) {
    if (marks[d] == 0) {
      shape.push_back(x.shape()[d]);
    } else if (keepdim) {
      shape.push_back(1);
    }
  }
  return shape;
}

// Neighbouring dimensions of one kind that are one run in memory.
struct Group {
  std::int64_t size = 1;
  std::int64_t stride = 1;
  bool reduced = false;
};

// x as (outer, size, inner), of which each is one group or none; false where there are more.
bool describe(const Tensor& x, const Dims& marks, ReduceArgs& args) {
  Group groups[3];
  std::size_t count = 0;
  for (std::size_t d = 0; d < marks.size(); ++d) {
    const std::int64_t size = x.shape()[d];
    const std::int64_t stride = x.strides()[d];
    const bool reduced = marks[d] != 0;
    if (size == 1) continue;
    if (count > 0) {
      Group& last = groups[count - 1];
      if (last.reduced == reduced && last.stride == size * stride) {
        last.size *= size;
        last.stride = stride;
        continue;
      }
    }
    if (count == std::size(groups)) return false;
    groups[count++] = {size, stride, reduced};
  }
  std::size_t at = 0;
  const auto take = [&](bool reduced) {
    return at < count && groups[at].reduced == reduced ? groups[at++] : Group{};
  };
  const Group outer = take(false);
  const Group size = take(true);
  const Group inner = take(false);
  if (at != count) return false;
  args.outer = outer.size;
  args.outer_stride = outer.stride;
  args.size = size.size;
  args.size_stride = size.stride;
  args.inner = inner.size;
  args.inner_stride = inner.stride;
  // Columns of a transposed matrix are the rows of one that is not.
  if (args.inner == 1) {
    std::swap(args.outer, args.inner);
    std::swap(args.outer_stride, args.inner_stride);
  }
  return true;
}

// The dimensions that stay in front, then those that are reduced.
Tensor gathered(const Tensor& x, const Dims& marks) {
  Dims order;
  for (const std::int64_t mark : {0, 1}) {
    for (std::size_t d = 0; d < marks.size(); ++d) {
      if (marks[d] == mark) order.push_back(static_cast<std::int64_t>(d));
    }
  }
  return x.permute(order).contiguous();
}

// Each contiguous, of as many elements as x has others; or null.
void run(ReduceOp op, const Tensor& x, const Dims& marks, const Tensor* values,
         const Tensor* indices) {
  const Tensor& result = values == nullptr ? *indices : *values;
  if (result.numel() == 0) return;
  if (x.numel() == 0) {
    values->fill_(op == ReduceOp::mean ? std::numeric_limits<double>::quiet_NaN() : 0.0);
    return;
  }
  ReduceArgs args{.op = op, .dtype = x.dtype(), .x = x.raw()};
  Tensor copy;
  if (!describe(x, marks, args)) {
    copy = gathered(x, marks);
    args.x = copy.raw();
    args.outer = result.numel();
    args.size = x.numel() / args.outer;
    args.outer_stride = args.size;
    args.size_stride = 1;
    args.inner = 1;
    args.inner_stride = 1;
  }
  if (values != nullptr) args.out = values->raw();
  if (indices != nullptr) args.indices = static_cast<std::int64_t*>(indices->raw());
  will_write({values, indices});
  x.backend().reduce(args);
}

// Tensors of the caller's, or new ones where they have another layout than the kernels write.
class Results {
 public:
  Results(const char* operation, const Tensor& x, const Dims& shape)
      : operation_(operation), x_(x), shape_(shape) {}

  Tensor* prepare(const Tensor& out, DType dtype, Tensor& place) const {
    require_same_device(operation_, x_, out);
    require_dtype(operation_, out, dtype);
    require_shape(operation_, "the result", out, shape_);
    require_apart(operation_, out, x_);
    place = out.is_contiguous() ? out : Tensor::empty(shape_, dtype, x_.device());
    return &place;
  }

  static void finish(const Tensor& out, const Tensor& place) {
    if (!out.is_contiguous()) out.copy_(place);
  }

 private:
  const char* operation_;
  const Tensor& x_;
  const Dims& shape_;
};

void require_elements(const char* operation, const Tensor& x, const Dims& marks) {
  const bool all = std::find(marks.begin(), marks.end(), 0) == marks.end();
  for (std::size_t d = 0; d < marks.size(); ++d) {
    if (marks[d] == 0 || x.shape()[d] != 0) continue;
    if (all) throw ShapeError(concat(operation, ": there is no element in ", x));
    throw ShapeError(concat(operation, ": there is no element along dimension ", d, " of ", x));
  }
}

DType check(const char* operation, ReduceOp op, const Tensor& x, const Dims& marks) {
  visit_values(x.dtype(), operation, [](auto) {});
  if (op == ReduceOp::mean && !is_floating_point(x.dtype())) {
    throw DTypeError(concat(operation, ": of float32 and float64, got ", x,
                            "; convert with to(DType::float32)"));
  }
  if (op == ReduceOp::min || op == ReduceOp::max) require_elements(operation, x, marks);
  return op == ReduceOp::sum && !is_floating_point(x.dtype()) ? DType::int64 : x.dtype();
}

Tensor reduce(const char* operation, ReduceOp op, const Tensor& x, const Dims& dims, bool keepdim) {
  const Dims marks = mark_dims(operation, x, dims);
  const DType dtype = check(operation, op, x, marks);
  Tensor out = Tensor::empty(reduced_shape(x, marks, keepdim), dtype, x.device());
  run(op, x, marks, &out, nullptr);
  return out;
}

void reduce(const char* operation, ReduceOp op, const Tensor& x, const Dims& dims,
            const Tensor& out, bool keepdim) {
  const Dims marks = mark_dims(operation, x, dims);
  const DType dtype = check(operation, op, x, marks);
  const Dims shape = reduced_shape(x, marks, keepdim);
  const Results results(operation, x, shape);
  Tensor place;
  run(op, x, marks, results.prepare(out, dtype, place), nullptr);
  Results::finish(out, place);
}

void extremes(const char* operation, ReduceOp op, const Tensor& x, const Dims& dims,
              const Tensor* values, const Tensor* indices, bool keepdim) {
  const Dims marks = mark_dims(operation, x, dims);
  static_cast<void>(check(operation, op, x, marks));
  if (values == nullptr && x.dtype() == DType::boolean) {
    throw DTypeError(
        concat(operation, ": not of bool, got ", x, "; convert with to(DType::int64)"));
  }
  const Dims shape = reduced_shape(x, marks, keepdim);
  const Results results(operation, x, shape);
  Tensor values_place;
  Tensor indices_place;
  if (values != nullptr) {
    results.prepare(*values, x.dtype(), values_place);
    require_no_overlap(operation, *values, *indices);
  }
  results.prepare(*indices, DType::int64, indices_place);
  run(op, x, marks, values == nullptr ? nullptr : &values_place, &indices_place);
  if (values != nullptr) Results::finish(*values, values_place);
  Results::finish(*indices, indices_place);
}

Tensor new_indices(const char* operation, const Tensor& x, const Dims& dims, bool keepdim) {
  return Tensor::empty(reduced_shape(x, mark_dims(operation, x, dims), keepdim), DType::int64,
                       x.device());
}

Extremes extremes(const char* operation, ReduceOp op, const Tensor& x, std::int64_t dim,
                  bool keepdim) {
  const Tensor indices = new_indices(operation, x, {dim}, keepdim);
  Extremes out{Tensor::empty(indices.shape(), x.dtype(), x.device()), indices};
  extremes(operation, op, x, {dim}, &out.values, &out.indices, keepdim);
  return out;
}

Tensor positions(const char* operation, ReduceOp op, const Tensor& x, const Dims& dims,
                 bool keepdim) {
  Tensor out = new_indices(operation, x, dims, keepdim);
  extremes(operation, op, x, dims, nullptr, &out, keepdim);
  return out;
}

}  // namespace

Tensor sum(const Tensor& x, const ReduceDims& dims, bool keepdim) {
  return reduce("sum", ReduceOp::sum, x, dims.dims(), keepdim);
}
void sum(const Tensor& x, const ReduceDims& dims, const Tensor& out, bool keepdim) {
  reduce("sum", ReduceOp::sum, x, dims.dims(), out, keepdim);
}

Tensor mean(const Tensor& x, const ReduceDims& dims, bool keepdim) {
  return reduce("mean", ReduceOp::mean, x, dims.dims(), keepdim);
}
void mean(const Tensor& x, const ReduceDims& dims, const Tensor& out, bool keepdim) {
  reduce("mean", ReduceOp::mean, x, dims.dims(), out, keepdim);
}

Tensor amin(const Tensor& x, const ReduceDims& dims, bool keepdim) {
  return reduce("amin", ReduceOp::min, x, dims.dims(), keepdim);
}
void amin(const Tensor& x, const ReduceDims& dims, const Tensor& out, bool keepdim) {
  reduce("amin", ReduceOp::min, x, dims.dims(), out, keepdim);
}
Tensor amax(const Tensor& x, const ReduceDims& dims, bool keepdim) {
  return reduce("amax", ReduceOp::max, x, dims.dims(), keepdim);
}
void amax(const Tensor& x, const ReduceDims& dims, const Tensor& out, bool keepdim) {
  reduce("amax", ReduceOp::max, x, dims.dims(), out, keepdim);
}

Extremes min(const Tensor& x, std::int64_t dim, bool keepdim) {
  return extremes("min", ReduceOp::min, x, dim, keepdim);
}
void min(const Tensor& x, std::int64_t dim, const Extremes& out, bool keepdim) {
  extremes("min", ReduceOp::min, x, {dim}, &out.values, &out.indices, keepdim);
}
Extremes max(const Tensor& x, std::int64_t dim, bool keepdim) {
  return extremes("max", ReduceOp::max, x, dim, keepdim);
}
void max(const Tensor& x, std::int64_t dim, const Extremes& out, bool keepdim) {
  extremes("max", ReduceOp::max, x, {dim}, &out.values, &out.indices, keepdim);
}

Tensor argmin(const Tensor& x) {
  return positions("argmin", ReduceOp::min, x, {}, false);
}
Tensor argmin(const Tensor& x, std::int64_t dim, bool keepdim) {
  return positions("argmin", ReduceOp::min, x, {dim}, keepdim);
}
void argmin(const Tensor& x, std::int64_t dim, const Tensor& out, bool keepdim) {
  extremes("argmin", ReduceOp::min, x, {dim}, nullptr, &out, keepdim);
}
Tensor argmax(const Tensor& x) {
  return positions("argmax", ReduceOp::max, x, {}, false);
}
Tensor argmax(const Tensor& x, std::int64_t dim, bool keepdim) {
  return positions("argmax", ReduceOp::max, x, {dim}, keepdim);
}
void argmax(const Tensor& x, std::int64_t dim, const Tensor& out, bool keepdim) {
  extremes("argmax", ReduceOp::max, x, {dim}, nullptr, &out, keepdim);
}

}  // namespace wick::ops
