// SPDX-License-Identifier: MIT
// Runs the operations on tensors that ops_parity.py asks for.
#include <map>
#include <optional>
#include <vector>

#include "tests/interop/program.h"
#include "wick/core/ops.h"
#include "wick/core/ops_arithmetic.h"
#include "wick/core/ops_join.h"
#include "wick/core/ops_reduce.h"
#include "wick/kernels/devices.h"

namespace {

using wick::BinaryOp;
using wick::Dict;
using wick::Dims;
using wick::List;
using wick::Scalar;
using wick::Tensor;
using wick::Value;
namespace ops = wick::ops;

// What a call is made from: arguments by name, and where the result goes.
class Call {
 public:
  explicit Call(const Value& request) : request_(request) {}

  [[nodiscard]] std::string text(const char* name) const { return request_.at(name).as_string(); }
  [[nodiscard]] const Tensor& tensor(const char* name) const {
    return request_.at(name).as_tensor();
  }
  [[nodiscard]] bool has(const char* name) const { return request_.contains(name); }
  [[nodiscard]] Scalar number(const char* name) const { return scalar(request_.at(name)); }
  [[nodiscard]] ops::Operand operand(const char* name) const {
    const Value& value = request_.at(name);
    if (value.kind() == Value::Kind::tensor) return value.as_tensor();
    return scalar(value);
  }
  [[nodiscard]] std::optional<ops::Operand> optional(const char* name) const {
    if (!has(name)) return std::nullopt;
    return operand(name);
  }
  [[nodiscard]] std::int64_t dim() const { return request_.at("dim").as_int(); }
  [[nodiscard]] bool keepdim() const { return request_.at("keepdim").as_bool(); }
  [[nodiscard]] ops::ReduceDims dims() const {
    Dims result;
    for (const Value& dim : request_.at("dims").as_list()) result.push_back(dim.as_int());
    return result;
  }
  [[nodiscard]] std::vector<Tensor> tensors() const {
    std::vector<Tensor> result;
    for (const Value& each : request_.at("tensors").as_list()) result.push_back(each.as_tensor());
    return result;
  }

 private:
  static Scalar scalar(const Value& value) {
    if (value.kind() == Value::Kind::boolean) return value.as_bool();
    if (value.kind() == Value::Kind::integer) return value.as_int();
    return value.as_double();
  }
  const Value& request_;
};

List list_of(std::initializer_list<Tensor> tensors) {
  List list;
  for (const Tensor& tensor : tensors) list.items.emplace_back(tensor);
  return list;
}

// Where there is an `out`, that is what was written.
template <typename New, typename Into>
List into_or_new(const Call& call, const New& make, const Into& write) {
  if (!call.has("out")) return list_of({make()});
  write(call.tensor("out"));
  return list_of({call.tensor("out")});
}

List run_binary(const Call& call, BinaryOp op) {
  const ops::Operand a = call.operand("a");
  const ops::Operand b = call.operand("b");
  const Scalar alpha = call.has("alpha") ? call.number("alpha") : Scalar(1);
  return into_or_new(
      call, [&] { return ops::binary(op, a, b, alpha); },
      [&](const Tensor& out) { ops::binary(op, a, b, out, alpha); });
}

List run_reduction(const Call& call, const std::string& name) {
  using New = Tensor (*)(const Tensor&, const ops::ReduceDims&, bool);
  using Into = void (*)(const Tensor&, const ops::ReduceDims&, const Tensor&, bool);
  static const std::map<std::string, std::pair<New, Into>> kReductions = {
      {"sum", {&ops::sum, &ops::sum}},
      {"mean", {&ops::mean, &ops::mean}},
      {"amin", {&ops::amin, &ops::amin}},
      {"amax", {&ops::amax, &ops::amax}}};
  const auto& [make, write] = kReductions.at(name);
  const Tensor& x = call.tensor("a");
  return into_or_new(
      call, [&] { return make(x, call.dims(), call.keepdim()); },
      [&](const Tensor& out) { write(x, call.dims(), out, call.keepdim()); });
}

List run_extreme(const Call& call, bool max) {
  const Tensor& x = call.tensor("a");
  if (!call.has("dim")) return list_of({max ? ops::max(x) : ops::min(x)});
  ops::Extremes found;
  if (call.has("out")) {
    found = {call.tensor("out"), call.tensor("indices")};
    max ? ops::max(x, call.dim(), found, call.keepdim())
        : ops::min(x, call.dim(), found, call.keepdim());
  } else {
    found = max ? ops::max(x, call.dim(), call.keepdim()) : ops::min(x, call.dim(), call.keepdim());
  }
  return list_of({found.values, found.indices});
}

List run_position(const Call& call, bool max) {
  const Tensor& x = call.tensor("a");
  if (!call.has("dim")) return list_of({max ? ops::argmax(x) : ops::argmin(x)});
  return into_or_new(
      call,
      [&] {
        return max ? ops::argmax(x, call.dim(), call.keepdim())
                   : ops::argmin(x, call.dim(), call.keepdim());
      },
      [&](const Tensor& out) {
        max ? ops::argmax(x, call.dim(), out, call.keepdim())
            : ops::argmin(x, call.dim(), out, call.keepdim());
      });
}

List run(const Call& call) {
  const std::string name = call.text("op");
  for (std::size_t op = 0; op < wick::kBinaryOpCount; ++op) {
    if (name == wick::kBinaryNames[op]) return run_binary(call, static_cast<BinaryOp>(op));
  }
  if (name == "sum" || name == "mean" || name == "amin" || name == "amax") {
    return run_reduction(call, name);
  }
  if (name == "min" || name == "max") return run_extreme(call, name == "max");
  if (name == "argmin" || name == "argmax") return run_position(call, name == "argmax");
  if (name == "lerp") {
    return into_or_new(
        call, [&] { return ops::lerp(call.tensor("a"), call.tensor("b"), call.operand("c")); },
        [&](const Tensor& out) {
          ops::lerp(call.tensor("a"), call.tensor("b"), call.operand("c"), out);
        });
  }
  if (name == "clamp") {
    return into_or_new(
        call, [&] { return ops::clamp(call.tensor("a"), call.optional("b"), call.optional("c")); },
        [&](const Tensor& out) {
          ops::clamp(call.tensor("a"), call.optional("b"), call.optional("c"), out);
        });
  }
  if (name == "where") {
    return into_or_new(
        call, [&] { return ops::where(call.tensor("a"), call.operand("b"), call.operand("c")); },
        [&](const Tensor& out) {
          ops::where(call.tensor("a"), call.operand("b"), call.operand("c"), out);
        });
  }
  if (name == "cat" || name == "stack") {
    const std::vector<Tensor> tensors = call.tensors();
    const bool cat = name == "cat";
    return into_or_new(
        call, [&] { return cat ? ops::cat(tensors, call.dim()) : ops::stack(tensors, call.dim()); },
        [&](const Tensor& out) {
          cat ? ops::cat(tensors, call.dim(), out) : ops::stack(tensors, call.dim(), out);
        });
  }
  if (name == "softmax") return list_of({ops::softmax(call.tensor("a"), call.dim())});
  if (name == "log_softmax") return list_of({ops::log_softmax(call.tensor("a"), call.dim())});
  if (name == "bmm") {
    return into_or_new(
        call, [&] { return ops::bmm(call.tensor("a"), call.tensor("b")); },
        [&](const Tensor& out) { ops::bmm(call.tensor("a"), call.tensor("b"), out); });
  }
  if (name == "matmul") {
    return into_or_new(
        call, [&] { return ops::matmul(call.tensor("a"), call.tensor("b")); },
        [&](const Tensor& out) { ops::matmul(call.tensor("a"), call.tensor("b"), out); });
  }
  throw wick::ValueError("no operation " + name);
}

const char* kind_of(const wick::Error& error) {
  if (dynamic_cast<const wick::DTypeError*>(&error) != nullptr) return "DTypeError";
  if (dynamic_cast<const wick::ShapeError*>(&error) != nullptr) return "ShapeError";
  if (dynamic_cast<const wick::IndexError*>(&error) != nullptr) return "IndexError";
  if (dynamic_cast<const wick::ValueError*>(&error) != nullptr) return "ValueError";
  return "Error";
}

// A list of calls to a list of their results: lists of tensors, or what was thrown.
Value run_all(const Value& request) {
  wick::set_num_threads(static_cast<int>(request.at("threads").as_int()));
  List answers;
  for (const Value& item : request.at("calls").as_list()) {
    Dict answer;
    try {
      answer.set("results", run(Call(item)));
    } catch (const wick::Error& error) {
      answer.set("error", kind_of(error));
      answer.set("message", error.what());
    }
    answers.items.emplace_back(std::move(answer));
  }
  return answers;
}

}  // namespace

int main(int argc, char** arguments) {
  return wick::testing::run_program(argc, arguments, {{"run", run_all}});
}
