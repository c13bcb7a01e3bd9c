// SPDX-License-Identifier: MIT
#include "wick/nn/inference_plan.h"

#include <functional>

#include "core/overlap.h"
#include "wick/core/backend.h"
#include "wick/core/backend/arithmetic.h"
#include "wick/core/backend/elementwise.h"
#include "wick/core/backend/matrix.h"
#include "wick/core/backend/memory.h"
#include "wick/core/backend/rows.h"
#include "wick/core/error.h"

namespace wick::nn {
namespace {

// "(N, 3, 4)".
std::string batch_of(const Dims& sample) {
  std::string text = "(N";
  for (const std::int64_t size : sample) text += concat(", ", size);
  return text + ")";
}

}  // namespace

InferencePlan::Workspace InferencePlan::make_workspace() const {
  return {std::make_shared<Storage>(workspace_bytes_, weights_->backend()),
          inputs_.size() + outputs_.size()};
}

InferencePlan::Samples InferencePlan::checked(const char* what, const Tensor& tensor,
                                              std::size_t value) const {
  const Value& wanted = values_[value];
  const std::size_t rank = wanted.shape.size();
  const std::int64_t* const sample = wanted.shape.data();
  const bool single = tensor.shape().size() == rank;
  bool fits = single || (tensor.shape().size() == rank + 1 && tensor.shape()[0] <= max_batch_);
  // Of a sample.
  const std::int64_t* const shape = tensor.shape().data() + (single ? 0 : 1);
  const std::int64_t* const strides = tensor.strides().data() + (single ? 0 : 1);
  bool contiguous = true;
  if (rank == 1) {  // the usual case, in the shortest way
    fits = fits && shape[0] == sample[0];
    contiguous = fits && (strides[0] == 1 || sample[0] <= 1);
  } else {
    std::int64_t expected = 1;
    for (std::size_t i = rank; fits && i-- > 0;) {
      const std::int64_t size = sample[i];
      fits = shape[i] == size;
      contiguous = contiguous && (size <= 1 || strides[i] == expected);
      expected *= size;
    }
  }
  if (!fits) {
    throw ShapeError(concat("InferencePlan: the ", what, " must have shape ",
                            batch_of(wanted.shape), " with N at most ", max_batch_, ", or ",
                            wanted.shape, ", got ", tensor));
  }
  if (tensor.dtype() != dtype_) {
    throw DTypeError(concat("InferencePlan: ", what, " is ", tensor.dtype(), ", weights are ",
                            dtype_, "; use to(DType::", dtype_, ")"));
  }
  if (&tensor.backend() != &weights_->backend()) {
    throw DeviceError(concat("InferencePlan: the ", what, " ", tensor, " is not on ", device(),
                             ", where the plan is"));
  }
  if (!contiguous) {
    throw ShapeError(concat("InferencePlan: the ", rank == 1 ? "columns" : "samples", " of the ",
                            what, " ", tensor, " with strides ", tensor.strides(),
                            " are not contiguous; use contiguous()"));
  }
  // The stride of a single sample says nothing.
  return {static_cast<std::byte*>(tensor.raw()), wanted.elements,
          !single && tensor.shape()[0] > 1 ? tensor.strides()[0] : wanted.elements};
}

void InferencePlan::require_single() const {
  if (inputs_.size() != 1 || outputs_.size() != 1) {
    throw ValueError(concat("InferencePlan: run() is for one input and one output, this plan has ",
                            inputs_.size(), " and ", outputs_.size(), "; use run_all()"));
  }
}

void InferencePlan::require_own(const Workspace& workspace) const {
  const std::shared_ptr<Storage>& memory = workspace.memory_;
  if (memory == nullptr || &memory->backend() != &weights_->backend() ||
      memory->bytes() < workspace_bytes_ ||
      workspace.ends_.size() != inputs_.size() + outputs_.size()) {
    throw ValueError("InferencePlan: the workspace is another plan's; use make_workspace()");
  }
}

void InferencePlan::run(const Tensor& input, const Tensor& output, Workspace& workspace) const {
  require_single();
  run_all({&input, 1}, {&output, 1}, workspace);
}

void InferencePlan::require_host(DType dtype) const {
  require_single();
  if (dtype != dtype_) {
    throw DTypeError(concat("InferencePlan: the numbers are ", dtype, ", weights are ", dtype_,
                            "; use to(DType::", dtype, ") of the model"));
  }
  if (device() != kCpu) {
    throw DeviceError(concat("InferencePlan: numbers of the host's memory for a plan on ", device(),
                             "; use tensors there"));
  }
}

void InferencePlan::run_bytes(std::span<const std::byte> input, std::span<std::byte> output,
                              DType dtype, Workspace& workspace) const {
  require_host(dtype);
  require_own(workspace);
  const auto size = static_cast<std::int64_t>(size_of(dtype));
  const std::int64_t given = static_cast<std::int64_t>(input.size()) / size;
  const std::int64_t room = static_cast<std::int64_t>(output.size()) / size;
  if (given == in_features() && room == out_features() && given > 0 && room > 0) {
    return run_pointers(input.data(), output.data(), 1, dtype, workspace);
  }
  const std::int64_t count = in_features() > 0    ? given / in_features()
                             : out_features() > 0 ? room / out_features()
                                                  : 0;
  if (count * in_features() != given || count * out_features() != room || count > max_batch_) {
    throw ShapeError(concat("InferencePlan: samples have ", in_features(),
                            " numbers and their "
                            "outputs ",
                            out_features(), ", at most ", max_batch_, " of them at once; got ",
                            given, " numbers, and room for ", room));
  }
  run_host(input.data(), output.data(), count, workspace);
}

void InferencePlan::run_pointers(const void* input, void* output, std::int64_t count, DType dtype,
                                 Workspace& workspace) const {
  // The same in the shortest way, without a word on what does not fit.
  if (all_rows_ && count == 1 && dtype == dtype_ && input != nullptr && output != nullptr &&
      workspace.memory_ != nullptr && workspace.memory_->bytes() >= workspace_bytes_ &&
      &workspace.memory_->backend() == &weights_->backend() && are_apart(input, output, 1)) {
    return run_rows(input, output, workspace);
  }
  require_host(dtype);
  require_own(workspace);
  if (count < 0 || count > max_batch_) {
    throw ShapeError(concat("InferencePlan: ", count, " samples; there may be from 0 to ",
                            max_batch_, " at once"));
  }
  const bool reads = count > 0 && in_features() > 0;
  const bool writes = count > 0 && out_features() > 0;
  if ((reads && input == nullptr) || (writes && output == nullptr)) {
    throw ValueError(concat("InferencePlan: the pointer to the ",
                            reads && input == nullptr ? "input" : "output", " is null"));
  }
  run_host(input, output, count, workspace);
}

bool InferencePlan::are_apart(const void* input, const void* output, std::int64_t count) const {
  const auto* const from = static_cast<const std::byte*>(input);
  const auto* const to = static_cast<const std::byte*>(output);
  const auto read = static_cast<std::size_t>(count * in_features()) * size_of(dtype_);
  const auto written = static_cast<std::size_t>(count * out_features()) * size_of(dtype_);
  const std::less<> before;
  return read == 0 || written == 0 || !before(from, to + written) || !before(to, from + read);
}

void InferencePlan::run_rows(const void* input, void* output, Workspace& workspace) const {
  auto* const memory = static_cast<std::byte*>(workspace.memory_->data());
  const auto place_of = [&](std::size_t value) -> void* {
    const Value& each = values_[value];
    return each.place == Place::workspace ? memory + each.offset : output;
  };
  for (const Step& step : steps_) {
    const std::size_t from = step.inputs.front();
    const void* const x = values_[from].place == Place::input ? input : place_of(from);
    step.row.run(step.row, x, place_of(step.output));
  }
}

void InferencePlan::run_host(const void* input, void* output, std::int64_t count,
                             Workspace& workspace) const {
  if (!are_apart(input, output, count)) {
    throw ValueError("InferencePlan: the output shares memory with the input");
  }
  Samples* const ends = workspace.ends_.data();
  // An input is only read.
  ends[0] = {static_cast<std::byte*>(const_cast<void*>(input)), in_features(), in_features()};
  ends[1] = {static_cast<std::byte*>(output), out_features(), out_features()};
  run_steps(workspace, count);
}

void InferencePlan::run_all(std::span<const Tensor> inputs, std::span<const Tensor> outputs,
                            Workspace& workspace) const {
  if (inputs.size() != inputs_.size() || outputs.size() != outputs_.size()) {
    throw ValueError(concat("InferencePlan: the plan has ", inputs_.size(), " inputs and ",
                            outputs_.size(), " outputs, run_all() got ", inputs.size(), " and ",
                            outputs.size()));
  }
  require_own(workspace);
  Samples* const ends = workspace.ends_.data();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    ends[i] = checked("input", inputs[i], inputs_[i]);
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    ends[inputs.size() + i] = checked("output", outputs[i], outputs_[i]);
  }
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    require_no_internal_overlap("InferencePlan", outputs[o]);
    for (const Tensor& input : inputs) {
      const auto i = static_cast<std::size_t>(&input - inputs.data());
      if (count_of(input, inputs_[i]) != count_of(outputs[o], outputs_[o])) {
        throw ShapeError(concat("InferencePlan: input ", input, " and output ", outputs[o],
                                " must have equally many rows"));
      }
      require_no_overlap("InferencePlan", outputs[o], input);
    }
    for (std::size_t other = 0; other < o; ++other) {
      require_no_overlap("InferencePlan", outputs[o], outputs[other]);
    }
  }
  const std::int64_t count = count_of(inputs.front(), inputs_.front());
  if (count == 0) return;
  for (const Tensor& output : outputs) output.storage()->bump_version();
  run_steps(workspace, count);
}

void InferencePlan::run_steps(Workspace& workspace, std::int64_t count) const {
  if (count == 0) return;
  const Run run{workspace.ends_.data(), static_cast<std::byte*>(workspace.memory_->data()), count};
  for (const Step& step : steps_) {
    try {
      run_step(step, run);
    } catch (Error& error) {
      error.add_where(step.path);
      throw;
    }
  }
}

void InferencePlan::run_step(const Step& step, const Run& run) const {
  switch (step.kind) {
    case StepKind::linear: return run_linear(step, run);
    case StepKind::norm: return run_norm(step, run);
    case StepKind::unary: return run_unary(step, run);
    case StepKind::softmax:
    case StepKind::log_softmax: return run_softmax(step, run);
    case StepKind::conv: return run_conv(step, run);
    case StepKind::pool: return run_pool(step, run);
    case StepKind::resample: return run_resample(step, run);
    case StepKind::pixel_shuffle: return run_pixel_shuffle(step, run);
    case StepKind::add: return run_binary(BinaryOp::add, step, run);
    case StepKind::multiply: return run_binary(BinaryOp::mul, step, run);
    case StepKind::concatenate: {
      const Samples y = samples(step.output, run);
      const std::int64_t row = y.elements / std::max<std::int64_t>(step.outer, 1);
      std::int64_t begin = 0;
      for (const std::size_t input : step.inputs) {
        const Samples x = samples(input, run);
        const std::int64_t length = x.elements / std::max<std::int64_t>(step.outer, 1);
        copy_part(y, row, begin, x, length, 0, step.outer, length, run.count);
        begin += length;
      }
      return;
    }
    default:  // narrow and select
      copy_part(samples(step.output, run), step.depth, 0, samples(step.inputs.front(), run),
                step.width, step.start, step.outer, step.depth, run.count);
  }
}

void InferencePlan::run_linear(const Step& step, const Run& run) const {
  Backend& backend = weights_->backend();
  const Samples x = samples(step.inputs.front(), run);
  const Samples y = samples(step.output, run);
  if (run.count == 1 && step.row.run != nullptr) return step.row.run(step.row, x.data, y.data);
  MatmulArgs args = step.product;
  args.a.data = x.data;
  args.c.data = y.data;
  if (step.outer == 1) {  // a sample is one row
    args.a.rows = args.c.rows = run.count;
    args.a.stride = x.stride;
    args.c.stride = y.stride;
    return backend.matmul(args);
  }
  const bool together = x.stride == x.elements && y.stride == y.elements;
  args.a.rows = args.c.rows = together ? run.count * step.outer : step.outer;
  backend.matmul(args);
  if (together) return;
  const auto size = static_cast<std::int64_t>(size_of(dtype_));
  for (std::int64_t i = 1; i < run.count; ++i) {
    args.a.data = x.data + i * x.stride * size;
    args.c.data = y.data + i * y.stride * size;
    backend.matmul(args);
  }
}

void InferencePlan::run_unary(const Step& step, const Run& run) const {
  Backend& backend = weights_->backend();
  const Samples x = samples(step.inputs.front(), run);
  const Samples y = samples(step.output, run);
  const bool together = x.stride == x.elements && y.stride == y.elements;
  const std::int64_t parts = together ? 1 : run.count;
  const auto size = static_cast<std::int64_t>(size_of(dtype_));
  for (std::int64_t i = 0; i < parts; ++i) {
    backend.unary({.op = step.op,
                   .dtype = dtype_,
                   .count = together ? run.count * x.elements : x.elements,
                   .x = x.data + i * x.stride * size,
                   .y = y.data + i * y.stride * size,
                   .parameters = step.parameters});
  }
}

void InferencePlan::run_softmax(const Step& step, const Run& run) const {
  Backend& backend = weights_->backend();
  const Samples x = samples(step.inputs.front(), run);
  const Samples y = samples(step.output, run);
  const bool together = x.stride == x.elements && y.stride == y.elements;
  const std::int64_t parts = together ? 1 : run.count;
  const auto size = static_cast<std::int64_t>(size_of(dtype_));
  for (std::int64_t i = 0; i < parts; ++i) {
    backend.softmax({.dtype = dtype_,
                     .log = step.kind == StepKind::log_softmax,
                     .outer = together ? run.count * step.outer : step.outer,
                     .size = step.depth,
                     .inner = step.inner,
                     .x = x.data + i * x.stride * size,
                     .y = y.data + i * y.stride * size});
  }
}

void InferencePlan::run_binary(BinaryOp op, const Step& step, const Run& run) const {
  Backend& backend = weights_->backend();
  const Samples a = samples(step.inputs[0], run);
  const Samples b = samples(step.inputs[1], run);
  const Samples y = samples(step.output, run);
  const bool together = a.stride == a.elements && b.stride == b.elements && y.stride == y.elements;
  const std::int64_t parts = together ? 1 : run.count;
  const auto size = static_cast<std::int64_t>(size_of(dtype_));
  for (std::int64_t i = 0; i < parts; ++i) {
    backend.binary(flat_binary(op, dtype_, together ? run.count * y.elements : y.elements,
                               a.data + i * a.stride * size, b.data + i * b.stride * size,
                               y.data + i * y.stride * size));
  }
}

void InferencePlan::copy_part(const Samples& to, std::int64_t to_row, std::int64_t to_start,
                              const Samples& from, std::int64_t from_row, std::int64_t from_start,
                              std::int64_t outer, std::int64_t length, std::int64_t count) const {
  if (outer == 0 || length == 0) return;
  const auto size = static_cast<std::int64_t>(size_of(dtype_));
  const Dims shape{count, outer, length};
  weights_->backend().copy_strided(
      {to.data + to_start * size, dtype_, shape, {to.stride, to_row, 1}},
      {from.data + from_start * size, dtype_, shape, {from.stride, from_row, 1}});
}

}  // namespace wick::nn
