// SPDX-License-Identifier: MIT
// The backend of the device "cuda:N".
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "kernels/cuda/blas.h"
#include "kernels/cuda/context.h"
#include "kernels/cuda/small_net_steps.h"
#include "kernels/cuda/transfer.h"
#include "wick/core/backend.h"
#include "wick/core/backend/elementwise.h"
#include "wick/core/backend/image.h"
#include "wick/core/backend/loss.h"
#include "wick/core/backend/matrix.h"
#include "wick/core/backend/memory.h"
#include "wick/core/backend/norm.h"
#include "wick/core/backend/random.h"
#include "wick/core/backend/rows.h"
#include "wick/core/backend/update.h"
#include "wick/core/backend/vector_reduce.h"
#include "wick/core/recording.h"

namespace wick::cuda {

/// Gives every operation to the stream that is current in the calling thread (Context::current())
/// and returns; only copy_to_host() and synchronize() wait. The device that the caller has made the
/// current one stays so. Matrix products are cuBLASLt's, all else are kernels of our own.
class CudaBackend final : public Backend {
 public:
  /// The device must be the current one. Throws DeviceError where it cannot be used.
  explicit CudaBackend(int index);

  [[nodiscard]] Device device() const noexcept override {
    return {DeviceType::cuda, context_.device()};
  }
  [[nodiscard]] Context& context() noexcept { return context_; }

  [[nodiscard]] void* allocate(std::size_t bytes) override;
  void deallocate(void* data, std::size_t bytes) noexcept override;
  void copy_from_host(void* to, const void* host, std::size_t bytes) override;
  void copy_to_host(void* host, const void* from, std::size_t bytes) override;
  bool copy_from_peer(void* to, Backend& peer, const void* from, std::size_t bytes) override;
  void zero(void* data, std::size_t bytes) override;
  void copy_strided(const StridedRef& to, const StridedRef& from) override;
  void synchronize() override;
  [[nodiscard]] std::unique_ptr<DeviceEvent> record_event() override;
  void wait_event(const DeviceEvent* event) override;
  void advance(std::int64_t* counter) override;
  void aside(const std::function<void()>& work) override;
  [[nodiscard]] std::unique_ptr<Recording> record(RecordedStep step) override;

  void matmul(const MatmulArgs& args) override;
  [[nodiscard]] std::size_t relu_bits_bytes(DType dtype, std::int64_t rows,
                                            std::int64_t cols) const override;
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
  [[nodiscard]] std::uint64_t uniform(const RandomArgs& args, double low, double high) override;
  [[nodiscard]] std::uint64_t normal(const RandomArgs& args, double mean,
                                     double deviation) override;
  [[nodiscard]] std::uint64_t dropout(const DropoutArgs& args) override;
  void masked_scale(const MaskedScaleArgs& args) override;
  void update(const UpdateArgs& args) override;

 private:
  [[nodiscard]] Blas& blas();
  // launch(state, schedule, launch context).
  template <typename Launch>
  void draw(const char* operation, const GeneratorStream& stream, const Launch& launch);

  Context context_;
  Transfer transfer_;
  SmallNetSteps small_net_{context_};
  std::mutex blas_mutex_;
  std::unique_ptr<Blas> blas_;  // from the first product on
};

/// Whether float32 products may use TF32; off at the start. One switch for all devices, as
/// PyTorch's.
[[nodiscard]] std::atomic<bool>& tf32_switch() noexcept;

}  // namespace wick::cuda
