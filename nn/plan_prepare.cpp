// SPDX-License-Identifier: MIT
// What a plan does before a thread that must not wait runs it.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "wick/core/backend.h"
#include "wick/core/tensor.h"
#include "wick/nn/inference_plan.h"

namespace wick::nn {
namespace {

// Numbers of samples that are run one by one: the kernels, and with bfloat16 the size of their
// scratch, depend on small numbers most.
constexpr std::int64_t kEachBatch = 64;

// Where threads share an operation, any of them may do a part: of so many runs, each most likely
// has done one.
constexpr int kRounds = 16;

// Of `count` samples and as many gaps between them.
Tensor samples_of(std::int64_t count, const Dims& sample, DType dtype, Device device, bool apart) {
  Dims shape{count};
  for (const std::int64_t size : sample) shape.push_back(size);
  if (!apart) return Tensor::zeros(shape, dtype, device);
  const std::int64_t elements = element_count(sample);
  Dims strides = contiguous_strides(shape);
  strides[0] = 2 * elements;
  return Tensor::zeros({count, 2, elements}, dtype, device).as_strided(shape, strides, 0);
}

}  // namespace

void InferencePlan::prepare(Workspace& workspace) const {
  require_own(workspace);
  Backend& backend = weights_->backend();
  backend.zero(workspace.memory_->data(), workspace.memory_->bytes());
  for (const bool apart : {false, true}) {
    const auto whole = [&](const std::vector<std::size_t>& values) {
      std::vector<Tensor> tensors;
      tensors.reserve(values.size());
      for (const std::size_t value : values) {
        tensors.push_back(samples_of(max_batch_, shape_of(value), dtype_, device(), apart));
      }
      return tensors;
    };
    const std::vector<Tensor> inputs = whole(inputs_);
    const std::vector<Tensor> outputs = whole(outputs_);
    const auto run_some = [&](std::int64_t count) {
      const auto some = [count](std::vector<Tensor> tensors) {
        for (Tensor& each : tensors) each = each.slice(0, 0, count);
        return tensors;
      };
      run_all(some(inputs), some(outputs), workspace);
    };
    for (int round = 0; round < kRounds; ++round) run_some(max_batch_);
    for (std::int64_t count = std::min(kEachBatch, max_batch_); count > 0; --count) {
      run_some(count);
    }
  }
  backend.synchronize();
}

}  // namespace wick::nn
