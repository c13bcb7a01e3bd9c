// SPDX-License-Identifier: MIT
// Trains the networks that graph_parity.py asks for.
#include <memory>
#include <string>
#include <vector>

#include "tests/interop/make_optimizer.h"
#include "tests/interop/program.h"
#include "tests/interop/tasks.h"
#include "wick/nn/inference_plan.h"

namespace {

using wick::Dict;
using wick::Dims;
using wick::List;
using wick::StateDict;
using wick::Tensor;
using wick::Value;
using wick::testing::Task;
namespace nn = wick::nn;

// What the network gives in eval mode; of the plan that nn::compile() makes, where it makes one.
Value evaluate(Task& task, const std::vector<Tensor>& inputs) {
  task.model().eval();
  std::vector<Tensor> results;
  if (task.is_compiled()) {
    const std::int64_t count = inputs[0].size(0);
    const std::vector<Dims> shapes = {{inputs[0].size(1)}};
    const nn::InferencePlan plan = nn::compile(task.model(), shapes, count);
    auto workspace = plan.make_workspace();
    for (std::size_t i = 0; i < plan.output_count(); ++i) {
      Dims shape = plan.output_shape(i);
      shape.insert(0, count);
      results.push_back(Tensor::empty(shape, inputs[0].dtype()));
    }
    plan.run_all(inputs, results, workspace);
  } else {
    results = task.forward(inputs);
  }
  List outputs;
  for (const Tensor& each : results) outputs.items.emplace_back(each.clone());
  return outputs;
}

// {'network', 'data' {name: (steps, ...)}, 'optimizer', 'first', 'last', 'checkpoint'} to the
// 'losses' of those steps, the 'outputs' for the last input of all, and the 'checkpoint' in the
// end: {'model', 'target' (or None), 'opt' (None before the first step), 'rng'}.
Value train_one(const Value& request) {
  const Value& data = request.at("data");
  const Value& checkpoint = request.at("checkpoint");
  wick::Generator generator;
  const auto task = wick::testing::make_task(request.at("network").as_string(),
                                             {generator, data.at("x").as_tensor().dtype()});
  task->model().load_state_dict(StateDict::from_value(checkpoint.at("model")));
  nn::Module* const target = task->target();
  if (target != nullptr) target->load_state_dict(StateDict::from_value(checkpoint.at("target")));
  const auto optimizer =
      wick::testing::make_optimizer(task->model().parameters(), request.at("optimizer"));
  if (!checkpoint.at("opt").is_none()) optimizer->load_state_dict(checkpoint.at("opt"));
  generator.set_state(checkpoint.at("rng").as_tensor());

  List losses;
  const std::int64_t last = request.at("last").as_int();
  for (std::int64_t step = request.at("first").as_int(); step < last; ++step) {
    const wick::testing::Batch batch(data, step);
    optimizer->zero_grad();
    losses.items.emplace_back(task->learn(batch));
    optimizer->step();
    task->finish_step(step, batch, losses);
  }
  Dict saved{{"model", task->model().state_dict().to_value()},
             {"target", target == nullptr ? Value() : target->state_dict().to_value()},
             {"opt", optimizer->state_dict()},
             {"rng", generator.get_state()}};
  return Dict{{"losses", losses},
              {"checkpoint", std::move(saved)},
              {"outputs", evaluate(*task, task->inputs(wick::testing::Batch(data, last - 1)))}};
}

Value train(const Value& request) {
  List answers;
  for (const Value& item : request.as_list()) answers.items.push_back(train_one(item));
  return answers;
}

}  // namespace

int main(int count, char** arguments) {
  return wick::testing::run_program(count, arguments, {{"train", train}});
}
