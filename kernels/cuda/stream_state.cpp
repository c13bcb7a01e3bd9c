// SPDX-License-Identifier: MIT
#include "kernels/cuda/stream_state.h"

#include <algorithm>

#include "wick/core/error.h"

namespace wick::cuda {
namespace {

const char* name_of(CheckedOperation operation) {
  switch (operation) {
    case CheckedOperation::cross_entropy: return "cross_entropy";
    case CheckedOperation::gather_affine: return "gather_affine";
    case CheckedOperation::index_select: return "index_select";
    case CheckedOperation::index_add: return "index_add";
    case CheckedOperation::nll_loss: return "nll_loss";
    case CheckedOperation::none: break;
  }
  return "an operation";
}

[[noreturn]] void throw_index_error(const ErrorFlag& found) {
  const char* const what = found.operation == CheckedOperation::cross_entropy ||
                                   found.operation == CheckedOperation::nll_loss
                               ? ": target "
                               : ": index ";
  throw IndexError(concat(name_of(found.operation), what, found.value, " of row ", found.row,
                          " is not in [0, ", found.limit,
                          "); results since the last synchronisation are not to be used"));
}

}  // namespace

StreamState::StreamState(cudaStream_t stream, const cudaDeviceProp& device)
    : scratch_(make_device_memory<std::byte>(kWorkspaceBytes + sizeof(ErrorFlag))),
      found_(make_pinned<ErrorFlag>(1)),
      reached_(make_event()) {
  std::byte* const flag = scratch_.get() + kWorkspaceBytes;
  launch_.stream = stream;
  launch_.multiprocessors = device.multiProcessorCount;
  launch_.threads_per_multiprocessor = device.maxThreadsPerMultiProcessor;
  launch_.workspace = scratch_.get();
  launch_.error = reinterpret_cast<ErrorFlag*>(flag);
  check(cudaMemsetAsync(scratch_.get(), 0, kTicketBytes, stream), "clear a stream's scratch");
  check(cudaMemsetAsync(flag, 0, sizeof(ErrorFlag), stream), "clear a stream's scratch");
}

StreamState::~StreamState() {
  static_cast<void>(cudaStreamSynchronize(stream()));
}

void* StreamState::blas_workspace() {
  if (blas_workspace_ == nullptr) {
    blas_workspace_ = make_device_memory<std::byte>(kBlasWorkspaceBytes);
  }
  return blas_workspace_.get();
}

void* StreamState::operand_copies(std::size_t bytes) {
  if (bytes > operand_copies_bytes_) {
    // All of them together take no more than twice the last.
    const std::size_t size = std::max(bytes, 2 * operand_copies_bytes_);
    operand_copies_.push_back(make_device_memory<std::byte>(size));
    operand_copies_bytes_ = size;
  }
  return operand_copies_.back().get();
}

void StreamState::wait(const char* operation) {
  check(cudaMemcpyAsync(found_.get(), launch_.error, sizeof(ErrorFlag), cudaMemcpyDeviceToHost,
                        stream()),
        operation);
  check(cudaStreamSynchronize(stream()), operation);
  if (found_->operation == CheckedOperation::none) return;
  check(cudaMemsetAsync(launch_.error, 0, sizeof(ErrorFlag), stream()), operation);
  throw_index_error(*found_);
}

void StreamState::wait_for(StreamState& other) {
  if (other.stream() == stream()) return;
  check(cudaEventRecord(other.reached_.get(), other.stream()), "mark a stream's work");
  check(cudaStreamWaitEvent(stream(), other.reached_.get(), 0), "wait for another stream");
}

}  // namespace wick::cuda
