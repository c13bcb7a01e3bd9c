// SPDX-License-Identifier: MIT
#include "nn/make_module.h"

#include <algorithm>
#include <array>

#include "core/error.h"
#include "nn/layers/activation.h"
#include "nn/layers/dropout.h"
#include "nn/layers/embedding.h"
#include "nn/layers/prelu.h"
#include "nn/layers/reshape.h"
#include "nn/layers/softmax.h"
#include "nn/linear.h"
#include "nn/module_options.h"

namespace wick::nn {
namespace {

using ModulePtr = std::unique_ptr<Module>;

struct Row {
  std::string_view name;
  ModulePtr (*make)(ModuleOptions& options, Generator& generator);
};

// A layer without arguments but, in some, `inplace`.
template <typename Layer>
ModulePtr plain(ModuleOptions& options, Generator& /*generator*/) {
  options.ignore("inplace");
  return std::make_unique<Layer>();
}

// One number, called as PyTorch calls it.
template <typename Layer>
ModulePtr with_number(ModuleOptions& options, std::string_view key, double otherwise) {
  options.ignore("inplace");
  return std::make_unique<Layer>(options.number(key, otherwise));
}

template <typename Layer>
ModulePtr softmax(ModuleOptions& options, Generator& /*generator*/) {
  return std::make_unique<Layer>(options.integer("dim"));
}

ModulePtr dropout(ModuleOptions& options, Generator& generator) {
  options.ignore("inplace");
  return std::make_unique<Dropout>(generator, options.number("p", 0.5));
}

ModulePtr embedding(ModuleOptions& options, Generator& generator) {
  const std::int64_t rows = options.integer("num_embeddings");
  const std::int64_t size = options.integer("embedding_dim");
  const EmbeddingOptions more{options.optional_integer("padding_idx"), options.dtype(),
                              options.device()};
  options.require_all_taken();
  return std::make_unique<Embedding>(rows, size, generator, more);
}

ModulePtr linear(ModuleOptions& options, Generator& generator) {
  const std::int64_t inputs = options.integer("in_features");
  const std::int64_t outputs = options.integer("out_features");
  const LinearOptions more{options.flag("bias", true), options.dtype(), options.device()};
  // Before anything is drawn.
  options.require_all_taken();
  return std::make_unique<Linear>(inputs, outputs, generator, more);
}

ModulePtr prelu(ModuleOptions& options, Generator& /*generator*/) {
  const std::int64_t count = options.integer("num_parameters", 1);
  const double init = options.number("init", 0.25);
  return std::make_unique<PReLU>(count, init, PReLUOptions{options.dtype(), options.device()});
}

// Sorted by name.
constexpr auto kRows = std::to_array<Row>({
    {"CELU",
     [](ModuleOptions& options, Generator&) { return with_number<CELU>(options, "alpha", 1.0); }},
    {"Dropout", dropout},
    {"ELU",
     [](ModuleOptions& options, Generator&) { return with_number<ELU>(options, "alpha", 1.0); }},
    {"Embedding", embedding},
    {"Flatten",
     [](ModuleOptions& options, Generator&) -> ModulePtr {
       const std::int64_t start = options.integer("start_dim", 1);
       return std::make_unique<Flatten>(start, options.integer("end_dim", -1));
     }},
    {"GELU",
     [](ModuleOptions& options, Generator&) -> ModulePtr {
       return std::make_unique<GELU>(options.text("approximate", "none"));
     }},
    {"Hardsigmoid", plain<Hardsigmoid>},
    {"Hardswish", plain<Hardswish>},
    {"Hardtanh",
     [](ModuleOptions& options, Generator&) -> ModulePtr {
       options.ignore("inplace");
       const double low = options.number("min_val", -1.0);
       return std::make_unique<Hardtanh>(low, options.number("max_val", 1.0));
     }},
    {"Identity", plain<Identity>},
    {"LeakyReLU",
     [](ModuleOptions& options, Generator&) {
       return with_number<LeakyReLU>(options, "negative_slope", 0.01);
     }},
    {"Linear", linear},
    {"LogSigmoid", plain<LogSigmoid>},
    {"LogSoftmax", softmax<LogSoftmax>},
    {"Mish", plain<Mish>},
    {"PReLU", prelu},
    {"ReLU", plain<ReLU>},
    {"ReLU6", plain<ReLU6>},
    {"SELU", plain<SELU>},
    {"SiLU", plain<SiLU>},
    {"Sigmoid", plain<Sigmoid>},
    {"Softmax", softmax<Softmax>},
    {"Softplus",
     [](ModuleOptions& options, Generator&) -> ModulePtr {
       const double beta = options.number("beta", 1.0);
       return std::make_unique<Softplus>(beta, options.number("threshold", 20.0));
     }},
    {"Softsign", plain<Softsign>},
    {"Tanh", plain<Tanh>},
    {"Unflatten",
     [](ModuleOptions& options, Generator&) -> ModulePtr {
       const std::int64_t dim = options.integer("dim");
       return std::make_unique<Unflatten>(dim, options.sizes("unflattened_size"));
     }},
});
static_assert(std::ranges::is_sorted(kRows, {}, &Row::name));

}  // namespace

std::unique_ptr<Module> make_module(std::string_view type_name, const Dict& options,
                                    Generator& generator) {
  const auto row = std::ranges::find(kRows, type_name, &Row::name);
  if (row == kRows.end()) {
    std::string names;
    for (const Row& each : kRows) names += concat(names.empty() ? "" : ", ", each.name);
    throw ValueError(
        concat("make_module: there is no layer \"", type_name, "\"; there are ", names));
  }
  ModuleOptions reader(row->name, options);
  ModulePtr result = row->make(reader, generator);
  reader.require_all_taken();
  return result;
}

std::vector<std::string_view> module_names() {
  std::vector<std::string_view> names;
  names.reserve(std::size(kRows));
  for (const Row& row : kRows) names.push_back(row.name);
  return names;
}

}  // namespace wick::nn
