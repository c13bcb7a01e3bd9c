// SPDX-License-Identifier: MIT
// What a device must be able to do. One virtual call per whole-tensor operation on plain views;
// to port wick to another kind of device, implement this class.
//
// Contract for every operation: arguments have been validated (core/ops.h does it), pointers are
// this device's memory unless they are called "host", and sizes may be zero. Outputs do not
// overlap inputs unless the operation says that it works in place. Matrices are row-major.
// A family's header says which dtypes its operations take; most take float32 and float64.
//
// A device may do its work later than the call returns, but in the order of the calls; what a
// kernel finds wrong (a label out of range) then shows where the host next waits: synchronize() and
// copy_to_host().
//
// Thread safety: operations may be called from several threads on different data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "wick/core/compiler.h"
#include "wick/core/device.h"
#include "wick/core/dtype.h"

namespace wick {

// What the operations take stands in a header for each family, core/backend/<family>.h; whoever
// calls or implements one includes it.

// memory.h
struct StridedRef;
class DeviceEvent;
// matrix.h
struct ConstMatrixRef;
struct MatmulArgs;
struct PreparedRow;
// elementwise.h
struct UnaryArgs;
struct UnaryBackwardArgs;
// arithmetic.h
struct BinaryArgs;
struct TernaryArgs;
// reduce.h
struct ReduceArgs;
// vector_reduce.h
struct VectorReduceArgs;
struct ScaleByNormArgs;
// loss.h
struct PointwiseLossArgs;
// norm.h
struct NormArgs;
struct NormBackwardArgs;
// image.h
struct ConvArgs;
struct PoolArgs;
struct ResampleArgs;
// recurrent.h
struct RecurrentArgs;
struct RecurrentBackwardArgs;
// attention.h
struct AttentionArgs;
struct AttentionBackwardArgs;
// rows.h
struct CrossEntropyArgs;
struct SoftmaxArgs;
struct SoftmaxBackwardArgs;
struct GatherAffineArgs;
struct IndexSelectArgs;
struct IndexAddArgs;
struct PreluArgs;
struct PreluBackwardArgs;
// random.h
struct RandomArgs;
struct DropoutArgs;
struct MaskedScaleArgs;
// update.h
struct UpdateArgs;
// core/recording.h
struct RecordedStep;
class Recording;

/// One device; the contract of all operations is at the head of this file. Whatever a tensor does
/// goes through its storage's backend.
class WICK_API Backend {
 public:
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  virtual ~Backend() = default;

  [[nodiscard]] virtual Device device() const noexcept = 0;

  /// At least `bytes` bytes, aligned to 64. Throws OutOfMemoryError that names the number, or
  /// another DeviceError.
  [[nodiscard]] virtual void* allocate(std::size_t bytes) = 0;
  virtual void deallocate(void* data, std::size_t bytes) noexcept = 0;

  virtual void copy_from_host(void* to, const void* host, std::size_t bytes) = 0;
  virtual void copy_to_host(void* host, const void* from, std::size_t bytes) = 0;
  /// Copies from memory of another device without the host's memory in between; returns false
  /// where these two devices have no such way.
  virtual bool copy_from_peer(void* /*to*/, Backend& /*peer*/, const void* /*from*/,
                              std::size_t /*bytes*/) {
    return false;
  }
  virtual void zero(void* data, std::size_t bytes) = 0;
  /// Copies between layouts of equal shape, converting between any two dtypes as
  /// Tensor::to(DType) says. The source's data is only read.
  virtual void copy_strided(const StridedRef& to, const StridedRef& from) = 0;
  /// Waits until the work that this thread has given to the device is done.
  virtual void synchronize() = 0;
  /// Marks the end of what this thread has given to the device so far. A thread that hands memory
  /// to another one records an event, and the other waits for it before it uses or frees that
  /// memory. Null where there is nothing to wait for, as on a device that works at once.
  [[nodiscard]] virtual std::unique_ptr<DeviceEvent> record_event();
  /// What this thread gives to the device from now on, frees included, runs after what `event`
  /// marks, which record_event() of this device has returned. The host does not wait.
  virtual void wait_event(const DeviceEvent* /*event*/) {}
  /// ++*counter: lets recorded work tell its repetitions apart.
  virtual void advance(std::int64_t* counter) = 0;
  /// Calls `work` in this thread and returns when what it gives to the device is done: after
  /// everything that this thread has given to the device before, but beside what other threads give
  /// to it meanwhile, which is not held up.
  virtual void aside(const std::function<void()>& work) { work(); }
  /// Prepares work to be done again and again: see core/recording.h.
  [[nodiscard]] virtual std::unique_ptr<Recording> record(RecordedStep step);

  // -- Arithmetic -------------------------------------------------------------------------------
  // A device need not have any of it: as they are written here, operations throw a DeviceError that
  // says so.

  // Matrices: matrix.h.

  virtual void matmul(const MatmulArgs& args);
  /// The size of MatmulArgs::relu_bits for a C (rows, cols); 0 where the device has no use for
  /// them.
  [[nodiscard]] virtual std::size_t relu_bits_bytes(DType dtype, std::int64_t rows,
                                                    std::int64_t cols) const;

  // Weights that are used many times and do not change may be laid out as the device likes to read
  // them. What is written here for all devices leaves them as they are.

  /// The bytes that a weight (outputs, inputs) takes up when it is packed.
  [[nodiscard]] virtual std::size_t packed_weight_bytes(DType dtype, std::int64_t outputs,
                                                        std::int64_t inputs) const;
  /// `packed`, aligned to 64 bytes, receives `weight` (outputs, inputs): see MatmulArgs::packed_b.
  virtual void pack_weight(DType dtype, ConstMatrixRef weight, void* packed);
  /// For a product that is computed many times, of one row and a packed B: works out beforehand
  /// what matmul() would each time, so that prepared.run() gives the same bits sooner. The
  /// addresses of A and C in `args` do not count; all others must stay valid. Where the device has
  /// no shorter way, as here, prepared.run stays null.
  virtual void prepare_row(const MatmulArgs& args, PreparedRow& prepared) const;

  /// out[c] = (accumulate ? out[c] : 0) + sum of column c.
  virtual void column_sums(DType dtype, ConstMatrixRef x, void* out, bool accumulate);

  // Element by element: elementwise.h.

  virtual void unary(const UnaryArgs& args);
  virtual void unary_backward(const UnaryBackwardArgs& args);
  virtual void pointwise_loss(const PointwiseLossArgs& args);

  // Functions of two or three tensors of any layout: arithmetic.h.

  virtual void binary(const BinaryArgs& args);
  virtual void ternary(const TernaryArgs& args);

  // Along a dimension: reduce.h.

  virtual void reduce(const ReduceArgs& args);

  // Of a whole vector to one number, and its use: vector_reduce.h.

  virtual void vector_reduce(const VectorReduceArgs& args);
  virtual void scale_by_norm(const ScaleByNormArgs& args);

  // Normalisation: norm.h.

  virtual void norm(const NormArgs& args);
  virtual void norm_backward(const NormBackwardArgs& args);

  // Images: image.h.

  virtual void conv(const ConvArgs& args);
  virtual void pool(const PoolArgs& args);
  virtual void resample(const ResampleArgs& args);

  // Recurrent layers: recurrent.h.

  virtual void recurrent(const RecurrentArgs& args);
  virtual void recurrent_backward(const RecurrentBackwardArgs& args);

  // Attention: attention.h.

  virtual void attention(const AttentionArgs& args);
  virtual void attention_backward(const AttentionBackwardArgs& args);

  // Rows: rows.h.

  virtual void softmax(const SoftmaxArgs& args);
  virtual void softmax_backward(const SoftmaxBackwardArgs& args);
  /// These two throw IndexError for a target that is neither in [0, C) nor ignore_index.
  virtual void cross_entropy(const CrossEntropyArgs& args);
  virtual void nll_loss(const CrossEntropyArgs& args);
  /// out[r] = index of the largest element of row r; the first of equals, and a NaN counts as the
  /// largest (torch.argmax).
  virtual void argmax(DType dtype, ConstMatrixRef x, std::int64_t* out);
  /// *hits = number of rows of x whose argmax equals their label.
  virtual void count_hits(DType dtype, ConstMatrixRef x, const std::int64_t* labels,
                          std::int64_t* hits);
  // These three throw IndexError for an index outside [0, source_rows).
  virtual void gather_affine(const GatherAffineArgs& args);
  virtual void index_select(const IndexSelectArgs& args);
  virtual void index_add(const IndexAddArgs& args);
  virtual void prelu(const PreluArgs& args);
  virtual void prelu_backward(const PreluBackwardArgs& args);

  // Random numbers, of a device that draws them itself: random.h and Generator. They return by how
  // much the stream's offset goes on.

  /// Numbers in [low, high).
  [[nodiscard]] virtual std::uint64_t uniform(const RandomArgs& args, double low, double high);
  [[nodiscard]] virtual std::uint64_t normal(const RandomArgs& args, double mean, double deviation);
  [[nodiscard]] virtual std::uint64_t dropout(const DropoutArgs& args);
  /// Of every device: it draws nothing.
  virtual void masked_scale(const MaskedScaleArgs& args);

  // Optimizers: update.h.

  virtual void update(const UpdateArgs& args);

 protected:
  /// Throws the DeviceError of an operation that the device does not have.
  [[noreturn]] virtual void refuse(std::string_view operation) const;
};

/// The backend of a device, made at its first use and kept until the program ends.
/// Throws DeviceError where the device does not exist or this build cannot drive it.
/// Declared here and defined in kernels/devices.cpp, so that core needs to know no kernel.
/// Thread-safe.
[[nodiscard]] WICK_API Backend& backend_for(Device device);

}  // namespace wick
