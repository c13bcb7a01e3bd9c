// SPDX-License-Identifier: MIT
// Optimizers' updates over flat memory: the formulas of kernels/formulas/update.h in vectors of
// float32 and of float64.
#pragma once

#include "kernels/cpu/simd/for_vectors.h"
#include "kernels/cpu/simd/update_table.h"
#include "kernels/formulas/update.h"

namespace wick::cpu {

/// What the formulas compute with.
template <typename T, typename Isa>
struct UpdateMath {
  using Scalar = T;
  using V = Vector<T, Isa>;
  [[gnu::always_inline]] static V abs(V x) { return magnitude<T, Isa>(x); }
  [[gnu::always_inline]] static V sqrt(V x) { return square_root<T, Isa>(x); }
  [[gnu::always_inline]] static V div(V a, V b) { return quotient<T, Isa>(a, b); }
};

// Up to so many elements lie in the second-level cache, and the next ones are prefetched: four
// streams at once are more than the processor foresees in good time. From farther away it does
// better by itself, all the more where threads have just shared the parameters.
inline constexpr std::int64_t kFewElements = 64 * 1024;
inline constexpr formulas::StateMask kTwoStates = 3;

/// Tensor `I` of the state, if there is one.
template <typename T, typename Isa, formulas::StateMask States, int I, bool Whole>
[[gnu::always_inline]] inline Vector<T, Isa> load_state(const UpdateTask<T>& t, std::int64_t i,
                                                        int count) {
  if constexpr ((States >> I & 1U) != 0U) {
    return load_some<T, Isa, Whole>(t.state[I] + i, count);
  } else {
    return Vector<T, Isa>{};
  }
}
template <typename T, typename Isa, formulas::StateMask States, int I, bool Whole>
[[gnu::always_inline]] inline void store_state(const UpdateTask<T>& t, std::int64_t i,
                                               Vector<T, Isa> value, int count) {
  if constexpr ((States >> I & 1U) != 0U) store_some<T, Isa, Whole>(t.state[I] + i, value, count);
}

// Tensors and flags are template arguments, so that the loops have no branches.
template <typename T, typename Isa, UpdateOp Op, formulas::StateMask States, typename Flags>
void update_loop(const UpdateTask<T>& task, const Flags& flags) {
  using M = UpdateMath<T, Isa>;
  using V = Vector<T, Isa>;
  const UpdateTask<T> t = task;
  const bool prefetch = (States & kTwoStates) == kTwoStates && t.count <= kFewElements;
  for_vectors<T, Isa>(
      t.count, [&]<bool Whole>(std::int64_t i, int count) __attribute__((always_inline)) {
        if (prefetch) {
          constexpr std::int64_t kAhead = 1024 / sizeof(T);
          __builtin_prefetch(t.param + i + kAhead, 1);
          __builtin_prefetch(t.grad + i + kAhead);
          __builtin_prefetch(t.state[0] + i + kAhead, 1);
          __builtin_prefetch(t.state[1] + i + kAhead, 1);
        }
        V param = load_some<T, Isa, Whole>(t.param + i, count);
        const V grad = load_some<T, Isa, Whole>(t.grad + i, count);
        formulas::UpdateState<V> state{load_state<T, Isa, States, 0, Whole>(t, i, count),
                                       load_state<T, Isa, States, 1, Whole>(t, i, count),
                                       load_state<T, Isa, States, 2, Whole>(t, i, count)};
        formulas::Update<Op>::template apply<M, States>(t.options, t.scalars, flags, param, grad,
                                                        state);
        store_state<T, Isa, States, 0, Whole>(t, i, state.first, count);
        store_state<T, Isa, States, 1, Whole>(t, i, state.second, count);
        store_state<T, Isa, States, 2, Whole>(t, i, state.third, count);
        store_some<T, Isa, Whole>(t.param + i, param, count);
      });
}

/// SGD is so little work that each of its branches has a loop of its own.
template <typename T, typename Isa, UpdateOp Op, formulas::StateMask States>
void update_by_flags(const UpdateTask<T>& task) {
  using formulas::KnownFlags;
  if constexpr (Op == UpdateOp::sgd) {
    const bool decays = task.options.weight_decay != T{0};
    if constexpr (States != 0U) {
      if (task.options.nesterov) {
        return decays ? update_loop<T, Isa, Op, States>(task, KnownFlags<true, true>{})
                      : update_loop<T, Isa, Op, States>(task, KnownFlags<false, true>{});
      }
    }
    return decays ? update_loop<T, Isa, Op, States>(task, KnownFlags<true, false>{})
                  : update_loop<T, Isa, Op, States>(task, KnownFlags<false, false>{});
  } else if (formulas::is_plain(task.options)) {
    update_loop<T, Isa, Op, States>(task, formulas::PlainFlags{});
  } else {
    update_loop<T, Isa, Op, States>(task, formulas::any_flags(task.options));
  }
}

template <typename T, typename Isa, UpdateOp Op, formulas::StateMask States = 0>
void update(const UpdateTask<T>& task) {
  if constexpr (States < (1U << kMaxUpdateState)) {
    if constexpr (formulas::has_states(Op, States)) {
      if (task.states == States) return update_by_flags<T, Isa, Op, States>(task);
    }
    update<T, Isa, Op, States + 1>(task);
  }
}

}  // namespace wick::cpu
