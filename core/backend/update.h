// SPDX-License-Identifier: MIT
// The family of optimizers' updates: what each is called, and what is given to the backend for it.
// The formulas are in kernels/formulas/update.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "wick/core/dtype.h"

namespace wick {

/// The update of each optimizer, as PyTorch's class of the name computes it.
enum class UpdateOp : std::uint8_t {
  sgd,   // state: momentum_buffer, none where momentum is 0
  adam,  // state: exp_avg, exp_avg_sq, max_exp_avg_sq (with amsgrad); AdamW's, too
  // beta2: alpha; state: square_avg, momentum_buffer (none where momentum is 0), grad_avg
  // (centered)
  rmsprop,
  adagrad,  // state: sum
  nadam,    // state: exp_avg, exp_avg_sq
  radam,    // state: exp_avg, exp_avg_sq
  adamax,   // state: exp_avg, exp_inf
};

/// What is known of an update beside its formula.
struct UpdateOpInfo {
  UpdateOp op;
  const char* name;  // in messages
};

/// One row for each update, in the order of the enumerators.
inline constexpr UpdateOpInfo kUpdateOps[] = {
    {UpdateOp::sgd, "sgd_step"},         {UpdateOp::adam, "adam_step"},
    {UpdateOp::rmsprop, "rmsprop_step"}, {UpdateOp::adagrad, "adagrad_step"},
    {UpdateOp::nadam, "nadam_step"},     {UpdateOp::radam, "radam_step"},
    {UpdateOp::adamax, "adamax_step"},
};
inline constexpr std::size_t kUpdateOpCount = std::size(kUpdateOps);

[[nodiscard]] constexpr const UpdateOpInfo& info_of(UpdateOp op) {
  return kUpdateOps[static_cast<std::size_t>(op)];
}

static_assert(
    [] {
      for (std::size_t i = 0; i < kUpdateOpCount; ++i) {
        if (kUpdateOps[i].op != static_cast<UpdateOp>(i)) return false;
      }
      return true;
    }(),
    "the rows of kUpdateOps are in the order of the enumerators");

/// The most tensors of state that an update has.
inline constexpr std::size_t kMaxUpdateState = 3;

/// One step of an optimizer over `count` elements, in place. Options that an update lacks are not
/// read; their names are PyTorch's.
struct UpdateArgs {
  UpdateOp op = UpdateOp::sgd;
  DType dtype = DType::float32;
  std::int64_t count = 0;
  void* param = nullptr;       // (count)
  const void* grad = nullptr;  // (count)
  // (count) each, in the order that UpdateOp says; null where the options need none.
  std::array<void*, kMaxUpdateState> state{};
  bool first_step = false;  // sgd: the state holds nothing yet, and the buffer becomes the gradient
  double step = 1.0;        // of those that count steps: 1 for the first
  double lr = 0.0;
  double momentum = 0.0;          // nadam: mu of this step
  double next_momentum = 0.0;     // nadam: mu of the next one
  double momentum_product = 0.0;  // nadam: of mu in all steps so far, this one included
  double dampening = 0.0;
  double beta1 = 0.0;
  double beta2 = 0.0;
  double eps = 0.0;
  double lr_decay = 0.0;
  double weight_decay = 0.0;
  bool decoupled_weight_decay = false;
  bool nesterov = false;
  bool maximize = false;
};

}  // namespace wick
