// SPDX-License-Identifier: MIT
// A network prepared for inference alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "wick/core/backend/arithmetic.h"
#include "wick/core/backend/elementwise.h"
#include "wick/core/backend/image.h"
#include "wick/core/backend/matrix.h"
#include "wick/core/compiler.h"
#include "wick/core/tensor.h"
#include "wick/nn/module.h"

namespace wick::nn {

/// What compile() makes of a network: its weights copied into one block of memory in the order in
/// which the device reads them, and the steps as a flat list. Later changes of the module do not
/// reach it.
///
///   const nn::InferencePlan plan = nn::compile(model, 64);
///   nn::InferencePlan::Workspace workspace = plan.make_workspace();  // one for each thread
///   plan.run(input, output, workspace);
///
/// Thread safety: run() changes nothing in the plan, so several threads may call it at the same
/// time, each with a workspace of its own.
///
/// Real time: on the CPU, after prepare() and with one thread, run() allocates and frees nothing,
/// takes no lock, makes no system call and has no page fault, in every dtype and on every
/// instruction set. How subnormal numbers are treated is the calling thread's setting, before and
/// after (flush_denormal()).
/// With more threads (set_num_threads()), a large operation is shared among them: the caller waits
/// until the parts that other threads have taken are done, and unless these spin
/// (IdleThreads::spin), it wakes them by a system call. While they work for one caller, the others
/// do their work alone. docs/real_time.md has the whole contract; errors are outside of it.
///
/// compile() returns when the plan is in the device's memory, so that threads may run it in any
/// stream. On a CUDA device it allocates where a number of rows is new, for the description of its
/// products, and threads take turns in handing work to the device.
class WICK_API InferencePlan {
  // The samples of a value at run time.
  struct Samples {
    std::byte* data;
    std::int64_t elements;
    std::int64_t stride;  // in elements, from sample to sample
  };

 public:
  /// Memory for the values between the layers. Movable; fits the plan that made it and its copies.
  class Workspace {
   private:
    friend class InferencePlan;
    Workspace(std::shared_ptr<Storage> memory, std::size_t ends)
        : memory_(std::move(memory)), ends_(ends) {}
    std::shared_ptr<Storage> memory_;
    std::vector<Samples> ends_;  // of the inputs, then of the outputs, while the plan runs
  };

  [[nodiscard]] std::size_t input_count() const noexcept { return inputs_.size(); }
  [[nodiscard]] std::size_t output_count() const noexcept { return outputs_.size(); }
  /// The shape of one sample: an input's or output's without the first dimension.
  [[nodiscard]] const Dims& input_shape(std::size_t i = 0) const { return shape_of(inputs_[i]); }
  [[nodiscard]] const Dims& output_shape(std::size_t i = 0) const { return shape_of(outputs_[i]); }
  /// The elements of a sample of the first input and of the first output.
  [[nodiscard]] std::int64_t in_features() const { return values_[inputs_.front()].elements; }
  [[nodiscard]] std::int64_t out_features() const { return values_[outputs_.front()].elements; }
  [[nodiscard]] std::int64_t max_batch() const noexcept { return max_batch_; }
  [[nodiscard]] DType dtype() const noexcept { return dtype_; }
  [[nodiscard]] Device device() const { return weights_->device(); }

  [[nodiscard]] Workspace make_workspace() const;

  /// For threads with a deadline: does beforehand what would make the first run() late. It touches
  /// all memory of the plan and of the workspace and runs zeros, so that the scratch of the calling
  /// thread is there and the code is loaded. Call it in the thread that will call run(), after
  /// set_num_threads(). It takes about as long as a hundred runs, and allocates. What scratch
  /// bfloat16 needs depends on the number of samples: it is there for up to 64 and for max_batch().
  /// Throws ValueError for a workspace of another plan.
  void prepare(Workspace& workspace) const;

  /// output (N, ...) = the network's output for input (N, ...), N at most max_batch(); samples may
  /// be apart, each is contiguous. Each element is the module's own within rounding: the order of
  /// the additions may differ. Throws ShapeError, DTypeError or DeviceError for tensors that do not
  /// fit and ValueError for a workspace of another plan, for an output that shares memory with the
  /// input, and for a network with several inputs or outputs. A tensor of input_shape(), without
  /// the N, is one sample, and so is an output of output_shape().
  void run(const Tensor& input, const Tensor& output, Workspace& workspace) const;
  /// The same for samples that lie one behind the other in the caller's memory: `output` has room
  /// for as many as `input` holds. Throws ShapeError where `input` holds no whole number of them,
  /// and DeviceError for a plan that is not on the CPU; else as for tensors. Allocates nothing.
  ///
  ///   plan.run(std::span(pixels), std::span(scores), workspace);
  void run(std::span<const float> input, std::span<float> output, Workspace& workspace) const {
    run_bytes(std::as_bytes(input), std::as_writable_bytes(output), DType::float32, workspace);
  }
  void run(std::span<const double> input, std::span<double> output, Workspace& workspace) const {
    run_bytes(std::as_bytes(input), std::as_writable_bytes(output), DType::float64, workspace);
  }
  /// The same for `count` samples, at most max_batch(), that `input` points to; `output` has room
  /// for as many. The shortest way into a small network. Throws ShapeError for a count that is
  /// negative or too large, and ValueError for null pointers.
  ///
  ///   plan.run(state.data(), action.data(), 1, workspace);
  void run(const float* input, float* output, std::int64_t count, Workspace& workspace) const {
    run_pointers(input, output, count, DType::float32, workspace);
  }
  void run(const double* input, double* output, std::int64_t count, Workspace& workspace) const {
    run_pointers(input, output, count, DType::float64, workspace);
  }
  /// As run() of tensors, for any number of inputs and outputs. Outputs must not share memory.
  void run_all(std::span<const Tensor> inputs, std::span<const Tensor> outputs,
               Workspace& workspace) const;

 private:
  friend class PlanBuilder;

  WICK_HIDDEN static constexpr std::size_t kNone = ~std::size_t{0};

  /// Where a value lies at run time.
  enum class Place : std::uint8_t { input, output, workspace };
  struct Value {
    Dims shape;                 // of a sample
    std::int64_t elements = 0;  // of a sample
    Place place = Place::workspace;
    std::size_t offset = kNone;  // the number among inputs and then outputs, or the first byte
  };
  struct Step {
    StepKind kind = StepKind::linear;
    std::string path;            // the dotted name of the layer, for errors
    UnaryOp op = UnaryOp::relu;  // of unary
    UnaryParameters parameters{};
    std::vector<std::size_t> inputs;
    std::size_t output = 0;
    // Of linear.
    MatmulArgs product{};  // all but the addresses and rows of A and C
    PreparedRow row{};     // the same for one row, where a sample is one
    std::int64_t depth = 0;
    std::int64_t width = 0;
    // Of concatenate, narrow and select: a sample is (outer, size of the dimension * inner). Of
    // softmax: (outer, depth, inner). Of linear: a sample has `outer` rows.
    std::int64_t outer = 1;
    std::int64_t inner = 1;
    std::int64_t start = 0;
    // Of norm: the shape of a sample, and where the vectors begin, or kNone.
    NormOp norm_op = NormOp::layer_norm;
    NormShape norm_shape{};
    double eps = 0.0;
    std::size_t norm_weight = kNone;
    std::size_t norm_bias = kNone;
    std::size_t running_mean = kNone;
    std::size_t running_var = kNone;
    // Of conv, pool and resample: all but the addresses, for one sample, and where the weight and
    // the bias begin. Of pixel_shuffle: channels, height and width (outer, depth, width) of the
    // output by the factor (start).
    ConvArgs conv{};
    std::size_t conv_weight = kNone;
    std::size_t conv_bias = kNone;
    PoolArgs pool{};
    ResampleArgs resample{};
  };
  struct Run {
    const Samples* ends;
    std::byte* workspace;
    std::int64_t count;  // of samples
  };

  InferencePlan() = default;
  [[nodiscard]] const Dims& shape_of(std::size_t value) const { return values_[value].shape; }
  [[nodiscard]] Samples samples(std::size_t value, const Run& run) const {
    const Value& each = values_[value];
    if (each.place != Place::workspace) return run.ends[each.offset];
    return {run.workspace + each.offset, each.elements, each.elements};
  }
  [[nodiscard]] Samples checked(const char* what, const Tensor& tensor, std::size_t value) const;
  // How many samples the tensor of a value has, which has been checked.
  [[nodiscard]] std::int64_t count_of(const Tensor& tensor, std::size_t value) const {
    return tensor.shape().size() == values_[value].shape.size() ? 1 : tensor.shape()[0];
  }
  void require_single() const;
  void require_own(const Workspace& workspace) const;
  void run_bytes(std::span<const std::byte> input, std::span<std::byte> output, DType dtype,
                 Workspace& workspace) const;
  void run_pointers(const void* input, void* output, std::int64_t count, DType dtype,
                    Workspace& workspace) const;
  // Whether numbers of the host's memory may be samples of a plan of one input and one output.
  void require_host(DType dtype) const;
  [[nodiscard]] bool are_apart(const void* input, const void* output, std::int64_t count) const;
  // One sample through a plan all of whose steps are prepared rows.
  void run_rows(const void* input, void* output, Workspace& workspace) const;
  void run_host(const void* input, void* output, std::int64_t count, Workspace& workspace) const;
  void run_steps(Workspace& workspace, std::int64_t count) const;
  void run_step(const Step& step, const Run& run) const;
  void run_linear(const Step& step, const Run& run) const;
  void run_conv(const Step& step, const Run& run) const;
  void run_pool(const Step& step, const Run& run) const;
  void run_resample(const Step& step, const Run& run) const;
  void run_pixel_shuffle(const Step& step, const Run& run) const;
  // Calls work(x, y, count) for all samples, or for one at a time where they are apart.
  template <typename Work>
  void for_samples(const Step& step, const Run& run, const Work& work) const;
  void run_norm(const Step& step, const Run& run) const;
  void run_unary(const Step& step, const Run& run) const;
  void run_softmax(const Step& step, const Run& run) const;
  void run_binary(BinaryOp op, const Step& step, const Run& run) const;
  // `length` of the elements of each outer row of a sample, from one place to another.
  void copy_part(const Samples& to, std::int64_t to_row, std::int64_t to_start, const Samples& from,
                 std::int64_t from_row, std::int64_t from_start, std::int64_t outer,
                 std::int64_t length, std::int64_t count) const;

  std::vector<Value> values_;
  std::vector<std::size_t> inputs_;
  std::vector<std::size_t> outputs_;
  std::vector<Step> steps_;
  std::shared_ptr<Storage> weights_;
  DType dtype_ = DType::float32;
  std::int64_t max_batch_ = 0;
  std::size_t workspace_bytes_ = 0;
  bool all_rows_ = false;  // one input and one output, and each step has a PreparedRow
};

/// Prepares a network whose modules describe themselves (Module::append_steps) for batches of up to
/// `max_batch` samples; in the dtype of its parameters, whatever Module::autocast() says. An input
/// is (N, in_features of the first Linear), where no shapes of samples are given. The first
/// dimension of every value is that of the samples: a reshape() begins with -1.
///
/// Throws ValueError for modules that do not describe themselves, for a batch below 1, and for
/// parameters of several dtypes or devices; ShapeError where a layer does not fit the one before.
/// The error of a layer has its dotted name in front (Error::where()).
[[nodiscard]] WICK_API InferencePlan compile(const Module& model, std::int64_t max_batch);
/// `sample_shapes`: of each input, without the first dimension.
[[nodiscard]] WICK_API InferencePlan compile(const Module& model,
                                             std::span<const Dims> sample_shapes,
                                             std::int64_t max_batch);

}  // namespace wick::nn
