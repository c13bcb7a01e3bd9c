// SPDX-License-Identifier: MIT
#include "tests/optim/reference.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <stdexcept>

#include "tests/fixture_file.h"
#include "wick/optim/adam.h"
#include "wick/optim/sgd.h"

namespace wick::testing {
namespace {

const std::vector<Dims>& shapes() {
  static const std::vector<Dims> kShapes = {{3, 2}, {5}, {4, 1, 2}, {1}};
  return kShapes;
}

double weight(int p, int j) {
  return ((p * 13 + j * 5) % 17 - 8) / 8.0;
}
double gradient(int step, int p, int j) {
  return ((step * 7 + p * 5 + j * 3) % 11 - 5) / 16.0;
}
bool has_gradient(int step, int p, bool skipping) {
  return !skipping || (p != 2 && (step + p) % 3 != 1);
}

double relative_error(double got, double want) {
  if (std::isnan(got) || std::isnan(want)) return std::numeric_limits<double>::infinity();
  return std::abs(got - want) / std::max(1.0, std::abs(want));
}

template <typename Options>
Options common_options(const Json& encoded) {
  Options options;
  for (const Json& entry : encoded.at("dict")) {
    const std::string key = entry.at(0);
    const Json& value = entry.at(1);
    if (key == "lr") {
      options.lr = value;
    } else if (key == "weight_decay") {
      options.weight_decay = value;
    } else if (key == "maximize") {
      options.maximize = value;
    } else if constexpr (std::is_same_v<Options, optim::SGDOptions>) {
      if (key == "momentum") {
        options.momentum = value;
      } else if (key == "dampening") {
        options.dampening = value;
      } else if (key == "nesterov") {
        options.nesterov = value;
      } else {
        throw std::runtime_error("unknown option " + key);
      }
    } else {
      if (key == "betas") {
        options.beta1 = value.at("tuple").at(0);
        options.beta2 = value.at("tuple").at(1);
      } else if (key == "eps") {
        options.eps = value;
      } else if (key == "amsgrad") {
        options.amsgrad = value;
      } else {
        throw std::runtime_error("unknown option " + key);
      }
    }
  }
  return options;
}

template <typename Class, typename Options>
std::unique_ptr<optim::Optimizer> make(const Json& c, const std::vector<ParameterPtr>& params) {
  if (c.at("groups").is_null()) {
    return std::make_unique<Class>(params, common_options<Options>(c.at("options")));
  }
  std::vector<typename Class::Group> groups;
  for (const Json& group : c.at("groups")) {
    Json merged = c.at("options");
    for (const Json& entry : group.at(1).at("dict")) merged.at("dict").push_back(entry);
    typename Class::Group made;
    made.options = common_options<Options>(merged);
    for (const Json& index : group.at(0)) made.params.push_back(params.at(index));
    groups.push_back(std::move(made));
  }
  return std::make_unique<Class>(std::move(groups));
}

std::string tensor_difference(const Tensor& got, const Tensor& want, double tolerance) {
  if (got.dtype() != want.dtype()) return concat("dtype ", got.dtype(), ", want ", want.dtype());
  if (got.shape() != want.shape()) return concat("shape ", got.shape(), ", want ", want.shape());
  const auto a = got.to(DType::float64).to_vector<double>();
  const auto b = want.to(DType::float64).to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!(relative_error(a[i], b[i]) <= tolerance)) {
      return concat("element ", i, " is ", a[i], ", want ", b[i]);
    }
  }
  return {};
}

std::string sequence_difference(const Value& got, const Value& want, double tolerance,
                                const std::string& path) {
  const std::vector<Value>& a = got.as_sequence();
  const std::vector<Value>& b = want.as_sequence();
  if (a.size() != b.size()) return concat(path, ": ", a.size(), " items, want ", b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::string found = difference(a[i], b[i], tolerance, concat(path, "[", i, "]"));
    if (!found.empty()) return found;
  }
  return {};
}

std::string dict_difference(const Dict& got, const Dict& want, double tolerance,
                            const std::string& path) {
  if (got.size() != want.size()) {
    return concat(path, ": ", got.size(), " keys, want ", want.size());
  }
  auto expected = want.begin();
  for (const auto& [key, value] : got) {
    if (key.kind() != expected->first.kind() || !(key == expected->first)) {
      return path + ": another key, or in another place";
    }
    const std::string name =
        key.kind() == Value::Kind::string ? key.as_string() : std::to_string(key.as_int());
    std::string found = difference(value, expected->second, tolerance, path + "/" + name);
    if (!found.empty()) return found;
    ++expected;
  }
  return {};
}

}  // namespace

const Json& reference() {
  static const Json kReference = [] {
    std::ifstream file(fixture_file("optim/reference.json"));
    return Json::parse(file);
  }();
  return kReference;
}

const Json& reference_case(const char* list, const std::string& name) {
  for (const Json& c : reference().at(list)) {
    if (c.at("name") == name) return c;
  }
  throw std::runtime_error("reference.json has no case " + name);
}

Value decode(const Json& json) {
  if (json.is_null()) return {};
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (json.is_number_float()) return json.get<double>();
  if (json.is_string()) return json.get<std::string>();
  if (json.is_array()) {
    List list;
    for (const Json& item : json) list.items.push_back(decode(item));
    return list;
  }
  if (json.contains("tuple")) {
    Tuple tuple;
    for (const Json& item : json.at("tuple")) tuple.items.push_back(decode(item));
    return tuple;
  }
  if (json.contains("dict")) {
    Dict dict;
    for (const Json& entry : json.at("dict")) dict.set(decode(entry.at(0)), decode(entry.at(1)));
    return dict;
  }
  const auto sizes = json.at("shape").get<std::vector<std::int64_t>>();
  const auto values = json.at("values").get<std::vector<double>>();
  return Tensor::from(values, Dims(std::span<const std::int64_t>(sizes)))
      .to(dtype_from_name(json.at("tensor").get<std::string>()).value());
}

std::string difference(const Value& got, const Value& want, double tolerance,
                       const std::string& path) {
  if (got.kind() != want.kind()) {
    return concat(path, ": is ", got.kind_name(), ", want ", want.kind_name());
  }
  switch (want.kind()) {
    case Value::Kind::tensor: {
      const std::string found = tensor_difference(got.as_tensor(), want.as_tensor(), tolerance);
      return found.empty() ? found : path + ": " + found;
    }
    case Value::Kind::list:
    case Value::Kind::tuple: return sequence_difference(got, want, tolerance, path);
    case Value::Kind::dict: return dict_difference(got.as_dict(), want.as_dict(), tolerance, path);
    default: return got == want ? std::string() : path + ": another value";
  }
}

std::vector<ParameterPtr> make_params(DType dtype) {
  std::vector<ParameterPtr> params;
  for (int p = 0; p < static_cast<int>(shapes().size()); ++p) {
    const Dims& shape = shapes()[static_cast<std::size_t>(p)];
    std::vector<double> values;
    for (int j = 0; j < element_count(shape); ++j) values.push_back(weight(p, j));
    params.push_back(make_parameter(Tensor::from(values, shape).to(dtype)));
  }
  return params;
}

void set_gradients(const std::vector<ParameterPtr>& params, int step, bool skipping) {
  for (int p = 0; p < static_cast<int>(params.size()); ++p) {
    Parameter& param = *params[static_cast<std::size_t>(p)];
    param.has_grad = has_gradient(step, p, skipping);
    if (!param.has_grad) {
      param.grad.fill_(std::numeric_limits<double>::quiet_NaN());
      continue;
    }
    std::vector<double> values;
    for (int j = 0; j < param.grad.numel(); ++j) values.push_back(gradient(step, p, j));
    param.grad.copy_(Tensor::from(values, param.grad.shape()));
  }
}

std::unique_ptr<optim::Optimizer> make_optimizer(const Json& c,
                                                 const std::vector<ParameterPtr>& params) {
  const std::string name = c.at("class");
  if (name == "SGD") return make<optim::SGD, optim::SGDOptions>(c, params);
  if (name == "Adam") return make<optim::Adam, optim::AdamOptions>(c, params);
  if (name == "AdamW") return make<optim::AdamW, optim::AdamWOptions>(c, params);
  throw std::runtime_error("unknown optimizer " + name);
}

DType dtype_of_case(const Json& c) {
  return dtype_from_name(c.at("dtype").get<std::string>()).value();
}

double largest_error(const std::vector<ParameterPtr>& params, const Json& want) {
  double largest = 0.0;
  for (std::size_t p = 0; p < params.size(); ++p) {
    const auto got = params[p]->value.to(DType::float64).to_vector<double>();
    const auto expected = want.at(p).get<std::vector<double>>();
    if (got.size() != expected.size()) throw std::runtime_error("another number of elements");
    for (std::size_t j = 0; j < got.size(); ++j) {
      largest = std::max(largest, relative_error(got[j], expected[j]));
    }
  }
  return largest;
}

}  // namespace wick::testing
