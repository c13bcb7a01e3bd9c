// SPDX-License-Identifier: MIT
// Modules: running them, and their parameters.
#include <string_view>

#include "bindings/c/objects.h"
#include "wick/c/module.h"
#include "wick/core/state_dict.h"
#include "wick/nn/no_grad.h"
#include "wick/optim/clip_grad.h"

namespace {

using namespace wick;
using namespace wick::c;

template <typename Work>
wick_status with_module(const char* function, wick_module* module, Work&& work) {
  return call(function, [&] { work(*Pinned<ModuleEntry>(module, "module")->module); });
}

// The same of a function that leaves a new handle: NULL, whatever fails.
template <typename T, typename Work>
wick_status derive(const char* function, wick_module* module, typename T::Handle** result,
                   const char* argument, Work&& work) {
  return call(function, [&] {
    const Result<T> to(result, argument);
    put(to, work(*Pinned<ModuleEntry>(module, "module")->module));
  });
}

// A parameter by its dotted name.
ParameterPtr find_parameter(const nn::Module& module, const char* name) {
  const std::string_view wanted = require(name, "name");
  const auto all = module.named_parameters();
  for (const auto& [each, parameter] : all) {
    if (each == wanted) return parameter;
  }
  std::string names;
  for (const auto& [each, parameter] : all) names += concat(names.empty() ? "" : ", ", each);
  throw ValueError(
      concat("there is no parameter \"", wanted, "\"; there are ", names.empty() ? "none" : names));
}

}  // namespace

wick_status wick_module_forward(wick_module* module, wick_tensor* input, wick_tensor** output) {
  return derive<TensorEntry>(__func__, module, output, "output", [&](nn::Module& m) {
    return m.forward(Pinned<TensorEntry>(input, "input")->tensor);
  });
}

wick_status wick_module_predict(wick_module* module, wick_tensor* input, wick_tensor** output) {
  return derive<TensorEntry>(__func__, module, output, "output", [&](nn::Module& m) {
    const nn::NoGradGuard guard;
    return m.forward(Pinned<TensorEntry>(input, "input")->tensor);
  });
}

wick_status wick_module_backward(wick_module* module, wick_tensor* grad_output,
                                 wick_tensor** grad_input) {
  if (grad_input == nullptr) {
    return with_module(__func__, module, [&](nn::Module& m) {
      (void)m.backward(Pinned<TensorEntry>(grad_output, "grad_output")->tensor, false);
    });
  }
  return derive<TensorEntry>(__func__, module, grad_input, "grad_input", [&](nn::Module& m) {
    return m.backward(Pinned<TensorEntry>(grad_output, "grad_output")->tensor);
  });
}

wick_status wick_module_zero_grad(wick_module* module) {
  return with_module(__func__, module, [](nn::Module& m) { m.zero_grad(); });
}

wick_status wick_module_train(wick_module* module, int on) {
  return with_module(__func__, module, [&](nn::Module& m) { m.train(on != 0); });
}

wick_status wick_module_is_training(wick_module* module, int* training) {
  return with_module(__func__, module, [&](nn::Module& m) {
    *require(training, "training") = m.is_training() ? 1 : 0;
  });
}

wick_status wick_module_to_device(wick_module* module, const char* device) {
  return with_module(__func__, module, [&](nn::Module& m) { m.to(device_of(device)); });
}

wick_status wick_module_to_dtype(wick_module* module, wick_dtype dtype) {
  return with_module(__func__, module, [&](nn::Module& m) { m.to(dtype_of_number(dtype)); });
}

wick_status wick_module_autocast(wick_module* module, wick_dtype dtype) {
  return with_module(__func__, module, [&](nn::Module& m) { m.autocast(dtype_of_number(dtype)); });
}

wick_status wick_module_state_dict(wick_module* module, wick_value** result) {
  return derive<ValueEntry>(__func__, module, result, "result",
                            [](nn::Module& m) { return m.state_dict().to_value(); });
}

wick_status wick_module_load_state_dict(wick_module* module, wick_value* state, int strict) {
  return with_module(__func__, module, [&](nn::Module& m) {
    const Pinned<ValueEntry> of(state, "state");
    (void)m.load_state_dict(StateDict::from_value(of->value), strict != 0);
  });
}

wick_status wick_module_parameter_count(wick_module* module, size_t* count) {
  return with_module(__func__, module, [&](nn::Module& m) {
    *require(count, "count") = m.named_parameters().size();
  });
}

wick_status wick_module_parameter_name(wick_module* module, size_t index, const char** name) {
  return call(__func__, [&] {
    require(name, "name");
    const Pinned<ModuleEntry> of(module, "module");
    const auto parameters = of->module->named_parameters();
    if (index >= parameters.size()) {
      throw IndexError(
          concat("the index ", index, " is outside the ", parameters.size(), " parameters"));
    }
    of->text = parameters[index].first;
    *name = of->text.c_str();
  });
}

wick_status wick_module_parameter(wick_module* module, const char* name, wick_tensor** result) {
  return derive<TensorEntry>(__func__, module, result, "result",
                             [&](nn::Module& m) { return find_parameter(m, name)->value; });
}

wick_status wick_module_grad(wick_module* module, const char* name, wick_tensor** result) {
  return derive<TensorEntry>(__func__, module, result, "result", [&](nn::Module& m) {
    const ParameterPtr parameter = find_parameter(m, name);
    if (!parameter->has_grad) {
      throw ValueError(concat("the parameter \"", name,
                              "\" has no gradient; call wick_module_backward() first"));
    }
    return parameter->grad;
  });
}

wick_status wick_module_requires_grad(wick_module* module, const char* prefix, int requires_grad) {
  return with_module(__func__, module, [&](nn::Module& m) {
    const std::string_view begin = prefix == nullptr ? "" : prefix;
    bool found = begin.empty();
    for (const auto& [name, parameter] : m.named_parameters()) {
      if (!name.starts_with(begin)) continue;
      parameter->requires_grad = requires_grad != 0;
      found = true;
    }
    if (!found) throw ValueError(concat("no name of a parameter begins with \"", begin, "\""));
  });
}

wick_status wick_module_clip_grad_norm(wick_module* module, double max_norm, double* norm) {
  return with_module(__func__, module, [&](nn::Module& m) {
    const Tensor found = optim::clip_grad_norm_(m.parameters(), max_norm);
    if (norm != nullptr) *norm = found.to(kCpu).to(DType::float64).item<double>();
  });
}
