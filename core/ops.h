// SPDX-License-Identifier: MIT
// Operations on tensors, those that layers and losses are made of.
//
// What holds of all operations in wick::ops: their operands must be on one device, else they throw
// DeviceError that names both; shapes that do not fit throw ShapeError.
//
// The functions of this header take contiguous tensors of one dtype, float32 or float64 (else
// DTypeError), unless they say otherwise. A matrix may have any row stride, as slices of rows or
// columns of a contiguous matrix have it; the elements of a row must lie one after the other. An
// `out` is a tensor of the caller's, so that a training step allocates nothing.
#pragma once

#include "wick/core/backend/elementwise.h"
#include "wick/core/backend/loss.h"
#include "wick/core/compiler.h"
#include "wick/core/ops_arithmetic.h"
#include "wick/core/tensor.h"

namespace wick::ops {

/// What a ReLU has let through, a bit for each element of its output: the matmul that applies it
/// leaves them, and the one that takes its gradient has less to read. A device that has no use for
/// them leaves them alone.
struct WICK_API ReluBits {
  /// Makes room for those of a matrix; allocates only where there was less.
  void prepare(const Tensor& output);

  Tensor memory;       // uint8; undefined where the device has no use for it
  bool valid = false;  // the bits are those of the last ReLU
};

struct MatmulOptions {
  bool transpose_a = false;
  bool transpose_b = false;
  bool accumulate = false;            // add to `out` instead of overwriting it
  const Tensor* bias = nullptr;       // (N): added to each row
  bool relu = false;                  // max(x, 0) of the result
  const Tensor* relu_mask = nullptr;  // (M, N): the result is zeroed where this is zero or less
  ReluBits* relu_bits = nullptr;      // with relu: receives them; with relu_mask: those of the mask
  const Tensor* a_sums = nullptr;     // (M): receives the sums of a's columns; needs transpose_a
  bool accumulate_sums = false;       // add to `a_sums` instead of overwriting it
};

/// out = op(a) op(b), then in this order: accumulate, bias, relu, relu_mask. `a` and `b` may also
/// be bfloat16, with all else float32 or bfloat16: such products are summed in float32.
WICK_API void matmul(const Tensor& a, const Tensor& b, const Tensor& out,
                     const MatmulOptions& options = {});

/// torch.matmul into a new tensor. Vectors are taken as a row on the left and a column on the
/// right, of more than two dimensions the last two are those of matrices, and the others are
/// broadcast. Operands may have any layout; float32, float64 or bfloat16. The form above takes such
/// operands, too, without options: then `out` may have any layout.
[[nodiscard]] WICK_API Tensor matmul(const Tensor& a, const Tensor& b);
/// torch.bmm: (B, M, K) by (B, K, N) is (B, M, N).
[[nodiscard]] WICK_API Tensor bmm(const Tensor& a, const Tensor& b);
WICK_API void bmm(const Tensor& a, const Tensor& b, const Tensor& out);

/// out (N) = sum over the rows of x (M, N); added to `out` if `accumulate`.
WICK_API void column_sums(const Tensor& x, const Tensor& out, bool accumulate = false);

/// out = op(x), element by element; contiguous tensors of equal shape; in place if they are the
/// same.
WICK_API void unary(UnaryOp op, const Tensor& x, const Tensor& out,
                    const UnaryParameters& parameters = {});
/// grad_input = grad_output times the derivative of op; `saved` is op's input or output, as
/// info_of(op).saved says. Contiguous tensors of equal shape; in place if `grad_input` is one of
/// the others.
WICK_API void unary_backward(UnaryOp op, const Tensor& grad_output, const Tensor& saved,
                             const Tensor& grad_input, const UnaryParameters& parameters = {});

/// out = max(x, 0); NaN stays NaN.
inline void relu(const Tensor& x, const Tensor& out) {
  unary(UnaryOp::relu, x, out);
}
/// grad_input = output <= 0 ? 0 : grad_output, where `output` is what relu() gave.
inline void relu_backward(const Tensor& grad_output, const Tensor& output,
                          const Tensor& grad_input) {
  unary_backward(UnaryOp::relu, grad_output, output, grad_input);
}

/// out = mask * x * scale, element by element, with the scale rounded to x's dtype: the gradient of
/// Generator::dropout, with its mask and the scale of its p. Contiguous tensors of equal shape, the
/// mask bool; in place if `out` is x.
WICK_API void masked_scale(const Tensor& x, const Tensor& mask, double scale, const Tensor& out);
/// 1 / (1 - p) as torch's dropout rounds it; for a p of 1, 0.
[[nodiscard]] WICK_API double dropout_scale(double p, DType dtype);

/// out = exp(x) / sum of exp(x) along a dimension, or, with `log`, its logarithm. Contiguous
/// tensors of equal shape; `dim` may count from the end; a tensor without dimensions has one of
/// size 1. In place if they are the same.
WICK_API void softmax(const Tensor& x, std::int64_t dim, bool log, const Tensor& out);
/// torch.softmax and torch.log_softmax of a tensor of any layout, in a new one.
[[nodiscard]] WICK_API Tensor softmax(const Tensor& x, std::int64_t dim);
[[nodiscard]] WICK_API Tensor log_softmax(const Tensor& x, std::int64_t dim);
/// The gradient by x from that by `output`, which softmax() gave. In place if `grad_input` is
/// `grad_output`.
WICK_API void softmax_backward(const Tensor& grad_output, const Tensor& output, std::int64_t dim,
                               bool log, const Tensor& grad_input);

/// out = x > 0 ? x : weight * x, where the weight (C) has one element, or one for each position of
/// x's dimension 1. Contiguous tensors; in place if `out` is x.
WICK_API void prelu(const Tensor& x, const Tensor& weight, const Tensor& out);
/// Its gradients, by x and by the weight; each may be null. With `accumulate`, that by the weight
/// is added to what is there.
WICK_API void prelu_backward(const Tensor& grad_output, const Tensor& x, const Tensor& weight,
                             const Tensor* grad_input, const Tensor* grad_weight,
                             bool accumulate = false);

struct CrossEntropyOptions {
  const Tensor* weight = nullptr;  // (C): a weight for each class
  double label_smoothing = 0.0;    // in [0, 1]
  std::int64_t ignore_index = -100;
  bool mean = true;                  // else the sum
  const Tensor* loss_sum = nullptr;  // float64, one element: the loss is added to it
  const Tensor* losses = nullptr;    // (N): receives each row's, not divided
};

/// torch.nn.functional.cross_entropy of logits (N, C) and int64 class indices (N): `loss` (one
/// element) and, where `grad` (N, C) is given, the gradient by the logits. The mean of no rows is
/// NaN. Throws IndexError for a target that is neither a class nor ignore_index.
WICK_API void cross_entropy(const Tensor& logits, const Tensor& targets, const Tensor& loss,
                            const Tensor* grad, const CrossEntropyOptions& options = {});

/// torch.nn.functional.nll_loss: the same, where the rows are the logarithms of probabilities.
/// There is no label smoothing.
WICK_API void nll_loss(const Tensor& log_probabilities, const Tensor& targets, const Tensor& loss,
                       const Tensor* grad, const CrossEntropyOptions& options = {});

struct PointwiseLossOptions {
  /// Of as many elements as the last dimension has: what each loss is multiplied by.
  const Tensor* weight = nullptr;
  /// Likewise, of binary_cross_entropy_with_logits: the weight of the positive answers.
  const Tensor* pos_weight = nullptr;
  double a = 0.0;                    // see LossOp
  double b = 0.0;                    // likewise
  bool mean = true;                  // over all elements; else the sum
  double divisor = 0.0;              // of the sum, in place of what `mean` says, where it is not 0
  const Tensor* loss_sum = nullptr;  // float64, one element: the loss is added to it
  const Tensor* losses = nullptr;    // of the input's shape: receives each element's, not divided
  /// Of gaussian_nll_loss, of the input's shape: the variance, and what receives its gradient.
  const Tensor* var = nullptr;
  const Tensor* grad_var = nullptr;
};

/// A loss that is a sum over elements: `loss` (one element) and, where `grad` is given, the
/// gradient by the input. Input, target and grad are contiguous, of one shape. The mean of no
/// elements is NaN.
WICK_API void pointwise_loss(LossOp op, const Tensor& input, const Tensor& target,
                             const Tensor& loss, const Tensor* grad,
                             const PointwiseLossOptions& options = {});

/// out (N, int64) = the column of each row's largest element; the first of equals. NaN is largest.
/// Along any dimension: core/ops_reduce.h.
WICK_API void argmax(const Tensor& x, const Tensor& out);
/// The number of rows of `logits` (N, C) whose argmax is their label (N, int64).
[[nodiscard]] WICK_API std::int64_t count_hits(const Tensor& logits, const Tensor& labels);

/// out[i] = source[indices[i]] along the first dimension; both contiguous, of one dtype, any.
/// Throws IndexError for an index outside the source.
WICK_API void index_select(const Tensor& source, const Tensor& indices, const Tensor& out);
/// torch.index_select: a new tensor of the positions `indices` (N, int64) of a dimension, of any
/// dtype and layout: `index_select(images, 0, permutation.slice(0, 0, 32))` is a batch. Throws
/// IndexError.
[[nodiscard]] WICK_API Tensor index_select(const Tensor& source, std::int64_t dim,
                                           const Tensor& indices);

/// sums[indices[i]] += rows[i] along the first dimension, in the order of i, so that the result
/// does not depend on threads; both contiguous, float32 or float64, of one dtype. Rows with the
/// index `ignore_index` are left out. Throws IndexError for any other index outside the sums; then
/// nothing has changed on the CPU.
WICK_API void index_add(const Tensor& rows, const Tensor& indices, const Tensor& sums,
                        std::int64_t ignore_index = -1);

/// out[i, c, ...] = source[indices[i], c, ...] * scale[c] + shift[c] in `out`'s dtype. `source`
/// (N, C, ...) is contiguous, uint8 or of out's dtype; `indices` (M, int64) may be null: all rows
/// in order; `scale` and `shift` (C) are on the CPU, of out's dtype; `out` is contiguous, of M rows
/// and as many elements per row as `source`, in any shape.
WICK_API void gather_affine(const Tensor& source, const Tensor* indices, const Tensor& scale,
                            const Tensor& shift, const Tensor& out);

}  // namespace wick::ops
