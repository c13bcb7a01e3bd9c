// SPDX-License-Identifier: MIT
#include "core/backend.h"

#include <utility>

#include "core/error.h"

namespace wick {
namespace {

[[noreturn]] void refuse_to_draw(Device device) {
  throw DeviceError(concat("the device ", device,
                           " draws no random numbers; draw them from a Generator on the CPU"));
}

}  // namespace

void Backend::refuse(std::string_view operation) const {
  throw DeviceError(concat(operation, ": the device ", device(),
                           " does not have this operation; move the tensors to another device "
                           "with to(Device)"));
}

void Backend::unary(const UnaryArgs& args) {
  refuse(info_of(args.op).name);
}

void Backend::binary(const BinaryArgs& args) {
  refuse(name_of(args.op));
}

void Backend::pointwise_loss(const PointwiseLossArgs& args) {
  refuse(name_of(args.op));
}

void Backend::unary_backward(const UnaryBackwardArgs& args) {
  refuse(info_of(args.op).backward_name);
}

std::unique_ptr<Recording> Backend::record(RecordedStep step) {
  return call_again(std::move(step));
}

std::size_t Backend::relu_bits_bytes(DType /*dtype*/, std::int64_t /*rows*/,
                                     std::int64_t /*cols*/) const {
  return 0;
}

std::size_t Backend::packed_linear_bytes(DType dtype, std::int64_t outputs,
                                         std::int64_t inputs) const {
  return static_cast<std::size_t>(outputs * inputs) * size_of(dtype);
}

void Backend::pack_linear(DType dtype, ConstMatrixRef weight, void* packed) {
  const Dims shape{weight.rows, weight.cols};
  // The source of a copy is only read.
  copy_strided({packed, dtype, shape, {weight.cols, 1}},
               {const_cast<void*>(weight.data), dtype, shape, {weight.stride, 1}});
}

void Backend::packed_linear(const PackedLinearArgs& args) {
  matmul({.dtype = args.dtype,
          .a = args.x,
          .b = {args.packed, args.y.cols, args.x.cols, args.x.cols},
          .c = args.y,
          .transpose_b = true,
          .bias = args.bias,
          .relu = args.relu});
}

std::uint64_t Backend::uniform(const RandomArgs& /*args*/, double /*low*/, double /*high*/) {
  refuse_to_draw(device());
}

std::uint64_t Backend::normal(const RandomArgs& /*args*/, double /*mean*/, double /*deviation*/) {
  refuse_to_draw(device());
}

}  // namespace wick
