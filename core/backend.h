// SPDX-License-Identifier: MIT
// What a device must be able to do. One virtual call per whole-tensor operation on plain views;
// to port wick to another kind of device, implement this class.
//
// Contract for every operation: arguments have been validated (core/ops.h does it), pointers are
// this device's memory unless they are called "host", and sizes may be zero. Outputs do not
// overlap inputs unless the operation says that it works in place. Matrices are row-major.
// Arithmetic operations take dtype float32 or float64 and all their operands have that dtype; but
// see MatmulArgs for bfloat16.
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

#include "core/backend/elementwise.h"
#include "core/backend/loss.h"
#include "core/device.h"
#include "core/dims.h"
#include "core/dtype.h"
#include "core/recording.h"

namespace wick {

/// Element (r, c) lies `r * stride + c` elements behind `data`.
struct ConstMatrixRef {
  const void* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t stride = 0;
};

/// Element (r, c) lies `r * stride + c` elements behind `data`.
struct MatrixRef {
  void* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t stride = 0;
  operator ConstMatrixRef() const noexcept {  // NOLINT(*-explicit-*)
    return {data, rows, cols, stride};
  }
};

/// What a ReLU has let through, a bit for each element, for the product that takes its gradient:
/// less to read than the ReLU's output. Backend::relu_bits_bytes() in memory of the device, laid
/// out as it likes.
struct ReluBitsRef {
  void* data = nullptr;   // none: not wanted
  bool* valid = nullptr;  // in host memory: whether the bits are those of the last ReLU
};

/// C = epilogue(op(A) op(B)), where op transposes or not. In this order:
/// plus C itself (accumulate), plus bias on each row, then ReLU, then zero wherever the mask is
/// zero or less. NaN passes through the ReLU, and a mask of NaN lets pass, as in PyTorch.
///
/// A and B are of `operand_dtype`: `dtype` itself, or bfloat16 where `dtype` is float32 or
/// bfloat16. Products of bfloat16 are summed in float32; a C of bfloat16 is rounded to it.
/// Everything beside A and B has `dtype`.
struct MatmulArgs {
  DType dtype = DType::float32;
  DType operand_dtype = dtype;
  ConstMatrixRef a{};  // (M, K), or (K, M) if transpose_a
  ConstMatrixRef b{};  // (K, N), or (N, K) if transpose_b
  MatrixRef c{};       // (M, N)
  bool transpose_a = false;
  bool transpose_b = false;
  bool accumulate = false;
  const void* bias = nullptr;  // (N) or none
  bool relu = false;
  ConstMatrixRef
      relu_mask{};  // (M, N), or data == nullptr: the output of a ReLU whose gradient C is
  /// With `relu`: receives the bits of C, where the device can. With relu_mask: those of the mask,
  /// which are used in its place where they are valid.
  ReluBitsRef relu_bits{};
  /// (M), or none; only with transpose_a: the sums of A's columns. A layer's bias gradient, where
  /// the product is its weight's.
  void* a_sums = nullptr;
  bool accumulate_sums = false;  // added to what is there
};

/// Y = X Wᵀ, plus the bias on each row, then ReLU: a layer whose weight pack_linear() has prepared.
struct PackedLinearArgs {
  DType dtype = DType::float32;
  ConstMatrixRef x{};            // (M, K)
  const void* packed = nullptr;  // what pack_linear() made of W (N, K)
  MatrixRef y{};                 // (M, N)
  const void* bias = nullptr;    // (N) or none
  bool relu = false;
};

/// Softmax over each row, cross-entropy with the target class, and the gradient, in one pass.
/// PyTorch: torch.nn.functional.cross_entropy.
struct CrossEntropyArgs {
  DType dtype = DType::float32;
  ConstMatrixRef logits{};                // (N, C)
  const std::int64_t* targets = nullptr;  // (N): class indices, or ignore_index
  const void* class_weights = nullptr;    // (C) or none
  double label_smoothing = 0.0;           // in [0, 1]
  std::int64_t ignore_index = -100;
  bool mean = true;            // else sum
  void* loss = nullptr;        // one element, overwritten
  MatrixRef grad{};            // (N, C), overwritten; data == nullptr: not wanted
  double* loss_sum = nullptr;  // one element that the loss is added to, or none
};

/// SGD with momentum over `count` elements, in place. PyTorch: torch.optim.SGD.
struct SgdArgs {
  DType dtype = DType::float32;
  std::int64_t count = 0;
  void* param = nullptr;
  const void* grad = nullptr;
  void* momentum_buffer = nullptr;  // none where momentum is 0
  bool first_step = false;          // the buffer holds nothing yet: it becomes the gradient
  double lr = 0.0;
  double momentum = 0.0;
  double dampening = 0.0;
  double weight_decay = 0.0;
  bool nesterov = false;
  bool maximize = false;
};

/// Adam or AdamW over `count` elements, in place. PyTorch: torch.optim.Adam, torch.optim.AdamW.
struct AdamArgs {
  DType dtype = DType::float32;
  std::int64_t count = 0;
  void* param = nullptr;
  const void* grad = nullptr;
  void* exp_avg = nullptr;
  void* exp_avg_sq = nullptr;
  void* max_exp_avg_sq = nullptr;  // amsgrad's running maximum, or none
  double step = 1.0;               // 1 for the first
  double lr = 0.0;
  double beta1 = 0.0;
  double beta2 = 0.0;
  double eps = 0.0;
  double weight_decay = 0.0;
  bool decoupled_weight_decay = false;  // AdamW
  bool maximize = false;
};

/// out[i, c, p] = source[indices[i], c, p] * scale[c] + shift[c], rounded once (a fused
/// multiply-add where the machine has one).
struct GatherAffineArgs {
  DType source_dtype = DType::uint8;  // uint8, float32 or float64
  const void* source = nullptr;       // (source_rows, channels, pixels), contiguous
  std::int64_t source_rows = 0;
  std::int64_t channels = 1;
  std::int64_t pixels = 0;
  const std::int64_t* indices = nullptr;  // (count); none: rows 0 to count - 1
  std::int64_t count = 0;
  const void* scale = nullptr;   // (channels) of dtype, in host memory
  const void* shift = nullptr;   // (channels) of dtype, in host memory
  DType dtype = DType::float32;  // of out
  void* out = nullptr;           // (count, channels, pixels), contiguous
};

/// out[i] = source[indices[i]] for rows of `row_bytes` bytes of any dtype.
struct IndexSelectArgs {
  const void* source = nullptr;
  std::int64_t source_rows = 0;
  std::size_t row_bytes = 0;
  const std::int64_t* indices = nullptr;
  std::int64_t count = 0;
  void* out = nullptr;
};

/// `count` numbers of the stream of a Generator on this device, into contiguous memory.
struct RandomArgs {
  DType dtype = DType::float32;  // float32 or float64
  std::int64_t count = 0;
  void* out = nullptr;
  std::uint64_t seed = 0;
  std::uint64_t offset = 0;  // how far the stream has gone on
};

/// A float32 parameter and its gradient.
struct ParameterRef {
  float* value = nullptr;
  float* grad = nullptr;
};

/// Training steps of Linear(inputs, hidden), ReLU, Linear(hidden, outputs) with the cross-entropy,
/// on batches gathered from images of bytes: input = pixel * scale + shift.
struct SmallNetStepsArgs {
  std::int64_t steps = 0;
  std::int64_t batch = 0;
  std::int64_t inputs = 0;
  std::int64_t hidden = 0;
  std::int64_t outputs = 0;
  const std::uint8_t* images = nullptr;  // (image_count, inputs)
  const std::int64_t* labels = nullptr;  // (image_count)
  std::int64_t image_count = 0;
  float scale = 1.0F;
  float shift = 0.0F;
  const std::int64_t* indices = nullptr;  // (steps, batch)
  ParameterRef weight1{};                 // (hidden, inputs)
  ParameterRef bias1{};                   // (hidden)
  ParameterRef weight2{};                 // (outputs, hidden)
  ParameterRef bias2{};                   // (outputs)
  // Of the cross-entropy, as in CrossEntropyArgs.
  const void* class_weights = nullptr;
  double label_smoothing = 0.0;
  std::int64_t ignore_index = -100;
  bool mean = true;
  bool amsgrad = false;        // the update is Adam's with amsgrad
  double* loss_sum = nullptr;  // one element that each step's loss is added to
};

/// A tensor's layout over memory of this device, without ownership.
struct StridedRef {
  void* data = nullptr;
  DType dtype = DType::float32;
  Dims shape;
  Dims strides;  // in elements; 0 repeats an element
};

/// A point in the work that a thread has given to a device: see Backend::record_event().
class DeviceEvent {
 public:
  DeviceEvent() = default;
  DeviceEvent(const DeviceEvent&) = delete;
  DeviceEvent& operator=(const DeviceEvent&) = delete;
  virtual ~DeviceEvent() = default;
};

class Backend {
 public:
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  virtual ~Backend() = default;

  [[nodiscard]] virtual Device device() const noexcept = 0;

  /// At least `bytes` bytes, aligned to 64. Throws std::bad_alloc, OutOfMemoryError or another
  /// DeviceError.
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
  [[nodiscard]] virtual std::unique_ptr<DeviceEvent> record_event() { return nullptr; }
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

  virtual void matmul(const MatmulArgs& args) = 0;
  /// The size of MatmulArgs::relu_bits for a C (rows, cols); 0 where the device has no use for
  /// them.
  [[nodiscard]] virtual std::size_t relu_bits_bytes(DType dtype, std::int64_t rows,
                                                    std::int64_t cols) const;

  // Weights that are used many times and do not change may be laid out as the device likes to read
  // them. What is written here for all devices leaves them as they are.

  /// The bytes that a weight (outputs, inputs) takes up when it is packed.
  [[nodiscard]] virtual std::size_t packed_linear_bytes(DType dtype, std::int64_t outputs,
                                                        std::int64_t inputs) const;
  /// `packed`, aligned to 64 bytes, receives `weight` (outputs, inputs).
  virtual void pack_linear(DType dtype, ConstMatrixRef weight, void* packed);
  virtual void packed_linear(const PackedLinearArgs& args);

  /// out[c] = (accumulate ? out[c] : 0) + sum of column c.
  virtual void column_sums(DType dtype, ConstMatrixRef x, void* out, bool accumulate) = 0;

  // Element by element: see core/backend/elementwise.h and loss.h. A device need not have them: as
  // they are written here, they throw DeviceError.

  virtual void unary(const UnaryArgs& args);
  virtual void unary_backward(const UnaryBackwardArgs& args);
  virtual void binary(const BinaryArgs& args);
  virtual void pointwise_loss(const PointwiseLossArgs& args);

  /// Throws IndexError for a target that is neither in [0, C) nor ignore_index.
  virtual void cross_entropy(const CrossEntropyArgs& args) = 0;
  /// out[r] = index of the largest element of row r; the first of equals, and a NaN counts as the
  /// largest (torch.argmax).
  virtual void argmax(DType dtype, ConstMatrixRef x, std::int64_t* out) = 0;
  /// *hits = number of rows of x whose argmax equals their label.
  virtual void count_hits(DType dtype, ConstMatrixRef x, const std::int64_t* labels,
                          std::int64_t* hits) = 0;
  /// Throws IndexError for an index outside [0, source_rows).
  virtual void gather_affine(const GatherAffineArgs& args) = 0;
  /// Throws IndexError for an index outside [0, source_rows).
  virtual void index_select(const IndexSelectArgs& args) = 0;

  // Random numbers, of a device that draws them itself: see Generator. Both return by how much the
  // stream's offset goes on. What is written here for all devices throws DeviceError.

  /// Numbers in [low, high).
  [[nodiscard]] virtual std::uint64_t uniform(const RandomArgs& args, double low, double high);
  [[nodiscard]] virtual std::uint64_t normal(const RandomArgs& args, double mean, double deviation);

  /// Whole training steps at once, where a device has a kernel for them that does all that `args`
  /// asks for, and the network fits it; else returns false and has done nothing, and the caller
  /// does the steps by single operations. `update` is called once for each step and must call
  /// sgd_step() or adam_step() once, for all four parameters. The gradients are the last step's.
  virtual bool small_net_steps(const SmallNetStepsArgs& /*args*/,
                               const std::function<void()>& /*update*/) {
    return false;
  }
  virtual void sgd_step(const SgdArgs& args) = 0;
  virtual void adam_step(const AdamArgs& args) = 0;

 protected:
  /// Throws the DeviceError of an operation that the device does not have.
  [[noreturn]] virtual void refuse(std::string_view operation) const;
};

/// The backend of a device, made at its first use and kept until the program ends.
/// Throws DeviceError where the device does not exist or this build cannot drive it.
/// Declared here and defined in kernels/devices.cpp, so that core needs to know no kernel.
/// Thread-safe.
[[nodiscard]] Backend& backend_for(Device device);

}  // namespace wick
