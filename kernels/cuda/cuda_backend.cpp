// SPDX-License-Identifier: MIT
// Memory, and the way from the backend's operations to the launchers.
#include "kernels/cuda/cuda_backend.h"

#include <utility>

#include "kernels/cuda/matmul.h"
#include "kernels/cuda/network_recording.h"
#include "kernels/cuda/recorder.h"
#include "wick/core/backend/elementwise.h"
#include "wick/core/backend/image.h"
#include "wick/core/backend/loss.h"
#include "wick/core/backend/matrix.h"
#include "wick/core/backend/memory.h"
#include "wick/core/backend/norm.h"
#include "wick/core/backend/random.h"
#include "wick/core/backend/rows.h"
#include "wick/core/backend/update.h"
#include "wick/core/error.h"
#include "wick/core/recording.h"

namespace wick::cuda {
namespace {

/// What an operation holds while it gives its work to the device.
class Use {
 public:
  Use(Context& context, const char* operation)
      : guard_(context.device()), stream_(context.current()), lock_(stream_.mutex()) {
    if (const StepObserver* const observer = context.observer()) {
      observer->require_repeatable(operation);
    }
  }
  [[nodiscard]] StreamState& stream() const noexcept { return stream_; }
  [[nodiscard]] const LaunchContext& launch() const noexcept { return stream_.launch(); }

 private:
  DeviceGuard guard_;
  StreamState& stream_;
  std::scoped_lock<std::mutex> lock_;
};

struct RecordedEvent final : DeviceEvent {
  Event event = make_event();
};

}  // namespace

CudaBackend::CudaBackend(int index) : context_(index) {}

// -- Memory ---------------------------------------------------------------------------------------

void* CudaBackend::allocate(std::size_t bytes) {
  const DeviceGuard guard(context_.device());
  return context_.allocate(bytes);
}

void CudaBackend::deallocate(void* data, std::size_t /*bytes*/) noexcept {
  try {
    const DeviceGuard guard(context_.device());
    context_.deallocate(data);
  } catch (...) {  // NOLINT(bugprone-empty-catch): the device is lost, and the memory with it
  }
}

void CudaBackend::copy_from_host(void* to, const void* host, std::size_t bytes) {
  if (bytes == 0) return;
  if (const StepObserver* const observer = context_.observer()) {
    observer->refuse("copy from host memory");
  }
  const Use use(context_, "copy to the device");
  transfer_.to_device(to, host, bytes, use.stream());
}

void CudaBackend::copy_to_host(void* host, const void* from, std::size_t bytes) {
  if (const StepObserver* const observer = context_.observer()) observer->refuse("read results");
  const Use use(context_, "copy to the host");
  if (bytes == 0) return;
  transfer_.to_host(host, from, bytes, use.stream());
}

bool CudaBackend::copy_from_peer(void* to, Backend& peer, const void* from, std::size_t bytes) {
  auto* const other = dynamic_cast<CudaBackend*>(&peer);
  if (other == nullptr) return false;
  if (bytes == 0) return true;
  if (const StepObserver* const observer = context_.observer()) {
    observer->refuse("copy from another device");
  }
  StreamState& source = other->context_.current();
  const Use use(context_, "copy between devices");
  // After what made the bytes, and before what may overwrite or free them.
  use.stream().wait_for(source);
  check(cudaMemcpyPeerAsync(to, context_.device(), from, other->context_.device(), bytes,
                            use.stream().stream()),
        "copy between devices");
  source.wait_for(use.stream());
  return true;
}

void CudaBackend::zero(void* data, std::size_t bytes) {
  if (bytes == 0) return;
  const Use use(context_, "zero");
  check(cudaMemsetAsync(data, 0, bytes, use.launch().stream), "zero");
}

void CudaBackend::copy_strided(const StridedRef& to, const StridedRef& from) {
  const Use use(context_, "copy");
  check(launch_copy_strided(to, from, use.launch()), "copy");
}

void CudaBackend::synchronize() {
  if (const StepObserver* const observer = context_.observer())
    observer->refuse("wait for the device");
  const Use use(context_, "synchronize");
  use.stream().wait("synchronize");
}

std::unique_ptr<DeviceEvent> CudaBackend::record_event() {
  if (const StepObserver* const observer = context_.observer()) observer->refuse("record an event");
  const Use use(context_, "record_event");
  auto recorded = std::make_unique<RecordedEvent>();
  check(cudaEventRecord(recorded->event.get(), use.launch().stream), "record_event");
  return recorded;
}

void CudaBackend::wait_event(const DeviceEvent* event) {
  if (event == nullptr) return;
  if (const StepObserver* const observer = context_.observer()) {
    observer->refuse("wait for an event");
  }
  const Use use(context_, "wait_event");
  const auto& recorded = dynamic_cast<const RecordedEvent&>(*event);
  check(cudaStreamWaitEvent(use.launch().stream, recorded.event.get(), 0), "wait_event");
}

void CudaBackend::advance(std::int64_t* counter) {
  const Use use(context_, "advance");
  check(launch_advance(counter, use.launch()), "advance");
}

void CudaBackend::aside(const std::function<void()>& work) {
  if (const StepObserver* const observer = context_.observer()) observer->refuse("work aside");
  const DeviceGuard guard(context_.device());
  StreamState& side = context_.side();
  side.wait_for(context_.current());
  StreamState& before = context_.exchange_current(side);
  try {
    work();
    synchronize();
  } catch (...) {
    context_.exchange_current(before);
    // What is under way keeps its memory.
    before.wait_for(side);
    throw;
  }
  context_.exchange_current(before);
}

std::unique_ptr<Recording> CudaBackend::record(RecordedStep step) {
  if (step.network != nullptr) {
    const DeviceGuard guard(context_.device());
    if (small_net_.fits(*step.network)) {
      return std::make_unique<NetworkRecording>(*this, context_, small_net_, std::move(step));
    }
  }
  return std::make_unique<Recorder>(context_, std::move(step));
}

// -- Operations -----------------------------------------------------------------------------------

Blas& CudaBackend::blas() {
  const std::scoped_lock lock(blas_mutex_);
  if (blas_ == nullptr) blas_ = make_blas();
  return *blas_;
}

void CudaBackend::matmul(const MatmulArgs& args) {
  const Use use(context_, "matmul");
  cuda::matmul(args, tf32_switch(), blas(), use.stream());
}

std::size_t CudaBackend::relu_bits_bytes(DType dtype, std::int64_t rows, std::int64_t cols) const {
  if (dtype == DType::float64) return 0;  // the library has nothing beside float64 products
  return static_cast<std::size_t>(rows * relu_bits_stride(cols) / 8);
}

void CudaBackend::column_sums(DType dtype, ConstMatrixRef x, void* out, bool accumulate) {
  const Use use(context_, "column_sums");
  check(launch_column_sums(dtype, x, dtype, out, accumulate, use.launch()), "column_sums");
}

void CudaBackend::unary(const UnaryArgs& args) {
  const char* const name = info_of(args.op).name;
  const Use use(context_, name);
  check(launch_unary(args, use.launch()), name);
}

void CudaBackend::unary_backward(const UnaryBackwardArgs& args) {
  const char* const name = info_of(args.op).backward_name;
  const Use use(context_, name);
  check(launch_unary_backward(args, use.launch()), name);
}

void CudaBackend::binary(const BinaryArgs& args) {
  const char* const name = name_of(args.op);
  const Use use(context_, name);
  check(launch_binary(args, use.launch()), name);
}

void CudaBackend::ternary(const TernaryArgs& args) {
  const char* const name = name_of(args.op);
  const Use use(context_, name);
  check(launch_ternary(args, use.launch()), name);
}

void CudaBackend::reduce(const ReduceArgs& args) {
  const char* const name = name_of(args.op);
  const Use use(context_, name);
  check(launch_reduce(args, use.launch()), name);
}

void CudaBackend::vector_reduce(const VectorReduceArgs& args) {
  const char* const name = name_of(args.op);
  const Use use(context_, name);
  check(launch_vector_reduce(args, use.launch()), name);
}

void CudaBackend::scale_by_norm(const ScaleByNormArgs& args) {
  const Use use(context_, "scale_by_norm");
  check(launch_scale_by_norm(args, use.launch()), "scale_by_norm");
}

void CudaBackend::pointwise_loss(const PointwiseLossArgs& args) {
  const char* const name = name_of(args.op);
  const Use use(context_, name);
  check(launch_pointwise_loss(args, use.launch()), name);
}

void CudaBackend::cross_entropy(const CrossEntropyArgs& args) {
  const Use use(context_, "cross_entropy");
  check(launch_cross_entropy(args, args.loss_sum, use.launch()), "cross_entropy");
}

void CudaBackend::nll_loss(const CrossEntropyArgs& args) {
  const Use use(context_, "nll_loss");
  check(launch_nll_loss(args, use.launch()), "nll_loss");
}

void CudaBackend::norm(const NormArgs& args) {
  const char* const name = name_of(args.op);
  const Use use(context_, name);
  check(launch_norm(args, use.launch()), name);
}

void CudaBackend::norm_backward(const NormBackwardArgs& args) {
  const char* const name = name_of(args.op);
  const Use use(context_, name);
  check(launch_norm_backward(args, use.launch()), name);
}

void CudaBackend::conv(const ConvArgs& args) {
  const char* const name = name_of(args.op);
  const Use use(context_, name);
  check(launch_conv(args, use.launch()), name);
}

void CudaBackend::pool(const PoolArgs& args) {
  const char* const name = name_of(args.op);
  const Use use(context_, name);
  check(launch_pool(args, use.launch()), name);
}

void CudaBackend::resample(const ResampleArgs& args) {
  const char* const name = name_of(args.op);
  const Use use(context_, name);
  check(launch_resample(args, use.launch()), name);
}

void CudaBackend::recurrent(const RecurrentArgs& args) {
  recurrent::run(*this, args, [&](const CellStep& step) {
    const Use use(context_, info_of(args.op).name);
    check(launch_cell(step, use.launch()), info_of(args.op).name);
  });
}

void CudaBackend::recurrent_backward(const RecurrentBackwardArgs& args) {
  recurrent::run_backward(*this, args, [&](const CellBackwardStep& step) {
    const Use use(context_, info_of(args.op).name);
    check(launch_cell_backward(step, use.launch()), info_of(args.op).name);
  });
}

void CudaBackend::attention(const AttentionArgs& args) {
  const Use use(context_, "attention");
  check(launch_attention(args, use.launch()), "attention");
}

void CudaBackend::attention_backward(const AttentionBackwardArgs& args) {
  const Use use(context_, "attention_backward");
  check(launch_attention_backward(args, use.launch()), "attention_backward");
}

void CudaBackend::softmax(const SoftmaxArgs& args) {
  const char* const name = args.log ? "log_softmax" : "softmax";
  const Use use(context_, name);
  check(launch_softmax(args, use.launch()), name);
}

void CudaBackend::softmax_backward(const SoftmaxBackwardArgs& args) {
  const char* const name = args.log ? "log_softmax_backward" : "softmax_backward";
  const Use use(context_, name);
  check(launch_softmax_backward(args, use.launch()), name);
}

void CudaBackend::index_add(const IndexAddArgs& args) {
  const Use use(context_, "index_add");
  check(launch_index_add(args, use.launch()), "index_add");
}

void CudaBackend::prelu(const PreluArgs& args) {
  const Use use(context_, "prelu");
  check(launch_prelu(args, use.launch()), "prelu");
}

void CudaBackend::prelu_backward(const PreluBackwardArgs& args) {
  const Use use(context_, "prelu_backward");
  check(launch_prelu_backward(args, use.launch()), "prelu_backward");
}

void CudaBackend::argmax(DType dtype, ConstMatrixRef x, std::int64_t* out) {
  const Use use(context_, "argmax");
  check(launch_argmax(dtype, x, out, use.launch()), "argmax");
}

void CudaBackend::count_hits(DType dtype, ConstMatrixRef x, const std::int64_t* labels,
                             std::int64_t* hits) {
  const Use use(context_, "count_hits");
  check(launch_count_hits(dtype, x, labels, hits, false, use.launch()), "count_hits");
}

void CudaBackend::gather_affine(const GatherAffineArgs& args) {
  const Use use(context_, "gather_affine");
  check(launch_gather_affine(args, {}, use.launch()), "gather_affine");
}

void CudaBackend::index_select(const IndexSelectArgs& args) {
  const Use use(context_, "index_select");
  check(launch_index_select(args, {}, use.launch()), "index_select");
}

template <typename Launch>
void CudaBackend::draw(const char* operation, const GeneratorStream& stream, const Launch& launch) {
  PhiloxState state{*stream.seed, *stream.offset};
  PhiloxSchedule schedule;
  if (StepObserver* const observer = context_.observer()) {
    observer->note_draw(operation, stream, state, schedule);
  }
  const Use use(context_, operation);
  check(launch(state, schedule, use.launch()), operation);
}

std::uint64_t CudaBackend::uniform(const RandomArgs& args, double low, double high) {
  std::uint64_t advance = 0;
  draw("uniform_", args.stream,
       [&](PhiloxState state, PhiloxSchedule schedule, const LaunchContext& context) {
         advance = philox_advance(args.dtype, args.count, context);
         return launch_uniform(args.dtype, args.out, args.count, low, high, state, schedule,
                               context);
       });
  return advance;
}

std::uint64_t CudaBackend::normal(const RandomArgs& args, double mean, double deviation) {
  std::uint64_t advance = 0;
  draw("normal_", args.stream,
       [&](PhiloxState state, PhiloxSchedule schedule, const LaunchContext& context) {
         advance = philox_advance(args.dtype, args.count, context);
         return launch_normal(args.dtype, args.out, args.count, mean, deviation, state, schedule,
                              context);
       });
  return advance;
}

std::uint64_t CudaBackend::dropout(const DropoutArgs& args) {
  std::uint64_t advance = 0;
  draw("dropout", args.stream,
       [&](PhiloxState state, PhiloxSchedule schedule, const LaunchContext& context) {
         advance = dropout_advance(args.count, context);
         return launch_dropout(args, state, schedule, context);
       });
  return advance;
}

void CudaBackend::masked_scale(const MaskedScaleArgs& args) {
  const Use use(context_, "masked_scale");
  check(launch_masked_scale(args, use.launch()), "masked_scale");
}

void CudaBackend::update(const UpdateArgs& args) {
  StepSchedule schedule;
  if (StepObserver* const observer = context_.observer()) {
    if (!observer->note(args, schedule)) return;
  }
  const char* const name = info_of(args.op).name;
  const Use use(context_, name);
  check(launch_update(args, schedule, use.launch()), name);
}

}  // namespace wick::cuda
