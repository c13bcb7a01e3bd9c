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

// Calls run_part(begin, end) for as many samples as the plan takes at once.
template <typename RunPart>
void for_parts(const nn::InferencePlan& plan, std::int64_t samples, const RunPart& run_part) {
  for (std::int64_t begin = 0; begin < samples;) {
    const std::int64_t end = begin + std::min(plan.max_batch(), samples - begin);
    run_part(begin, end);
    begin = end;
  }
}

template <typename T>
void run_parts(const nn::InferencePlan& plan, const void* input, void* output, std::int64_t samples,
               nn::InferencePlan::Workspace& workspace) {
  for_parts(plan, samples, [&](std::int64_t begin, std::int64_t end) {
    plan.run(static_cast<const T*>(input) + begin * plan.in_features(),
             static_cast<T*>(output) + begin * plan.out_features(), end - begin, workspace);
  });
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
    require_usable(require(input, "input"), run.dtype(), kCpu);
    require_usable(require(output, "output"), run.dtype(), kCpu);
    const Dims from_shape = batch_shape(samples, run.input_shape());
    const Dims to_shape = batch_shape(samples, run.output_shape());
    const std::size_t size = size_of(run.dtype());
    require_apart(static_cast<const std::byte*>(input),
                  size * static_cast<std::size_t>(element_count(from_shape)),
                  static_cast<const std::byte*>(output),
                  size * static_cast<std::size_t>(element_count(to_shape)));
    Workspace workspace(*of);
    if (run.dtype() == DType::float32) {
      run_parts<float>(run, input, output, samples, *workspace);
    } else if (run.dtype() == DType::float64) {
      run_parts<double>(run, input, output, samples, *workspace);
    } else {
      const Tensor from = Tensor::from_blob(input, from_shape, run.dtype());
      const Tensor to = Tensor::from_blob(output, to_shape, run.dtype());
      for_parts(run, samples, [&](std::int64_t begin, std::int64_t end) {
        run.run(from.slice(0, begin, end), to.slice(0, begin, end), *workspace);
      });
    }
  });
}
