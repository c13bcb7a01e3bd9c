// SPDX-License-Identifier: MIT
// Where the values of an inference plan lie.
#include "nn/plan_memory.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "nn/plan_builder.h"
#include "wick/core/error.h"

namespace wick::nn {

// An output is written where the caller wants it, unless it is an input or an output already.
void PlanBuilder::place_outputs() {
  for (const ValueId id : list_.outputs()) {
    const std::size_t value = values_[static_cast<std::size_t>(id)];
    Value& owner = plan_.values_[memory_[value]];
    const std::size_t number = plan_.outputs_.size();
    if (owner.place == InferencePlan::Place::workspace) {
      owner.place = InferencePlan::Place::output;
      owner.offset = plan_.inputs_.size() + number;
      plan_.outputs_.push_back(value);
      continue;
    }
    InferencePlan::Step copy;
    copy.kind = StepKind::narrow;
    copy.inputs = {value};
    copy.width = copy.depth = plan_.values_[value].elements;
    copy.output = add_value(plan_.values_[value].shape);
    plan_.values_[copy.output].place = InferencePlan::Place::output;
    plan_.values_[copy.output].offset = plan_.inputs_.size() + number;
    plan_.outputs_.push_back(copy.output);
    plan_.steps_.push_back(std::move(copy));
  }
}

std::size_t PlanBuilder::bytes_of(const Value& value) const {
  // All values together stay within 63 bits.
  const std::int64_t most = INT64_MAX / static_cast<std::int64_t>(plan_.values_.size() + 1);
  const std::int64_t sample = std::max<std::int64_t>(value.elements, 1);
  const auto size = static_cast<std::int64_t>(size_of(plan_.dtype_));
  if (plan_.max_batch_ > (most - 64) / size / sample) {
    throw ShapeError(concat("compile: ", plan_.max_batch_, " samples of shape ", value.shape,
                            " overflow 63 bits; use a smaller max_batch"));
  }
  return aligned(static_cast<std::size_t>(value.elements * plan_.max_batch_ * size));
}

void PlanBuilder::place_in_workspace() {
  std::vector<std::size_t> last_use(plan_.values_.size(), 0);
  for (std::size_t i = 0; i < plan_.steps_.size(); ++i) {
    for (const std::size_t input : plan_.steps_[i].inputs) last_use[memory_[input]] = i;
  }
  PlanMemory memory;
  for (std::size_t i = 0; i < plan_.steps_.size(); ++i) {
    const InferencePlan::Step& step = plan_.steps_[i];
    Value& value = plan_.values_[step.output];
    if (value.place == InferencePlan::Place::workspace) {
      value.offset = memory.take(bytes_of(value));
      if (last_use[step.output] < i) last_use[step.output] = i;  // of no use at all
    }
    for (std::size_t each = 0; each < plan_.values_.size(); ++each) {
      const Value& other = plan_.values_[each];
      if (memory_[each] == each && other.place == InferencePlan::Place::workspace &&
          other.offset != InferencePlan::kNone && last_use[each] == i) {
        memory.give_back(other.offset);
      }
    }
  }
  plan_.workspace_bytes_ = memory.bytes();
  for (std::size_t each = 0; each < plan_.values_.size(); ++each) {
    const Value& owner = plan_.values_[memory_[each]];
    plan_.values_[each].place = owner.place;
    plan_.values_[each].offset = owner.offset;
  }
}

}  // namespace wick::nn
