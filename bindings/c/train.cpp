// SPDX-License-Identifier: MIT
// Whole steps of training.
#include "wick/c/train.h"

#include <algorithm>
#include <cstdint>

#include "bindings/c/objects.h"
#include "wick/core/ops.h"

namespace {

using namespace wick;
using namespace wick::c;

struct Trained {
  wick_module* module;
  wick_loss* loss;
  wick_optimizer* optimizer;
};

// One step; reads the loss only where `value` is not null. The objects are in use meanwhile.
void step(const Trained& of, const Tensor& input, const Tensor& target, double* value) {
  const Pinned<ModuleEntry> module(of.module, "module");
  const Pinned<LossEntry> loss(of.loss, "loss");
  const Pinned<OptimizerEntry> optimizer(of.optimizer, "optimizer");
  if (optimizer->lbfgs != nullptr) {
    throw ValueError("LBFGS needs a closure; call wick_optimizer_step_with()");
  }
  const Tensor lost = loss->loss->forward(module->module->forward(input), target);
  optimizer->optimizer->zero_grad();
  (void)module->module->backward(loss->loss->backward(), false);
  optimizer->optimizer->step();
  if (value != nullptr) *value = lost.to(kCpu).to(DType::float64).item<double>();
}

// The samples of a step, in memory that is used again.
class Batches {
 public:
  Batches(const Tensor& source, std::int64_t size) : source_(source.contiguous()) {
    Dims shape = source_.shape();
    shape[0] = size;
    memory_ = Tensor::empty(shape, source_.dtype(), source_.device());
  }
  // `order` is undefined for the order in which they lie.
  [[nodiscard]] Tensor get(const Tensor& order, std::int64_t begin, std::int64_t end) const {
    if (!order.defined()) return source_.slice(0, begin, end);
    Tensor to = memory_.slice(0, 0, end - begin);
    ops::index_select(source_, order.slice(0, begin, end), to);
    return to;
  }

 private:
  Tensor source_;
  Tensor memory_;
};

void require_samples(const Tensor& inputs, const Tensor& targets, std::int64_t batch_size,
                     std::int64_t epochs) {
  if (inputs.dim() == 0 || targets.dim() == 0 || inputs.size(0) != targets.size(0)) {
    throw ShapeError(
        concat("'inputs' and 'targets' must have one first dimension, that of the "
               "samples, got ",
               inputs, " and ", targets));
  }
  if (inputs.size(0) == 0) throw ShapeError("there are no samples");
  if (batch_size < 1) throw ValueError(concat("batch_size must be positive, got ", batch_size));
  if (epochs < 0) throw ValueError(concat("epochs must not be negative, got ", epochs));
}

}  // namespace

wick_status wick_train_step(wick_module* module, wick_loss* loss, wick_optimizer* optimizer,
                            wick_tensor* input, wick_tensor* target, double* value) {
  return call(__func__, [&] {
    const Pinned<TensorEntry> x(input, "input");
    const Pinned<TensorEntry> t(target, "target");
    step({module, loss, optimizer}, x->tensor, t->tensor, value);
  });
}

wick_status wick_train(wick_module* module, wick_loss* loss, wick_optimizer* optimizer,
                       wick_tensor* inputs, wick_tensor* targets, int64_t batch_size,
                       int64_t epochs, wick_generator* generator, wick_progress progress,
                       void* context, double* mean_loss) {
  return call(__func__, [&] {
    const Pinned<TensorEntry> x(inputs, "inputs");
    const Pinned<TensorEntry> t(targets, "targets");
    require_samples(x->tensor, t->tensor, batch_size, epochs);
    const std::int64_t count = x->tensor.size(0);
    const std::int64_t size = std::min(batch_size, count);
    const std::int64_t steps = (count + size - 1) / size;
    const Batches all_inputs(x->tensor, size);
    const Batches all_targets(t->tensor, size);
    for (std::int64_t epoch = 0; epoch < epochs; ++epoch) {
      Tensor order;
      if (generator != nullptr) {
        const Pinned<GeneratorEntry> of(generator, "generator");
        order = of->generator->randperm(count).to(x->tensor.device());
      }
      double sum = 0.0;
      for (std::int64_t i = 0; i < steps; ++i) {
        const std::int64_t begin = i * size;
        const std::int64_t end = std::min(begin + size, count);
        double value = 0.0;
        step({module, loss, optimizer}, all_inputs.get(order, begin, end),
             all_targets.get(order, begin, end), &value);
        sum += value * static_cast<double>(end - begin);
        if (progress != nullptr) {
          call_back("progress callback", [&] { return progress(context, epoch, i, steps, value); });
        }
      }
      if (mean_loss != nullptr) *mean_loss = sum / static_cast<double>(count);
    }
  });
}
