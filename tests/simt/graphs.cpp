// SPDX-License-Identifier: MIT
// Captured graphs: the work of a stream, kept to be run again.
#include "tests/simt/runtime.h"

using namespace wick::simt;

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode) {
  const auto held = lock();
  CUstream_st* const stream = stream_of(handle);
  if (stream == nullptr) return note(cudaErrorInvalidResourceHandle);
  // The legacy stream cannot be captured.
  if (handle == nullptr || stream->capture != nullptr) {
    return note(cudaErrorStreamCaptureUnsupported);
  }
  auto graph = std::make_unique<CUgraph_st>();
  graph->origin = stream;
  graph->mode = mode;
  graph->thread = std::this_thread::get_id();
  runtime().captures.insert(graph.get());
  stream->capture = graph.release();
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* graph) {
  const auto held = lock();
  *graph = nullptr;
  CUstream_st* const stream = stream_of(handle);
  if (stream == nullptr || stream->capture == nullptr) return note(cudaErrorInvalidValue);
  if (stream->capture->origin != stream) return note(cudaErrorStreamCaptureUnmatched);
  std::unique_ptr<CUgraph_st> captured(stream->capture);
  runtime().captures.erase(captured.get());
  for (CUstream_st* const other : runtime().streams) {
    if (other->capture == captured.get()) other->capture = nullptr;
  }
  if (captured->invalid) return note(cudaErrorStreamCaptureInvalidated);
  *graph = captured.release();
  return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t handle, cudaStreamCaptureStatus* status) {
  const auto held = lock();
  CUstream_st* const stream = stream_of(handle);
  if (stream == nullptr) return note(cudaErrorInvalidResourceHandle);
  *status = stream->capture == nullptr ? cudaStreamCaptureStatusNone
            : stream->capture->invalid ? cudaStreamCaptureStatusInvalidated
                                       : cudaStreamCaptureStatusActive;
  return cudaSuccess;
}

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  thread_local cudaStreamCaptureMode current = cudaStreamCaptureModeGlobal;
  std::swap(*mode, current);
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph,
                                 unsigned long long /*flags*/) {
  const auto held = lock();
  if (graph == nullptr) return note(cudaErrorInvalidValue);
  auto made = std::make_unique<CUgraphExec_st>();
  made->nodes = std::make_shared<const std::vector<Node>>(graph->nodes);
  std::set<const void*> addresses;
  for (const Node& node : graph->nodes) {
    for (const void* const address : node.addresses) {
      if (find_allocation(address, 1) != nullptr) addresses.insert(address);
    }
  }
  made->addresses.assign(addresses.begin(), addresses.end());
  made->device = current_device();
  *exec = made.release();
  return cudaSuccess;
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, void* nodes, std::size_t* count) {
  const auto held = lock();
  if (nodes != nullptr) return note(cudaErrorNotSupported);  // only the number of nodes
  *count = graph->nodes.size();
  return cudaSuccess;
}

cudaError_t cudaGraphUpload(cudaGraphExec_t /*exec*/, cudaStream_t stream) {
  const auto held = lock();
  return note(stream_of(stream) != nullptr ? cudaSuccess : cudaErrorInvalidResourceHandle);
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t handle) {
  const auto held = lock();
  CUstream_st* const stream = stream_of(handle);
  if (stream == nullptr || exec == nullptr) return note(cudaErrorInvalidResourceHandle);
  // Keeps the nodes: a graph may be destroyed while its launch is queued.
  const Work work = [nodes = exec->nodes] {
    for (const Node& node : *nodes) {
      if (const cudaError_t error = node.work()) return error;
    }
    return cudaSuccess;
  };
  return note(submit(stream, work, exec->addresses));
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  const auto held = lock();
  const std::unique_ptr<CUgraphExec_st> owned(exec);
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  const auto held = lock();
  const std::unique_ptr<CUgraph_st> owned(graph);
  return cudaSuccess;
}
