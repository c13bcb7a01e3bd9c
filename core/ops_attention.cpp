// SPDX-License-Identifier: MIT
#include "wick/core/ops_attention.h"

#include <cmath>

#include "core/broadcast.h"
#include "core/op_checks.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"

namespace wick::ops {
namespace {

using namespace checks;  // NOLINT(google-build-using-namespace)

// What is checked of all tensors of one operation.
class Checks {
 public:
  Checks(const char* name, const Tensor& query, const Tensor& key, const Tensor& value)
      : name_(name), query_(query) {
    if (query.dim() != 4 || key.dim() != 4 || value.dim() != 4) {
      throw ShapeError(concat(name_, ": expected (samples, heads, length, size), got ", query, ", ",
                              key, " and ", value));
    }
    if (query.dtype() != DType::float32 && query.dtype() != DType::float64) {
      throw DTypeError(
          concat(name_, ": expected float32 or float64, got ", query, "; convert with to(DType)"));
    }
    shape_ = {query.size(0), query.size(1), query.size(2),
              key.size(2),   query.size(3), value.size(3)};
    require_rows("the key", key, {shape_.batches, shape_.heads, shape_.keys, shape_.head_size});
    require_rows("the value", value,
                 {shape_.batches, shape_.heads, shape_.keys, shape_.value_size});
    require_rows("the query", query, query.shape());
  }
  [[nodiscard]] const AttentionShape& shape() const { return shape_; }
  [[nodiscard]] Dims output_shape() const {
    return {shape_.batches, shape_.heads, shape_.queries, shape_.value_size};
  }

  void require_rows(const char* what, const Tensor& tensor, const Dims& shape) const {
    require_operand(name_, query_, tensor);
    require_shape(name_, what, tensor, shape);
    if (shape[3] > 1 && tensor.strides()[3] != 1) {
      throw ShapeError(concat(name_, ": the last dimension of ", what, ' ', tensor,
                              " with strides ", tensor.strides(),
                              " is not contiguous; use contiguous()"));
    }
  }
  static HeadsRef rows(const Tensor& tensor) {
    const Dims& strides = tensor.strides();
    return {tensor.raw(), strides[0], strides[1], strides[2]};
  }
  [[nodiscard]] HeadsRef output(const char* what, const Tensor* tensor, const Dims& shape) const {
    if (tensor == nullptr) return {};
    require_rows(what, *tensor, shape);
    return rows(*tensor);
  }
  // (N, H, L).
  [[nodiscard]] void* per_query(const char* what, const Tensor* tensor, bool needed) const {
    if (tensor == nullptr) {
      if (needed) throw ValueError(concat(name_, ": ", what, " is missing"));
      return nullptr;
    }
    require_operand(name_, query_, *tensor);
    require_shape(name_, what, *tensor, {shape_.batches, shape_.heads, shape_.queries});
    require_contiguous(name_, *tensor);
    return tensor->raw();
  }
  [[nodiscard]] AttentionMask mask(const Tensor* tensor, MaskKind kind, bool of_keys) const {
    if (tensor == nullptr) return {};
    require_same_device(name_, query_, *tensor);
    if (tensor->dtype() != DType::boolean && tensor->dtype() != query_.dtype()) {
      throw DTypeError(concat(name_, ": a mask must be bool or ", query_.dtype(), ", got ", *tensor,
                              "; convert with to(DType)"));
    }
    const Dims all{shape_.batches, shape_.heads, shape_.queries, shape_.keys};
    Tensor whole = *tensor;
    if (of_keys) {
      require_shape(name_, "the mask of keys", whole, {shape_.batches, shape_.keys});
      whole = whole.unsqueeze(1).unsqueeze(1);
    }
    Dims strides;
    try {
      strides = broadcast_strides(name_, whole, all);
    } catch (const ShapeError&) {
      throw ShapeError(concat(name_, ": the mask ", *tensor,
                              " does not broadcast to (samples, heads, queries, keys) ", all));
    }
    if (tensor->dtype() != DType::boolean) kind = MaskKind::added;
    return {tensor->raw(), kind, strides[0], strides[1], strides[2], strides[3]};
  }
  void fill(AttentionInputs& args, const Tensor& key, const Tensor& value,
            const AttentionOptions& options) const {
    args.dtype = query_.dtype();
    args.shape = shape_;
    args.query = rows(query_);
    args.key = rows(key);
    args.value = rows(value);
    args.masks[0] = mask(options.mask, options.mask_kind, false);
    args.masks[1] = mask(options.key_mask, options.key_mask_kind, true);
    args.causal = options.is_causal;
    args.scale = options.scale.value_or(1.0 / std::sqrt(static_cast<double>(shape_.head_size)));
    if (options.kept == nullptr) return;
    require_same_device(name_, query_, *options.kept);
    require_dtype(name_, *options.kept, DType::boolean);
    require_shape(name_, "the mask of the dropout", *options.kept,
                  {shape_.batches, shape_.heads, shape_.queries, shape_.keys});
    require_contiguous(name_, *options.kept);
    args.kept = options.kept->raw();
    args.kept_scale = options.kept_scale;
  }

 private:
  const char* name_;
  const Tensor& query_;
  AttentionShape shape_;
};

}  // namespace

void attention(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& output,
               const Tensor* log_sums, const AttentionOptions& options) {
  const Checks checks("attention", query, key, value);
  AttentionArgs args;
  checks.fill(args, key, value, options);
  args.output = checks.output("the result", &output, checks.output_shape());
  args.log_sums = checks.per_query("log_sums", log_sums, false);
  for (const Tensor* const out : {&output, log_sums}) {
    if (out == nullptr) continue;
    require_apart("attention", *out, query, key, value, options.mask, options.key_mask,
                  options.kept);
  }
  will_write({&output, log_sums});
  query.backend().attention(args);
}

void attention_backward(const Tensor& grad_output, const Tensor& query, const Tensor& key,
                        const Tensor& value, const AttentionGradients& gradients,
                        const AttentionOptions& options) {
  const char* const name = "attention_backward";
  const Checks checks(name, query, key, value);
  AttentionBackwardArgs args;
  checks.fill(args, key, value, options);
  if (gradients.output == nullptr) throw ValueError(concat(name, ": the output is missing"));
  args.grad_output =
      checks.output("the gradient by the output", &grad_output, checks.output_shape());
  args.output = checks.output("the output", gradients.output, checks.output_shape());
  args.log_sums = checks.per_query("log_sums", gradients.log_sums, true);
  args.deltas = checks.per_query("deltas", gradients.deltas, true);
  args.grad_query = checks.output("the gradient by the query", gradients.query, query.shape());
  args.grad_key = checks.output("the gradient by the key", gradients.key, key.shape());
  args.grad_value = checks.output("the gradient by the value", gradients.value, value.shape());
  for (const Tensor* const out :
       {gradients.deltas, gradients.query, gradients.key, gradients.value}) {
    if (out == nullptr) continue;
    require_apart(name, *out, grad_output, query, key, value, gradients.output, gradients.log_sums,
                  options.mask, options.key_mask, options.kept);
  }
  will_write({gradients.deltas, gradients.query, gradients.key, gradients.value});
  query.backend().attention_backward(args);
}

Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const Tensor* attn_mask, bool is_causal,
                                    std::optional<double> scale) {
  const char* const name = "scaled_dot_product_attention";
  if (attn_mask != nullptr && is_causal) {
    throw ValueError(concat(name,
                            ": there is an attn_mask together with is_causal; put the "
                            "causal part into the mask"));
  }
  const std::int64_t dims = query.dim();
  if (dims < 2 || dims > 4 || key.dim() != dims || value.dim() != dims) {
    throw ShapeError(concat(name,
                            ": expected query, key and value of the same number of "
                            "dimensions, two to four, got ",
                            query, ", ", key, " and ", value));
  }
  const auto four = [&](Tensor tensor) {
    if (tensor.size(-1) > 1 && tensor.strides()[static_cast<std::size_t>(dims) - 1] != 1) {
      tensor = tensor.contiguous();
    }
    while (tensor.dim() < 4) tensor = tensor.unsqueeze(0);
    return tensor;
  };
  Dims shape = query.shape();
  shape[shape.size() - 1] = value.size(-1);
  Tensor output = Tensor::empty(shape, query.dtype(), query.device());
  Tensor mask;
  if (attn_mask != nullptr) mask = *attn_mask;
  attention(
      four(query), four(key), four(value), four(output), nullptr,
      {.mask = attn_mask == nullptr ? nullptr : &mask, .is_causal = is_causal, .scale = scale});
  return output;
}

}  // namespace wick::ops
