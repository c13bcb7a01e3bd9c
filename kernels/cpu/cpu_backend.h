// SPDX-License-Identifier: MIT
// The backend of the device "cpu".
#pragma once

#include <memory>
#include <string_view>

#include "kernels/cpu/simd/levels.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/recurrent_steps.h"
#include "wick/core/backend.h"
#include "wick/core/backend/matrix.h"

namespace wick::cpu {

/// Runs operations on host memory: float32 by the SIMD kernels of the level at hand, float64 matrix
/// products by Eigen.
class CpuBackend final : public Backend {
 public:
  CpuBackend();
  /// For tests: a backend of a given level.
  explicit CpuBackend(Level level);

  [[nodiscard]] Device device() const noexcept override { return kCpu; }
  [[nodiscard]] std::string_view capability() const noexcept { return level_.name; }
  void set_num_threads(int count, IdleThreads idle = IdleThreads::sleep);
  [[nodiscard]] int num_threads() const noexcept { return pool_->size(); }

  [[nodiscard]] void* allocate(std::size_t bytes) override;
  void deallocate(void* data, std::size_t bytes) noexcept override;
  void copy_from_host(void* to, const void* host, std::size_t bytes) override;
  void copy_to_host(void* host, const void* from, std::size_t bytes) override;
  void zero(void* data, std::size_t bytes) override;
  void copy_strided(const StridedRef& to, const StridedRef& from) override;
  void synchronize() override {}
  void advance(std::int64_t* counter) override { ++*counter; }

  void matmul(const MatmulArgs& args) override;
  [[nodiscard]] std::size_t packed_weight_bytes(DType dtype, std::int64_t outputs,
                                                std::int64_t inputs) const override;
  void prepare_row(const MatmulArgs& args, PreparedRow& prepared) const override;
  void pack_weight(DType dtype, ConstMatrixRef weight, void* packed) override;
  void column_sums(DType dtype, ConstMatrixRef x, void* out, bool accumulate) override;
  void binary(const BinaryArgs& args) override;
  void ternary(const TernaryArgs& args) override;
  void reduce(const ReduceArgs& args) override;
  void vector_reduce(const VectorReduceArgs& args) override;
  void scale_by_norm(const ScaleByNormArgs& args) override;
  void pointwise_loss(const PointwiseLossArgs& args) override;
  void unary(const UnaryArgs& args) override;
  void unary_backward(const UnaryBackwardArgs& args) override;
  void norm(const NormArgs& args) override;
  void norm_backward(const NormBackwardArgs& args) override;
  void conv(const ConvArgs& args) override;
  void pool(const PoolArgs& args) override;
  void resample(const ResampleArgs& args) override;
  void recurrent(const RecurrentArgs& args) override;
  void recurrent_backward(const RecurrentBackwardArgs& args) override;
  void attention(const AttentionArgs& args) override;
  void attention_backward(const AttentionBackwardArgs& args) override;
  void softmax(const SoftmaxArgs& args) override;
  void softmax_backward(const SoftmaxBackwardArgs& args) override;
  void cross_entropy(const CrossEntropyArgs& args) override;
  void nll_loss(const CrossEntropyArgs& args) override;
  void argmax(DType dtype, ConstMatrixRef x, std::int64_t* out) override;
  void count_hits(DType dtype, ConstMatrixRef x, const std::int64_t* labels,
                  std::int64_t* hits) override;
  void gather_affine(const GatherAffineArgs& args) override;
  void index_select(const IndexSelectArgs& args) override;
  void index_add(const IndexAddArgs& args) override;
  void prelu(const PreluArgs& args) override;
  void prelu_backward(const PreluBackwardArgs& args) override;
  void masked_scale(const MaskedScaleArgs& args) override;
  void update(const UpdateArgs& args) override;

 private:
  template <typename T>
  [[nodiscard]] const KernelTable<T>& kernels() const noexcept {
    if constexpr (sizeof(T) == sizeof(float)) {
      return *level_.float32;
    } else {
      return *level_.float64;
    }
  }

  template <typename T>
  void run_conv(const ConvArgs& args);
  template <typename T>
  void run_conv_weight(const ConvArgs& args);
  void run_class_loss(const CrossEntropyArgs& args, const char* name, bool are_logs);
  template <typename T>
  void run_softmax(SoftmaxTask<T> task);
  template <typename T>
  void run_prelu(PreluTask<T> task, std::int64_t outer, std::int64_t channels, std::int64_t inner,
                 double* sums);
  template <typename T>
  void run_prelu_flat(const PreluTask<T>& task, double* sum);
  template <typename T>
  void run_prelu_columns(const PreluTask<T>& task, std::int64_t rows, std::int64_t channels,
                         double* sums);
  template <typename T>
  void run_prelu_channels(const PreluTask<T>& task, std::int64_t outer, std::int64_t channels,
                          double* sums);
  // A copy between float32 and bfloat16 by the vector kernels; false where its rows are not
  // contiguous.
  bool convert_bfloat16(const StridedRef& to, const StridedRef& from);
  // A whole product, on several threads where it pays.
  void multiply(MatmulTask<float>& task);
  // Products of bfloat16 operands (matmul_bfloat16.cpp).
  void matmul_bfloat16(const MatmulArgs& args);
  void matmul_pairs(const MatmulArgs& args, const PairsTable& kernels);
  struct WidenedPlan;
  void matmul_widened(const MatmulArgs& args);
  void run_widened(const PairsTask& task, const WidenedPlan& plan) const;
  void column_sums_bfloat16(const MatmulArgs& args);
  // Computes a part of a product on this thread.
  void run_matmul(const MatmulTask<float>& part) const;
  [[nodiscard]] recurrent::PackedPieces pack_pieces(const RecurrentArgs& args);
  void multiply_here(const MatmulArgs& args) const;

  Level level_;
  std::int64_t block_elements_;  // of a product's B, for its caches
  std::unique_ptr<ThreadPool> pool_;
};

}  // namespace wick::cpu
