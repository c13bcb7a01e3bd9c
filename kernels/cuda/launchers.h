// SPDX-License-Identifier: MIT
// The host functions that start wick's own CUDA kernels: one per backend operation other than
// matmul, and those that a captured training step needs besides.
//
// Contract of every launcher:
//  - It takes the argument structs of core/backend.h with pointers to memory of the current device
//    and gives the work to `context.stream`. It allocates nothing and waits for nothing, so that it
//    can be captured in a CUDA graph. Empty inputs launch nothing unless an output is due.
//  - It returns what the launch returned (cudaSuccess, or what cudaGetLastError knows); the caller
//    turns it into an exception. A dtype that an operation does not take throws DTypeError.
//  - Data need only the alignment of their element type; 16-byte accesses are used where all
//    operands allow them. Sizes and offsets are 64 bits wide.
//  - Results are the same bit for bit from run to run on the same kind of device.
//  - A label or index out of range is never followed: the kernel reports it to `context.error`
//    and carries on (a row of zeros in a gather; NaN as the loss and no gradient for that row in
//    cross_entropy).
//
// Thread safety: calls with different contexts may run at the same time.
#pragma once

#include <cstddef>
#include <cstdint>

#include <cuda_runtime_api.h>

#include "kernels/recurrent_steps.h"
#include "kernels/step_scalars.h"
#include "wick/core/backend.h"
#include "wick/core/backend/arithmetic.h"
#include "wick/core/backend/attention.h"
#include "wick/core/backend/elementwise.h"
#include "wick/core/backend/image.h"
#include "wick/core/backend/loss.h"
#include "wick/core/backend/matrix.h"
#include "wick/core/backend/memory.h"
#include "wick/core/backend/norm.h"
#include "wick/core/backend/reduce.h"
#include "wick/core/backend/rows.h"
#include "wick/core/backend/update.h"
#include "wick/core/backend/vector_reduce.h"

namespace wick::cuda {

/// The operations that can find a label or an index out of range.
enum class CheckedOperation : std::int32_t {
  none,
  cross_entropy,
  gather_affine,
  index_select,
  index_add,
  nll_loss
};

/// The first mistake that a kernel has found, in device memory that starts as zero bytes. The first
/// operation with a mistake keeps the flag, with its lowest row. To be read (asynchronously copied)
/// where the host waits for the stream anyway, and zeroed once it has been reported.
struct ErrorFlag {
  std::int32_t lock = 0;  // the kernels' own
  CheckedOperation operation = CheckedOperation::none;
  std::int64_t row = 0;    // position in the targets or indices of the operation
  std::int64_t value = 0;  // what stood there
  std::int64_t limit = 0;  // values in [0, limit) were allowed
};

/// Scratch of one stream, in device memory aligned to 256 bytes. Its first kTicketBytes must be
/// zero before the first launch that uses it; every kernel leaves them zero. Two launches that may
/// run at the same time must not share one.
inline constexpr std::size_t kTicketBytes = 4096;
inline constexpr std::size_t kWorkspaceBytes = std::size_t{4} << 20;

/// Where a kernel runs and what it may use. The device's two figures come from cudaDeviceProp and
/// decide on grid sizes, never on what is computed.
struct LaunchContext {
  cudaStream_t stream = nullptr;
  int multiprocessors = 1;
  int threads_per_multiprocessor = 1536;
  void* workspace = nullptr;   // kWorkspaceBytes
  ErrorFlag* error = nullptr;  // must not be null where indices or targets are read
};

/// For a training step that is captured once and replayed: the number of the step lies on the
/// device, `*counter`, and what varies from step to step is read at the place it points to.
/// In this form `indices + *counter * stride` is where this step's indices begin.
struct StepOffset {
  const std::int64_t* counter = nullptr;  // none: no offset
  std::int64_t stride = 0;                // in elements; the batch size
};

/// A table of an optimizer's scalars in device memory; a step takes table[*counter] in place of
/// what step_scalars() makes of its arguments. The table must be long enough for every replay.
struct StepSchedule {
  const StepScalars* table = nullptr;     // none: the arguments' own scalars
  const std::int64_t* counter = nullptr;  // must not be null where there is a table
};

/// ++*counter. The last launch of a captured step.
[[nodiscard]] cudaError_t launch_advance(std::int64_t* counter, const LaunchContext& context,
                                         std::int64_t by = 1);

/// Moves a mistake that has been found from one flag to another, unless that has one already;
/// `from` is clear afterwards. Nothing else may write the two meanwhile.
[[nodiscard]] cudaError_t launch_move_error(ErrorFlag* from, ErrorFlag* to,
                                            const LaunchContext& context);

/// data[i] = value, converted as Tensor::to does from float64, for any dtype.
[[nodiscard]] cudaError_t launch_fill(DType dtype, void* data, std::int64_t count, double value,
                                      const LaunchContext& context);

/// Backend::copy_strided: any layouts of equal shape, any two dtypes.
[[nodiscard]] cudaError_t launch_copy_strided(const StridedRef& to, const StridedRef& from,
                                              const LaunchContext& context);

/// Backend::column_sums, and MatmulArgs::a_sums: `x` may also be bfloat16, and `out` float32 then,
/// or bfloat16; they are summed in float32. Else both are of one dtype.
[[nodiscard]] cudaError_t launch_column_sums(DType dtype, ConstMatrixRef x, DType out_dtype,
                                             void* out, bool accumulate,
                                             const LaunchContext& context);

/// Backend::binary.
[[nodiscard]] cudaError_t launch_binary(const BinaryArgs& args, const LaunchContext& context);
/// Backend::ternary.
[[nodiscard]] cudaError_t launch_ternary(const TernaryArgs& args, const LaunchContext& context);
/// Backend::reduce.
[[nodiscard]] cudaError_t launch_reduce(const ReduceArgs& args, const LaunchContext& context);

/// Backend::unary.
[[nodiscard]] cudaError_t launch_unary(const UnaryArgs& args, const LaunchContext& context);

/// Backend::unary_backward.
[[nodiscard]] cudaError_t launch_unary_backward(const UnaryBackwardArgs& args,
                                                const LaunchContext& context);

/// From row to row of ReluBitsRef's memory, in bits: as cuBLASLt, which reads it, wants it. Bit b
/// of a row is bit b % 8 of its byte b / 8, and set where the ReLU's output is not zero: where it
/// is NaN, too.
[[nodiscard]] constexpr std::int64_t relu_bits_stride(std::int64_t cols) {
  return (cols + 127) / 128 * 128;
}

/// What is left of Backend::matmul after the product, in place on C: plus bias on each row, then
/// ReLU, then zero wherever the mask is zero or less. float32, float64 or bfloat16.
struct EpilogueArgs {
  DType dtype = DType::float32;
  MatrixRef c{};               // (M, N)
  const void* bias = nullptr;  // (N) or none
  bool relu = false;
  ConstMatrixRef relu_mask{};  // (M, N), or data == nullptr
  /// With relu: receives its bits, or null. Aligned to 4 bytes.
  void* relu_bits = nullptr;
};
[[nodiscard]] cudaError_t launch_epilogue(const EpilogueArgs& args, const LaunchContext& context);

/// Backend::vector_reduce.
[[nodiscard]] cudaError_t launch_vector_reduce(const VectorReduceArgs& args,
                                               const LaunchContext& context);
/// Backend::scale_by_norm.
[[nodiscard]] cudaError_t launch_scale_by_norm(const ScaleByNormArgs& args,
                                               const LaunchContext& context);

/// Backend::pointwise_loss.
[[nodiscard]] cudaError_t launch_pointwise_loss(const PointwiseLossArgs& args,
                                                const LaunchContext& context);

/// Backend::cross_entropy; loss and gradient in one pass over the logits. `loss_total`, unless it
/// is null, also has the loss added: the sum over many steps that nobody waits for.
[[nodiscard]] cudaError_t launch_cross_entropy(const CrossEntropyArgs& args, double* loss_total,
                                               const LaunchContext& context);

/// Backend::nll_loss.
[[nodiscard]] cudaError_t launch_nll_loss(const CrossEntropyArgs& args,
                                          const LaunchContext& context);

/// Backend::softmax.
[[nodiscard]] cudaError_t launch_softmax(const SoftmaxArgs& args, const LaunchContext& context);
/// Backend::softmax_backward.
[[nodiscard]] cudaError_t launch_softmax_backward(const SoftmaxBackwardArgs& args,
                                                  const LaunchContext& context);

/// Backend::index_add: the same bits as the CPU's.
[[nodiscard]] cudaError_t launch_index_add(const IndexAddArgs& args, const LaunchContext& context);

/// Backend::norm.
[[nodiscard]] cudaError_t launch_norm(const NormArgs& args, const LaunchContext& context);
/// Backend::norm_backward.
[[nodiscard]] cudaError_t launch_norm_backward(const NormBackwardArgs& args,
                                               const LaunchContext& context);

/// Backend::conv.
[[nodiscard]] cudaError_t launch_conv(const ConvArgs& args, const LaunchContext& context);
/// Backend::pool.
[[nodiscard]] cudaError_t launch_pool(const PoolArgs& args, const LaunchContext& context);
/// Backend::resample.
[[nodiscard]] cudaError_t launch_resample(const ResampleArgs& args, const LaunchContext& context);

/// The pointwise part of a step of Backend::recurrent, whose products are matmul's.
[[nodiscard]] cudaError_t launch_cell(const CellStep& step, const LaunchContext& context);
/// Likewise of Backend::recurrent_backward.
[[nodiscard]] cudaError_t launch_cell_backward(const CellBackwardStep& step,
                                               const LaunchContext& context);

/// Backend::attention.
[[nodiscard]] cudaError_t launch_attention(const AttentionArgs& args, const LaunchContext& context);
/// Backend::attention_backward.
[[nodiscard]] cudaError_t launch_attention_backward(const AttentionBackwardArgs& args,
                                                    const LaunchContext& context);

/// Backend::prelu.
[[nodiscard]] cudaError_t launch_prelu(const PreluArgs& args, const LaunchContext& context);
/// Backend::prelu_backward.
[[nodiscard]] cudaError_t launch_prelu_backward(const PreluBackwardArgs& args,
                                                const LaunchContext& context);

/// Backend::argmax.
[[nodiscard]] cudaError_t launch_argmax(DType dtype, ConstMatrixRef x, std::int64_t* out,
                                        const LaunchContext& context);

/// Backend::count_hits; with `accumulate` the hits are added to what *hits holds.
[[nodiscard]] cudaError_t launch_count_hits(DType dtype, ConstMatrixRef x,
                                            const std::int64_t* labels, std::int64_t* hits,
                                            bool accumulate, const LaunchContext& context);

/// Backend::gather_affine. `scale` and `shift` are in host memory and read before it returns.
[[nodiscard]] cudaError_t launch_gather_affine(const GatherAffineArgs& args, StepOffset offset,
                                               const LaunchContext& context);

/// Backend::index_select.
[[nodiscard]] cudaError_t launch_index_select(const IndexSelectArgs& args, StepOffset offset,
                                              const LaunchContext& context);

/// Backend::update.
[[nodiscard]] cudaError_t launch_update(const UpdateArgs& args, StepSchedule schedule,
                                        const LaunchContext& context);

/// The state of torch.Generator("cuda"): Philox4x32-10 (Salmon et al. 2011) with this seed, whose
/// stream goes on at `offset`.
struct PhiloxState {
  std::uint64_t seed = 67280421310721ULL;
  std::uint64_t offset = 0;  // a multiple of 4
};
/// For draws in a captured step, as StepSchedule: a stream is at table[*counter] when the step
/// begins, and the offset of the draw's own state counts from there.
struct PhiloxSchedule {
  const PhiloxState* table = nullptr;     // none: the draw's own state
  const std::int64_t* counter = nullptr;  // must not be null where there is a table
};
/// What tensor.uniform_ or normal_ of `count` elements (float32, float64) adds to the offset.
[[nodiscard]] std::uint64_t philox_advance(DType dtype, std::int64_t count,
                                           const LaunchContext& context);
/// tensor.uniform_(low, high) on a CUDA device with as many multiprocessors.
[[nodiscard]] cudaError_t launch_uniform(DType dtype, void* out, std::int64_t count, double low,
                                         double high, PhiloxState state, PhiloxSchedule schedule,
                                         const LaunchContext& context);
/// tensor.normal_(mean, deviation) on a CUDA device with as many multiprocessors.
[[nodiscard]] cudaError_t launch_normal(DType dtype, void* out, std::int64_t count, double mean,
                                        double deviation, PhiloxState state,
                                        PhiloxSchedule schedule, const LaunchContext& context);

/// Backend::dropout; what it adds to the offset is dropout_advance().
[[nodiscard]] cudaError_t launch_dropout(const DropoutArgs& args, PhiloxState state,
                                         PhiloxSchedule schedule, const LaunchContext& context);
[[nodiscard]] std::uint64_t dropout_advance(std::int64_t count, const LaunchContext& context);
/// Backend::masked_scale.
[[nodiscard]] cudaError_t launch_masked_scale(const MaskedScaleArgs& args,
                                              const LaunchContext& context);

}  // namespace wick::cuda
