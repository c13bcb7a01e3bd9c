// SPDX-License-Identifier: MIT
// The state of L-BFGS: what an iteration does to it, and its dictionary.
#include "optim/lbfgs_state.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "optim/option_reader.h"
#include "wick/core/error.h"
#include "wick/core/ops.h"

namespace wick::optim {
namespace {

std::int64_t total_of(const std::vector<ParameterPtr>& params) {
  std::int64_t total = 0;
  for (const ParameterPtr& param : params) total += param->value.numel();
  return total;
}

/// A number as PyTorch has it there: a tensor without dimensions, of the parameters' dtype.
Value scalar_like(double value, const Tensor& vector) {
  return Tensor::full({}, value, vector.dtype(), vector.device());
}

/// Reads the entry and notes what is wrong.
class EntryReader {
 public:
  EntryReader(const Dict& entry, const std::vector<ParameterPtr>& params,
              std::vector<std::string>& problems)
      : entry_(entry), params_(params), reader_(entry, "state[0]", problems) {}

  [[nodiscard]] bool has(std::string_view key) const {
    const Value* const found = entry_.find(key);
    return found != nullptr && !found->is_none();
  }
  std::int64_t count(std::string_view key) {
    return static_cast<std::int64_t>(reader_.count(key).as_double());
  }
  double number(std::string_view key) { return reader_.number(key); }

  Tensor vector(std::string_view key) {
    const Value* const found = entry_.find(key);
    return vector_in(key, found == nullptr ? Value() : *found);
  }
  std::vector<Tensor> vectors(std::string_view key) {
    std::vector<Tensor> result;
    for (const Value& item : list(key)) result.push_back(vector_in(key, item));
    return result;
  }
  /// None where `may_be_none`.
  std::vector<std::optional<double>> numbers(std::string_view key, bool may_be_none) {
    std::vector<std::optional<double>> result;
    for (const Value& item : list(key)) {
      result.push_back(number_in(item));
      if (!result.back() && !(may_be_none && item.is_none())) {
        reader_.problem(concat("'", key, "' must be a list of numbers, found ", item.kind_name()));
      }
    }
    return result;
  }
  void problem(const std::string& sentence) { reader_.problem(sentence); }
  [[nodiscard]] bool is_before(std::string_view one, std::string_view other) const {
    for (const auto& [key, value] : entry_) {
      if (key == Value(one)) return true;
      if (key == Value(other)) return false;
    }
    return false;
  }

 private:
  [[nodiscard]] const std::vector<Value>& list(std::string_view key) {
    static const std::vector<Value> kNone;
    const Value* const found = entry_.find(key);
    if (found != nullptr && found->kind() == Value::Kind::list) return found->as_list();
    reader_.problem(concat("'", key, "' must be a list"));
    return kNone;
  }
  Tensor vector_in(std::string_view key, const Value& value) {
    const std::int64_t total = total_of(params_);
    if (value.kind() == Value::Kind::tensor && value.as_tensor().defined() &&
        value.as_tensor().shape() == Dims{total} && is_floating_point(value.as_tensor().dtype())) {
      const Tensor& like = params_.front()->value;
      Tensor copy = Tensor::empty({total}, like.dtype(), like.device());
      copy.copy_(value.as_tensor());
      return copy;
    }
    reader_.problem(concat("'", key, "' must have a tensor of ", total,
                           " floating-point numbers, one for each element of the parameters"));
    return {};
  }

  const Dict& entry_;
  const std::vector<ParameterPtr>& params_;
  OptionReader reader_;
};

}  // namespace

void LBFGS::State::settle(const std::vector<ParameterPtr>& params) {
  vectors.settle(params);
  if (!d.defined()) return;
  vectors.convert(d);
  vectors.convert(prev_flat_grad);
  for (Change& change : history) {
    vectors.convert(change.dir);
    vectors.convert(change.stp);
  }
}

void LBFGS::State::begin(const Tensor& grad) {
  d = vectors.fresh();
  ops::weighted_sum(-1.0, grad, 0.0, grad, d);
  history.clear();
  h_diag = 1.0;
  h_diag_is_int = true;
}

void LBFGS::State::remember(const Tensor& grad, std::int64_t history_size) {
  const Tensor dir = vectors.fresh();
  ops::weighted_sum(1.0, grad, -1.0, prev_flat_grad, dir);
  const Tensor stp = vectors.fresh();
  ops::weighted_sum(t, d, 0.0, d, stp);
  const double ys = vectors.dot(dir, stp);
  if (!(ys > 1e-10)) return;
  while (static_cast<std::int64_t>(history.size()) >= history_size) history.erase(history.begin());
  history.push_back({dir, stp, 1.0 / ys});
  h_diag = ys / vectors.dot(dir, dir);
  h_diag_is_int = false;
}

Tensor LBFGS::State::direction(const Tensor& grad, std::int64_t history_size) {
  if (al_size == 0) {
    al_size = static_cast<std::size_t>(history_size);
    al_comes_first = !stored;
  }
  al.resize(std::max(al.size(), history.size()));
  al_size = std::max(al_size, al.size());
  Tensor q = vectors.fresh();
  ops::weighted_sum(-1.0, grad, 0.0, grad, q);
  for (std::size_t i = history.size(); i-- > 0;) {
    al[i] = vectors.dot(history[i].stp, q) * history[i].ro;
    ops::weighted_sum(1.0, q, -*al[i], history[i].dir, q);
  }
  ops::weighted_sum(h_diag, q, 0.0, q, q);
  for (std::size_t i = 0; i < history.size(); ++i) {
    const double be = vectors.dot(history[i].dir, q) * history[i].ro;
    ops::weighted_sum(1.0, q, *al[i] - be, history[i].stp, q);
  }
  return q;
}

Dict LBFGS::common_state() const {
  const State& s = *state_;
  if (!s.started) return {};
  Dict dict{{"func_evals", s.func_evals}, {"n_iter", s.n_iter}};
  List al;
  for (const std::optional<double>& value : s.al) {
    al.items.push_back(value ? scalar_like(*value, s.d) : Value());
  }
  al.items.resize(s.al_size);
  if (s.al_comes_first) dict.set("al", al);
  if (s.n_iter == 0) return dict;
  List dirs;
  List stps;
  List ro;
  for (const State::Change& change : s.history) {
    dirs.items.emplace_back(change.dir);
    stps.items.emplace_back(change.stp);
    ro.items.push_back(scalar_like(change.ro, s.d));
  }
  dict.set("d", s.d);
  dict.set("t", s.t);
  dict.set("old_dirs", std::move(dirs));
  dict.set("old_stps", std::move(stps));
  dict.set("ro", std::move(ro));
  dict.set("H_diag", s.h_diag_is_int ? Value(1) : scalar_like(s.h_diag, s.d));
  dict.set("prev_flat_grad", s.prev_flat_grad);
  dict.set("prev_loss", s.prev_loss);
  if (!s.al_comes_first && s.al_size > 0) dict.set("al", std::move(al));
  return dict;
}

std::function<void()> LBFGS::read_common_state(const Dict& state,
                                               std::vector<std::string>& problems) const {
  auto s = std::make_shared<State>();
  EntryReader reader(state, params(0), problems);
  s->started = !state.empty();
  if (s->started) {
    s->func_evals = reader.count("func_evals");
    s->n_iter = reader.count("n_iter");
  }
  if (s->n_iter > 0) {
    s->stored = true;
    s->d = reader.vector("d");
    s->t = reader.number("t");
    const std::vector<Tensor> dirs = reader.vectors("old_dirs");
    const std::vector<Tensor> stps = reader.vectors("old_stps");
    const auto ro = reader.numbers("ro", false);
    if (dirs.size() != stps.size() || dirs.size() != ro.size()) {
      reader.problem(concat("'old_dirs', 'old_stps' and 'ro' must have as many entries, found ",
                            dirs.size(), ", ", stps.size(), " and ", ro.size()));
    } else {
      for (std::size_t i = 0; i < ro.size(); ++i) {
        s->history.push_back({dirs[i], stps[i], ro[i].value_or(0.0)});
      }
    }
    s->h_diag = reader.number("H_diag");
    const Value* const h_diag = state.find("H_diag");
    s->h_diag_is_int = h_diag != nullptr && h_diag->kind() == Value::Kind::integer;
    s->prev_flat_grad = reader.vector("prev_flat_grad");
    s->prev_loss = reader.number("prev_loss");
    if (reader.has("al")) s->al = reader.numbers("al", true);
    s->al_size = s->al.size();
    s->al_comes_first = reader.is_before("al", "d");
  }
  return [this, s] { *state_ = std::move(*s); };
}

}  // namespace wick::optim
