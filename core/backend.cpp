// SPDX-License-Identifier: MIT
#include "wick/core/backend.h"

#include <utility>

#include "wick/core/backend/arithmetic.h"
#include "wick/core/backend/elementwise.h"
#include "wick/core/backend/image.h"
#include "wick/core/backend/loss.h"
#include "wick/core/backend/matrix.h"
#include "wick/core/backend/memory.h"
#include "wick/core/backend/norm.h"
#include "wick/core/backend/recurrent.h"
#include "wick/core/backend/reduce.h"
#include "wick/core/backend/update.h"
#include "wick/core/backend/vector_reduce.h"
#include "wick/core/error.h"
#include "wick/core/recording.h"

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

void Backend::matmul(const MatmulArgs& /*args*/) {
  refuse("matmul");
}

void Backend::column_sums(DType /*dtype*/, ConstMatrixRef /*x*/, void* /*out*/,
                          bool /*accumulate*/) {
  refuse("column_sums");
}

void Backend::unary(const UnaryArgs& args) {
  refuse(info_of(args.op).name);
}

void Backend::unary_backward(const UnaryBackwardArgs& args) {
  refuse(info_of(args.op).backward_name);
}

void Backend::binary(const BinaryArgs& args) {
  refuse(name_of(args.op));
}

void Backend::ternary(const TernaryArgs& args) {
  refuse(name_of(args.op));
}

void Backend::reduce(const ReduceArgs& args) {
  refuse(name_of(args.op));
}

void Backend::vector_reduce(const VectorReduceArgs& args) {
  refuse(name_of(args.op));
}

void Backend::scale_by_norm(const ScaleByNormArgs& /*args*/) {
  refuse("scale_by_norm");
}

void Backend::pointwise_loss(const PointwiseLossArgs& args) {
  refuse(name_of(args.op));
}

void Backend::norm(const NormArgs& args) {
  refuse(name_of(args.op));
}

void Backend::norm_backward(const NormBackwardArgs& args) {
  refuse(name_of(args.op));
}

void Backend::conv(const ConvArgs& args) {
  refuse(name_of(args.op));
}

void Backend::pool(const PoolArgs& args) {
  refuse(name_of(args.op));
}

void Backend::resample(const ResampleArgs& args) {
  refuse(name_of(args.op));
}

void Backend::recurrent(const RecurrentArgs& args) {
  refuse(info_of(args.op).name);
}

void Backend::recurrent_backward(const RecurrentBackwardArgs& args) {
  refuse(info_of(args.op).name);
}

void Backend::attention(const AttentionArgs& /*args*/) {
  refuse("attention");
}

void Backend::attention_backward(const AttentionBackwardArgs& /*args*/) {
  refuse("attention_backward");
}

void Backend::softmax(const SoftmaxArgs& /*args*/) {
  refuse("softmax");
}

void Backend::softmax_backward(const SoftmaxBackwardArgs& /*args*/) {
  refuse("softmax_backward");
}

void Backend::cross_entropy(const CrossEntropyArgs& /*args*/) {
  refuse("cross_entropy");
}

void Backend::nll_loss(const CrossEntropyArgs& /*args*/) {
  refuse("nll_loss");
}

void Backend::argmax(DType /*dtype*/, ConstMatrixRef /*x*/, std::int64_t* /*out*/) {
  refuse("argmax");
}

void Backend::count_hits(DType /*dtype*/, ConstMatrixRef /*x*/, const std::int64_t* /*labels*/,
                         std::int64_t* /*hits*/) {
  refuse("count_hits");
}

void Backend::gather_affine(const GatherAffineArgs& /*args*/) {
  refuse("gather_affine");
}

void Backend::index_select(const IndexSelectArgs& /*args*/) {
  refuse("index_select");
}

void Backend::index_add(const IndexAddArgs& /*args*/) {
  refuse("index_add");
}

void Backend::prelu(const PreluArgs& /*args*/) {
  refuse("prelu");
}

void Backend::prelu_backward(const PreluBackwardArgs& /*args*/) {
  refuse("prelu_backward");
}

void Backend::masked_scale(const MaskedScaleArgs& /*args*/) {
  refuse("masked_scale");
}

void Backend::update(const UpdateArgs& args) {
  refuse(info_of(args.op).name);
}

std::unique_ptr<DeviceEvent> Backend::record_event() {
  return nullptr;
}

std::unique_ptr<Recording> Backend::record(RecordedStep step) {
  return call_again(std::move(step));
}

std::size_t Backend::relu_bits_bytes(DType /*dtype*/, std::int64_t /*rows*/,
                                     std::int64_t /*cols*/) const {
  return 0;
}

std::size_t Backend::packed_weight_bytes(DType dtype, std::int64_t outputs,
                                         std::int64_t inputs) const {
  return static_cast<std::size_t>(outputs * inputs) * size_of(dtype);
}

void Backend::pack_weight(DType dtype, ConstMatrixRef weight, void* packed) {
  const Dims shape{weight.rows, weight.cols};
  // The source of a copy is only read.
  copy_strided({packed, dtype, shape, {weight.cols, 1}},
               {const_cast<void*>(weight.data), dtype, shape, {weight.stride, 1}});
}

void Backend::prepare_row(const MatmulArgs& /*args*/, PreparedRow& prepared) const {
  prepared = {};
}

std::uint64_t Backend::uniform(const RandomArgs& /*args*/, double /*low*/, double /*high*/) {
  refuse_to_draw(device());
}

std::uint64_t Backend::normal(const RandomArgs& /*args*/, double /*mean*/, double /*deviation*/) {
  refuse_to_draw(device());
}

std::uint64_t Backend::dropout(const DropoutArgs& /*args*/) {
  refuse_to_draw(device());
}

}  // namespace wick
