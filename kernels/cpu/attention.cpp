// SPDX-License-Identifier: MIT
// Attention by blocks of queries and keys, whose scores stay in the caches, and how threads share
// it: queries by their blocks, gradients, which are sums over queries, by heads.
#include "wick/core/backend/attention.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/matmul_float64.h"
#include "kernels/cpu/matmul_task.h"
#include "kernels/cpu/share.h"
#include "kernels/cpu/workspace.h"

namespace wick::cpu {
namespace {

constexpr std::int64_t kQueries = 64;  // of a block
constexpr std::int64_t kKeys = 256;

template <typename T>
const T* head_of(const ConstHeadsRef& ref, std::int64_t batch, std::int64_t head,
                 std::int64_t row) {
  return offset(static_cast<const T*>(ref.data),
                batch * ref.batch + head * ref.head + row * ref.row);
}
template <typename T>
T* head_of(const HeadsRef& ref, std::int64_t batch, std::int64_t head, std::int64_t row) {
  return const_cast<T*>(head_of<T>(ConstHeadsRef(ref), batch, head, row));
}

struct Unit {
  std::int64_t batch;
  std::int64_t head;
};

template <typename T>
AttentionBlock<T> block_of(const AttentionInputs& args, const Unit& unit, T* scores,
                           std::int64_t query, std::int64_t key) {
  AttentionBlock<T> block{};
  block.scores = scores;
  block.stride = kKeys;
  block.rows = std::min(kQueries, args.shape.queries - query);
  block.cols = std::min(kKeys, args.shape.keys - key);
  block.scale = static_cast<T>(args.scale);
  for (int k = 0; k < 2; ++k) {
    const AttentionMask& mask = args.masks[k];
    if (mask.data == nullptr) continue;
    const std::int64_t first =
        unit.batch * mask.batch + unit.head * mask.head + query * mask.query + key * mask.key;
    const std::int64_t size =
        mask.kind == MaskKind::added ? static_cast<std::int64_t>(sizeof(T)) : 1;
    block.masks[k] = {static_cast<const std::byte*>(mask.data) + first * size, mask.kind,
                      mask.query, mask.key};
  }
  // Far beyond the columns, but such that a row's number can be added.
  block.visible = args.causal ? query + 1 - key : kKeys;
  if (args.kept != nullptr) {
    const std::int64_t row =
        (unit.batch * args.shape.heads + unit.head) * args.shape.queries + query;
    block.kept = static_cast<const unsigned char*>(args.kept) + row * args.shape.keys + key;
    block.kept_stride = args.shape.keys;
    block.kept_scale = static_cast<T>(args.kept_scale);
  }
  return block;
}

// The keys that some query of a block sees.
std::int64_t keys_of(const AttentionInputs& args, std::int64_t query) {
  const std::int64_t end = std::min(query + kQueries, args.shape.queries);
  return args.causal ? std::min(args.shape.keys, end) : args.shape.keys;
}

template <typename T, typename Multiply>
void run_queries(const AttentionArgs& args, const Unit& unit, std::int64_t query,
                 const KernelTable<T>& kernels, const Multiply& multiply) {
  const AttentionShape& shape = args.shape;
  const std::int64_t width = shape.value_size;
  T* const scores = thread_workspace<T, AttentionArgs>(kQueries * (kKeys + width + 2));
  T* const acc = scores + kQueries * kKeys;
  T* const maxima = acc + kQueries * width;
  T* const sums = maxima + kQueries;
  std::fill(acc, maxima, T{0});
  std::fill(maxima, sums, -std::numeric_limits<T>::infinity());
  std::fill(sums, sums + kQueries, T{0});
  const std::int64_t rows = std::min(kQueries, shape.queries - query);
  const std::int64_t keys = keys_of(args, query);
  for (std::int64_t key = 0; key < keys; key += kKeys) {
    const AttentionTask<T> task{
        block_of(args, unit, scores, query, key), maxima, sums, acc, width, width};
    const std::int64_t cols = task.block.cols;
    const auto head = [&](const ConstHeadsRef& ref, std::int64_t row) {
      return head_of<T>(ref, unit.batch, unit.head, row);
    };
    multiply({.dtype = dtype_of<T>,
              .operand_dtype = dtype_of<T>,
              .a = {head(args.query, query), rows, shape.head_size, args.query.row},
              .b = {head(args.key, key), cols, shape.head_size, args.key.row},
              .c = {scores, rows, cols, kKeys},
              .transpose_b = true});
    kernels.attention(task);
    multiply({.dtype = dtype_of<T>,
              .operand_dtype = dtype_of<T>,
              .a = {scores, rows, cols, kKeys},
              .b = {head(args.value, key), cols, width, args.value.row},
              .c = {acc, rows, width, width},
              .accumulate = true});
  }
  T* const log_sums = offset(static_cast<T*>(args.log_sums),
                             (unit.batch * shape.heads + unit.head) * shape.queries + query);
  for (std::int64_t r = 0; r < rows; ++r) {
    T* const output = head_of<T>(args.output, unit.batch, unit.head, query + r);
    // A sum of no terms is that of a query that sees no key.
    const T factor = sums[r] == T{0} ? T{0} : T{1} / sums[r];
    for (std::int64_t c = 0; c < width; ++c) output[c] = acc[r * width + c] * factor;
    if (log_sums != nullptr) {
      log_sums[r] =
          sums[r] == T{0} ? -std::numeric_limits<T>::infinity() : maxima[r] + std::log(sums[r]);
    }
  }
}

template <typename T>
void zero_rows(const HeadsRef& ref, const Unit& unit, std::int64_t rows, std::int64_t cols) {
  for (std::int64_t r = 0; ref.data != nullptr && r < rows; ++r) {
    T* const row = head_of<T>(ref, unit.batch, unit.head, r);
    std::fill(row, row + cols, T{0});
  }
}

template <typename T, typename Multiply>
void run_gradient(const AttentionBackwardArgs& args, const Unit& unit,
                  const KernelTable<T>& kernels, const Multiply& multiply) {
  const AttentionShape& shape = args.shape;
  const std::int64_t first = (unit.batch * shape.heads + unit.head) * shape.queries;
  const T* const log_sums = static_cast<const T*>(args.log_sums) + first;
  T* const deltas = static_cast<T*>(args.deltas) + first;
  T* const scores = thread_workspace<T, AttentionBackwardArgs>(2 * kQueries * kKeys);
  T* const grads = scores + kQueries * kKeys;
  const auto rows_of = [&](const ConstHeadsRef& ref, std::int64_t row, std::int64_t rows,
                           std::int64_t cols) {
    return ConstMatrixRef{head_of<T>(ref, unit.batch, unit.head, row), rows, cols, ref.row};
  };
  const auto add = [&](const T* weights, const AttentionBlock<T>& block, bool transpose,
                       const ConstMatrixRef& from, const HeadsRef& to, std::int64_t row) {
    if (to.data == nullptr) return;
    const std::int64_t rows = transpose ? block.cols : block.rows;
    multiply({.dtype = dtype_of<T>,
              .operand_dtype = dtype_of<T>,
              .a = {weights, block.rows, block.cols, kKeys},
              .b = from,
              .c = {head_of<T>(to, unit.batch, unit.head, row), rows, from.cols, to.row},
              .transpose_a = transpose,
              .accumulate = true});
  };
  zero_rows<T>(args.grad_query, unit, shape.queries, shape.head_size);
  zero_rows<T>(args.grad_key, unit, shape.keys, shape.head_size);
  zero_rows<T>(args.grad_value, unit, shape.keys, shape.value_size);
  for (std::int64_t query = 0; query < shape.queries; query += kQueries) {
    const std::int64_t rows = std::min(kQueries, shape.queries - query);
    const ConstMatrixRef queries = rows_of(args.query, query, rows, shape.head_size);
    const ConstMatrixRef outer = rows_of(args.grad_output, query, rows, shape.value_size);
    for (std::int64_t r = 0; r < rows; ++r) {
      const T* const g = head_of<T>(args.grad_output, unit.batch, unit.head, query + r);
      const T* const y = head_of<T>(args.output, unit.batch, unit.head, query + r);
      T sum{0};
      for (std::int64_t c = 0; c < shape.value_size; ++c) sum += g[c] * y[c];
      deltas[query + r] = sum;
    }
    const std::int64_t end = keys_of(args, query);
    for (std::int64_t key = 0; key < end; key += kKeys) {
      const AttentionGradTask<T> task{block_of(args, unit, scores, query, key), log_sums + query,
                                      deltas + query, grads};
      const std::int64_t cols = task.block.cols;
      const ConstMatrixRef keys = rows_of(args.key, key, cols, shape.head_size);
      const auto products = [&](const ConstMatrixRef& a, const ConstMatrixRef& b, T* to) {
        multiply({.dtype = dtype_of<T>,
                  .operand_dtype = dtype_of<T>,
                  .a = a,
                  .b = b,
                  .c = {to, rows, cols, kKeys},
                  .transpose_b = true});
      };
      products(queries, keys, scores);
      products(outer, rows_of(args.value, key, cols, shape.value_size), grads);
      kernels.attention_grad(task);
      add(scores, task.block, true, outer, args.grad_value, key);
      add(grads, task.block, false, keys, args.grad_query, query);
      add(grads, task.block, true, queries, args.grad_key, key);
    }
  }
}

}  // namespace

// A product on this thread.
void CpuBackend::multiply_here(const MatmulArgs& args) const {
  if (args.c.rows == 0 || args.c.cols == 0) return;
  if (args.dtype == DType::float64) return matmul_float64(args);
  MatmulTask<float> task = make_task<float>(args);
  task.block_elements = block_elements_;
  kernels<float>().plan_matmul(&task);
  run_matmul(task);
}

void CpuBackend::attention(const AttentionArgs& args) {
  const AttentionShape& shape = args.shape;
  const std::int64_t blocks = (shape.queries + kQueries - 1) / kQueries;
  const std::int64_t heads = shape.batches * shape.heads;
  visit_arithmetic(args.dtype, "attention", [&]<typename T>(TypeTag<T>) {
    share(*pool_, heads * blocks, 1, heads * shape.queries * shape.keys,
          [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) {
              const std::int64_t head = i / blocks;
              run_queries<T>(args, {head / shape.heads, head % shape.heads},
                             (i - head * blocks) * kQueries, kernels<T>(),
                             [&](const MatmulArgs& product) { multiply_here(product); });
            }
          });
  });
}

void CpuBackend::attention_backward(const AttentionBackwardArgs& args) {
  const AttentionShape& shape = args.shape;
  const std::int64_t heads = shape.batches * shape.heads;
  visit_arithmetic(args.dtype, "attention_backward", [&]<typename T>(TypeTag<T>) {
    share(*pool_, heads, 1, heads * shape.queries * shape.keys,
          [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) {
              run_gradient<T>(args, {i / shape.heads, i % shape.heads}, kernels<T>(),
                              [&](const MatmulArgs& product) { multiply_here(product); });
            }
          });
  });
}

}  // namespace wick::cpu
