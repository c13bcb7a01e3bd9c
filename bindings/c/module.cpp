// SPDX-License-Identifier: MIT
// Modules: making them.
#include "wick/c/module.h"

#include <memory>
#include <string>
#include <utility>

#include "bindings/c/objects.h"
#include "bindings/c/options.h"
#include "wick/core/state_dict.h"
#include "wick/nn/make_module.h"
#include "wick/nn/residual.h"

namespace {

using namespace wick;
using namespace wick::c;

// What a module's constructor throws for a name, before it has taken the module.
void require_child_name(const std::string& name) {
  if (name.empty()) throw ValueError("the name of a module must not be empty");
  if (name.find('.') != std::string::npos) {
    throw ValueError(concat("the name \"", name, "\" of a module must have no dot"));
  }
}

// Moves a module into another one; nothing throws from here on but the lack of memory.
std::unique_ptr<nn::Module> take(ModuleEntry& from, ModuleEntry& into) {
  into.generators.insert(into.generators.end(), from.generators.begin(), from.generators.end());
  from.sequential = nullptr;
  return std::move(from.module);
}

std::unique_ptr<ModuleEntry> sequential_object(std::unique_ptr<nn::Sequential> sequential) {
  auto object = std::make_unique<ModuleEntry>();
  object->sequential = sequential.get();
  object->module = std::move(sequential);
  return object;
}

}  // namespace

wick_status wick_module_create(const char* name, const char* arguments, wick_value* options,
                               wick_generator* generator, wick_module** result) {
  return call(__func__, [&] {
    const Result<ModuleEntry> to(result);
    require(name, "name");
    const Dict given = merge_options(arguments, options);
    auto object = std::make_unique<ModuleEntry>();
    if (generator == nullptr) {
      object->module = nn::make_module(name, given);
    } else {
      const Pinned<GeneratorEntry> of(generator, "generator");
      object->generators.push_back(of->generator);
      object->module = nn::make_module(name, given, *of->generator);
    }
    to = std::move(object);
  });
}

const char* wick_module_name(size_t index) {
  static const auto names = nn::module_names();
  return index < names.size() ? names[index].data() : nullptr;  // of literals
}

wick_status wick_sequential_create(wick_module** result) {
  return call(__func__, [&] {
    const Result<ModuleEntry> to(result);
    to = sequential_object(std::make_unique<nn::Sequential>());
  });
}

wick_status wick_sequential_append(wick_module* sequential, const char* name, wick_module* module) {
  return call(__func__, [&] {
    const Pinned<ModuleEntry> into(sequential, "sequential");
    if (sequential == module) throw ValueError("a Sequential cannot contain itself");
    const Pinned<ModuleEntry> from(module, "module");
    const std::string key = require(name, "name");
    if (into->sequential == nullptr) {
      throw ValueError(concat("the module ", into->module->description(),
                              " is no Sequential; see wick_sequential_create()"));
    }
    require_child_name(key);
    for (const auto& [taken, child] : into->module->children()) {
      if (taken == key) throw ValueError(concat("the name \"", key, "\" is taken"));
    }
    into->sequential->append(key, take(*from, *into));
    Registry::instance().free(module);
  });
}

wick_status wick_sequential_from_state_dict(wick_value* state, const char* activation,
                                            wick_module** result) {
  return call(__func__, [&] {
    const Result<ModuleEntry> to(result);
    const Pinned<ValueEntry> of(state, "state");
    to = sequential_object(nn::Sequential::from_state_dict(StateDict::from_value(of->value),
                                                           require(activation, "activation")));
  });
}

wick_status wick_residual_create(const char* name, wick_module* module, wick_module** result) {
  return call(__func__, [&] {
    const Result<ModuleEntry> to(result);
    const std::string key = require(name, "name");
    require_child_name(key);
    const Pinned<ModuleEntry> from(module, "module");
    auto object = std::make_unique<ModuleEntry>();
    object->module = std::make_unique<nn::Residual>(key, take(*from, *object));
    Registry::instance().free(module);
    to = std::move(object);
  });
}

wick_status wick_module_clone(wick_module* module, wick_module** result) {
  return call(__func__, [&] {
    const Result<ModuleEntry> to(result);
    const Pinned<ModuleEntry> from(module, "module");
    auto object = std::make_unique<ModuleEntry>();
    if (from->sequential != nullptr) {
      object = sequential_object(nn::clone(*from->sequential));
    } else {
      object->module = from->module->clone();
    }
    object->generators = from->generators;
    to = std::move(object);
  });
}

wick_status wick_module_description(wick_module* module, const char** text) {
  return call(__func__, [&] {
    require(text, "text");
    const Pinned<ModuleEntry> of(module, "module");
    of->text = of->module->description();
    *text = of->text.c_str();
  });
}
