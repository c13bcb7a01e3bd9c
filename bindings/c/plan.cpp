// SPDX-License-Identifier: MIT
// Inference plans.
#include "wick/c/plan.h"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "bindings/c/foreign_memory.h"
#include "bindings/c/objects.h"

namespace {

using namespace wick;
using namespace wick::c;

// A workspace of a plan, as long as a call runs it.
class Workspace {
 public:
  explicit Workspace(PlanEntry& object) : object_(object), workspace_(take(object)) {}
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace() {
    const std::lock_guard lock(object_.mutex);
    // There is room: see take().
    object_.idle.push_back(std::move(workspace_));
  }
  nn::InferencePlan::Workspace& operator*() noexcept { return workspace_; }

 private:
  static nn::InferencePlan::Workspace take(PlanEntry& object) {
    const std::lock_guard lock(object.mutex);
    if (object.idle.empty()) {
      object.idle.reserve(++object.workspaces);
      return object.plan.make_workspace();
    }
    nn::InferencePlan::Workspace result = std::move(object.idle.back());
    object.idle.pop_back();
    return result;
  }

  PlanEntry& object_;
  nn::InferencePlan::Workspace workspace_;
};

wick_status shape_out(const char* function, wick_plan* plan, const int64_t** shape, size_t* dims,
                      bool is_input) {
  return call(function, [&] {
    require(shape, "shape");
    const Pinned<PlanEntry> of(plan, "plan");
    const Dims& found = is_input ? of->plan.input_shape() : of->plan.output_shape();
    *shape = found.data();
    if (dims != nullptr) *dims = found.size();
  });
}

Dims batch_shape(std::int64_t samples, const Dims& sample) {
  Dims shape = sample;
  shape.insert(0, samples);
  return shape;
}

void require_apart(const std::byte* input, std::size_t input_bytes, const std::byte* output,
                   std::size_t output_bytes) {
  const std::less<> before;
  if (!before(input, output + output_bytes) || !before(output, input + input_bytes)) return;
  throw ValueError("'input' and 'output' share memory; give the output memory of its own");
}

}  // namespace

wick_status wick_plan_create(wick_module* module, const int64_t* sample_shape, size_t sample_dims,
                             int64_t max_batch, wick_plan** result) {
  return call(__func__, [&] {
    const Result<PlanEntry> to(result);
    const Pinned<ModuleEntry> of(module, "module");
    if (sample_shape == nullptr) {
      to = std::make_unique<PlanEntry>(nn::compile(*of->module, max_batch));
    } else {
      const std::vector<Dims> shapes = {dims_of(sample_shape, sample_dims, "sample_shape")};
      to = std::make_unique<PlanEntry>(nn::compile(*of->module, shapes, max_batch));
    }
  });
}

wick_status wick_plan_input_shape(wick_plan* plan, const int64_t** shape, size_t* dims) {
  return shape_out(__func__, plan, shape, dims, true);
}

wick_status wick_plan_output_shape(wick_plan* plan, const int64_t** shape, size_t* dims) {
  return shape_out(__func__, plan, shape, dims, false);
}

wick_status wick_plan_dtype(wick_plan* plan, wick_dtype* dtype) {
  return call(__func__, [&] {
    *require(dtype, "dtype") =
        static_cast<wick_dtype>(Pinned<PlanEntry>(plan, "plan")->plan.dtype());
  });
}

wick_status wick_plan_max_batch(wick_plan* plan, int64_t* max_batch) {
  return call(__func__, [&] {
    *require(max_batch, "max_batch") = Pinned<PlanEntry>(plan, "plan")->plan.max_batch();
  });
}

wick_status wick_plan_run(wick_plan* plan, wick_tensor* input, wick_tensor* output) {
  return call(__func__, [&] {
    const Pinned<PlanEntry> of(plan, "plan");
    const Pinned<TensorEntry> from(input, "input");
    const Pinned<TensorEntry> to(output, "output");
    Workspace workspace(*of);
    of->plan.run(from->tensor, to->tensor, *workspace);
  });
}

wick_status wick_plan_run_memory(wick_plan* plan, const void* input, void* output,
                                 int64_t samples) {
  return call(__func__, [&] {
    const Pinned<PlanEntry> of(plan, "plan");
    const nn::InferencePlan& run = of->plan;
    if (samples < 0) throw ValueError(concat("'samples' must not be negative, got ", samples));
    if (samples == 0) return;
    if (run.device() != kCpu) {
      throw DeviceError(concat("the plan is on ", run.device(),
                               "; call wick_plan_run() with tensors that are there"));
    }
    // Throws where the sizes overflow.
    (void)element_count(batch_shape(samples, run.input_shape()));
    (void)element_count(batch_shape(samples, run.output_shape()));
    const std::size_t element = size_of(run.dtype());
    const std::size_t in_bytes = static_cast<std::size_t>(run.in_features()) * element;
    const std::size_t out_bytes = static_cast<std::size_t>(run.out_features()) * element;
    // The plan only reads its input.
    auto* from = static_cast<std::byte*>(const_cast<void*>(require(input, "input")));
    auto* to = static_cast<std::byte*>(require(output, "output"));
    const auto count = static_cast<std::size_t>(samples);
    require_apart(from, in_bytes * count, to, out_bytes * count);
    Workspace workspace(*of);
    const auto tensor = [&](std::byte* data, const Dims& sample, std::int64_t rows) {
      const Dims shape = batch_shape(rows, sample);
      return tensor_over_memory(data, shape, contiguous_strides(shape), run.dtype(), kCpu,
                                borrowed());
    };
    for (std::int64_t left = samples; left > 0;) {
      const std::int64_t rows = std::min(left, run.max_batch());
      run.run(tensor(from, run.input_shape(), rows), tensor(to, run.output_shape(), rows),
              *workspace);
      from += in_bytes * static_cast<std::size_t>(rows);
      to += out_bytes * static_cast<std::size_t>(rows);
      left -= rows;
    }
  });
}
