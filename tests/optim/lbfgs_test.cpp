// SPDX-License-Identifier: MIT
// L-BFGS on functions whose minima are known, its state, and what it refuses. Its steps beside
// PyTorch's are in tests/interop/optimizer_parity.py.
#include "wick/optim/lbfgs.h"

#include <cmath>
#include <limits>
#include <stdexcept>

#include <gtest/gtest.h>

#include "tests/count_allocations.h"
#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/optim/step_lr.h"

namespace wick::testing {
namespace {

using optim::LBFGS;

/// Rosenbrock's function of several pairs, the first numbers in one parameter and the second ones
/// in another; the least value is 0, at ones.
class Rosenbrock {
 public:
  explicit Rosenbrock(DType dtype = DType::float64)
      : x(make_parameter(Tensor::full({3}, -1.2, dtype))),
        y(make_parameter(Tensor::full({3, 1}, 1.0, dtype))) {}

  double operator()() {
    ++evaluations;
    const auto a = x->value.to(DType::float64).to_vector<double>();
    const auto b = y->value.to(DType::float64).to_vector<double>();
    std::vector<double> grad_a(3);
    std::vector<double> grad_b(3);
    double loss = 0.0;
    for (std::size_t i = 0; i < 3; ++i) {
      const double scale = static_cast<double>(i + 1);
      const double bend = b[i] - a[i] * a[i];
      loss += scale * ((1.0 - a[i]) * (1.0 - a[i]) + 100.0 * bend * bend);
      grad_a[i] = sign * scale * (-2.0 * (1.0 - a[i]) - 400.0 * bend * a[i]);
      grad_b[i] = sign * scale * 200.0 * bend;
    }
    x->grad.copy_(Tensor::from(grad_a, {3}));
    y->grad.copy_(Tensor::from(grad_b, {3, 1}));
    x->has_grad = y->has_grad = true;
    return sign * loss;
  }
  [[nodiscard]] std::vector<ParameterPtr> parameters() const { return {x, y}; }
  [[nodiscard]] double distance() const {
    double largest = 0.0;
    for (const ParameterPtr& param : parameters()) {
      for (const double value : param->value.to(DType::float64).to_vector<double>()) {
        largest = std::max(largest, std::abs(value - 1.0));
      }
    }
    return largest;
  }

  ParameterPtr x;
  ParameterPtr y;
  double sign = 1.0;
  std::int64_t evaluations = 0;
};

TEST(Lbfgs, FindsTheMinimumByALineSearch) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    Rosenbrock function(dtype);
    LBFGS optimizer(function.parameters(), {.line_search_fn = "strong_wolfe"});
    for (int i = 0; i < 10; ++i) optimizer.step(std::ref(function));
    EXPECT_LT(function.distance(), dtype == DType::float32 ? 2e-3 : 1e-5);
    EXPECT_EQ(optimizer.state_dict().at("state").at(0).at("func_evals").as_int(),
              function.evaluations);
  }
}

TEST(Lbfgs, ClimbsWhereItIsToMaximize) {
  Rosenbrock function;
  function.sign = -1.0;
  LBFGS optimizer(function.parameters(), {.line_search_fn = "strong_wolfe", .maximize = true});
  for (int i = 0; i < 10; ++i) optimizer.step(std::ref(function));
  EXPECT_LT(function.distance(), 1e-5);
}

TEST(Lbfgs, ReturnsTheLossBeforeTheStep) {
  Rosenbrock function;
  LBFGS optimizer(function.parameters(), {.lr = 1e-3, .max_iter = 3});
  const double before = Rosenbrock()();
  EXPECT_EQ(optimizer.step(std::ref(function)), before);
  EXPECT_EQ(function.evaluations, 3) << "none behind the last iteration";
  EXPECT_LT(optimizer.step(std::ref(function)), before);
}

TEST(Lbfgs, GoesOnFromItsState) {
  for (const bool search : {false, true}) {
    Rosenbrock function;
    Rosenbrock other_function;
    optim::LBFGSOptions options{.lr = 0.01, .max_iter = 4, .history_size = 3};
    if (search) options.line_search_fn = "strong_wolfe";
    LBFGS optimizer(function.parameters(), options);
    for (int i = 0; i < 3; ++i) optimizer.step(std::ref(function));
    LBFGS other(other_function.parameters());
    other.load_state_dict(optimizer.state_dict());
    other_function.x->value.copy_(function.x->value);
    other_function.y->value.copy_(function.y->value);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(other.step(std::ref(other_function)), optimizer.step(std::ref(function)));
    }
    EXPECT_TRUE(bitwise_equal(function.x->value, other_function.x->value));
    EXPECT_EQ(other.state_dict().at("state").at(0).at("n_iter"),
              optimizer.state_dict().at("state").at(0).at("n_iter"));
    EXPECT_EQ(other.state_dict().at("state").at(0).at("old_dirs").as_list().size(), 3U);
  }
}

// Python, with w = torch.tensor([-0.5, 1.6], dtype=torch.float64, requires_grad=True):
//   optimizer = torch.optim.LBFGS([w], tolerance_change=0.1, line_search_fn='strong_wolfe')
//   two steps down (1 - w[0])**2 + 100 * (w[1] - w[0]**2)**2
TEST(Lbfgs, TheLineSearchHasAToleranceOfItsOwn) {
  const ParameterPtr w = make_parameter(Tensor::from<double>({-0.5, 1.6}));
  LBFGS optimizer({w}, {.tolerance_change = 0.1, .line_search_fn = "strong_wolfe"});
  for (int i = 0; i < 2; ++i) {
    optimizer.step([&] {
      const auto at = w->value.to_vector<double>();
      const double bend = at[1] - at[0] * at[0];
      w->grad.copy_(
          Tensor::from<double>({-2.0 * (1.0 - at[0]) - 400.0 * bend * at[0], 200.0 * bend}));
      w->has_grad = true;
      return (1.0 - at[0]) * (1.0 - at[0]) + 100.0 * bend * bend;
    });
  }
  EXPECT_NEAR(w->value.to_vector<double>()[0], -1.034421929216562, 1e-9);
  EXPECT_NEAR(w->value.to_vector<double>()[1], 1.0778863416806819, 1e-9);
}

TEST(Lbfgs, AClosureThatThrowsInTheLineSearchLeavesTheLastIteration) {
  for (const int step : {0, 2}) {
    Rosenbrock function;
    Rosenbrock undisturbed;
    const optim::LBFGSOptions options{.max_iter = 1, .line_search_fn = "strong_wolfe"};
    LBFGS optimizer(function.parameters(), options);
    LBFGS other(undisturbed.parameters(), options);
    for (int i = 0; i < 4; ++i) {
      if (i == step) {
        const Tensor before = function.x->value.clone();
        int calls = 0;
        EXPECT_THROW(optimizer.step([&] {
          if (++calls == 2) throw std::runtime_error("no more data");
          return function();
        }),
                     std::runtime_error);
        EXPECT_TRUE(bitwise_equal(function.x->value, before));
        EXPECT_EQ(optimizer.state_dict().at("state").at(0).at("n_iter"), Value(step));
        LBFGS(function.parameters()).load_state_dict(optimizer.state_dict());
      }
      optimizer.step(std::ref(function));
      other.step(std::ref(undisturbed));
    }
    EXPECT_TRUE(bitwise_equal(function.x->value, undisturbed.x->value));
    EXPECT_TRUE(bitwise_equal(function.y->value, undisturbed.y->value));
  }
}

TEST(Lbfgs, StatesAreWholeWhereverTheFirstStepEnds) {
  for (const bool search : {false, true}) {
    for (int last = 1; last < 9; ++last) {
      Rosenbrock function;
      optim::LBFGSOptions options{.lr = 1e-3};
      if (search) options.line_search_fn = "strong_wolfe";
      LBFGS optimizer(function.parameters(), options);
      EXPECT_THROW(optimizer.step([&] {
        if (function.evaluations == last) throw std::runtime_error("no more data");
        return function();
      }),
                   std::runtime_error);
      Rosenbrock other_function;
      LBFGS other(other_function.parameters());
      other.load_state_dict(optimizer.state_dict());
      other_function.x->value.copy_(function.x->value);
      other_function.y->value.copy_(function.y->value);
      EXPECT_EQ(optimizer.step(std::ref(function)), other.step(std::ref(other_function)));
      EXPECT_TRUE(bitwise_equal(function.x->value, other_function.x->value));
    }
  }
}

TEST(Lbfgs, StateFollowsADtype) {
  Rosenbrock function;
  LBFGS optimizer(function.parameters(), {.line_search_fn = "strong_wolfe"});
  optimizer.step(std::ref(function));
  for (const ParameterPtr& param : function.parameters()) {
    param->value = param->value.to(DType::float32);
    param->grad = param->grad.to(DType::float32);
  }
  for (int i = 0; i < 5; ++i) optimizer.step(std::ref(function));
  EXPECT_LT(function.distance(), 2e-3);
  EXPECT_EQ(optimizer.state_dict().at("state").at(0).at("d").as_tensor().dtype(), DType::float32);
}

TEST(Lbfgs, AllocatesNothingOnceTheHistoryIsFull) {
  for (const bool search : {false, true}) {
    Rosenbrock function;
    optim::LBFGSOptions options{.lr = 1e-3, .max_iter = 5, .history_size = 2};
    if (search) options.line_search_fn = "strong_wolfe";
    LBFGS optimizer(function.parameters(), options);
    std::size_t in_closure = 0;
    const LBFGS::Closure closure = [&] {
      const std::size_t before = allocation_count();
      const double loss = function();
      in_closure += allocation_count() - before;
      return loss;
    };
    for (int i = 0; i < 3; ++i) optimizer.step(closure);
    in_closure = 0;
    const std::size_t before = allocation_count();
    for (int i = 0; i < 2; ++i) optimizer.step(closure);
    EXPECT_EQ(allocation_count() - before, in_closure);
    EXPECT_GT(in_closure, 0U) << "the counter counts nothing";
  }
}

TEST(Lbfgs, AlHasARoomForEachChangeOfTheHistory) {
  Rosenbrock function;
  constexpr std::int64_t kSize = std::int64_t{1} << 10;
  LBFGS optimizer(function.parameters(), {.lr = 1e-3, .max_iter = 3, .history_size = kSize});
  optimizer.step(std::ref(function));
  const Value state = optimizer.state_dict();
  const std::size_t size = state.at("state").at(0).at("al").as_list().size();
  EXPECT_EQ(size, static_cast<std::size_t>(kSize)) << "as in PyTorch";
  LBFGS other(function.parameters());
  other.load_state_dict(state);
  EXPECT_EQ(other.state_dict().at("state").at(0).at("al").as_list().size(), size);
}

TEST(Lbfgs, HasAScheduler) {
  Rosenbrock function;
  LBFGS optimizer(function.parameters());
  EXPECT_EQ(optimizer.state_dict().at("param_groups").at_index(0).at("lr"), Value(1));
  optim::StepLR scheduler(optimizer, 1, 0.5);
  scheduler.step();
  EXPECT_EQ(optimizer.lr(), 0.5);
}

TEST(Lbfgs, RefusesWhatItDoesNotTake) {
  Rosenbrock function;
  const auto refuse = [&](const optim::LBFGSOptions& options, const char* message) {
    expect_throw_with<ValueError>([&] { LBFGS(function.parameters(), options); }, message);
  };
  refuse({.lr = -1.0}, "learning rate");
  refuse({.max_iter = 0}, "Invalid max_iter: 0");
  refuse({.max_eval = 0}, "Invalid max_eval: 0");
  refuse({.history_size = 0}, "Invalid history_size: 0");
  refuse({.line_search_fn = "armijo"}, "only 'strong_wolfe' is supported");
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  refuse({.max_iter = kMost}, "Invalid max_iter: 9223372036854775807");
  refuse({.max_eval = kMost}, "Invalid max_eval: 9223372036854775807");
  refuse({.history_size = std::int64_t{1} << 25}, "Invalid history_size: 33554432");
  LBFGS optimizer(function.parameters());
  expect_throw_with<ValueError>([&] { optimizer.step(LBFGS::Closure()); }, "closure is empty");
  EXPECT_EQ(optimizer.state_dict().at("state").as_dict().size(), 0U);
  optim::Optimizer& base = optimizer;
  expect_throw_with<ValueError>([&] { base.step(); }, "call step(closure)");
}

TEST(Lbfgs, ListsEveryProblemOfAState) {
  Rosenbrock function;
  LBFGS optimizer(function.parameters(), {.max_iter = 3, .line_search_fn = "strong_wolfe"});
  optimizer.step(std::ref(function));
  const Value good = optimizer.state_dict();
  Dict entry = good.at("state").at(0).as_dict();
  entry.set("d", Tensor::zeros({5}, DType::float64));
  entry.set("old_dirs", List{});
  entry.set("t", "fast");
  const Value bad = Dict{{"state", Dict{{0, entry}}}, {"param_groups", good.at("param_groups")}};
  for (const char* const message :
       {"'d' must have a tensor of 6", "must have as many entries", "'t' must be a number"}) {
    expect_throw_with<StateDictError>([&] { optimizer.load_state_dict(bad); }, message);
  }
  EXPECT_EQ(optimizer.state_dict().at("state").at(0).at("n_iter"),
            good.at("state").at(0).at("n_iter"));
}

}  // namespace
}  // namespace wick::testing
