// SPDX-License-Identifier: MIT
#include "wick/nn/make_module.h"

#include <algorithm>
#include <array>

#include "nn/image_modules.h"
#include "nn/make_sequence_modules.h"
#include "nn/module_options.h"
#include "wick/core/error.h"
#include "wick/nn/layers/activation.h"
#include "wick/nn/layers/batch_norm.h"
#include "wick/nn/layers/dropout.h"
#include "wick/nn/layers/embedding.h"
#include "wick/nn/layers/linear.h"
#include "wick/nn/layers/norm.h"
#include "wick/nn/layers/prelu.h"
#include "wick/nn/layers/reshape.h"
#include "wick/nn/layers/softmax.h"

namespace wick::nn {
namespace {

using ModulePtr = std::unique_ptr<Module>;

struct Row {
  std::string_view name;
  // A null generator is the default one.
  ModulePtr (*make)(ModuleOptions& options, Generator* generator);
};

// A layer without arguments.
template <typename Layer>
ModulePtr plain(ModuleOptions& /*options*/, Generator* /*generator*/) {
  return std::make_unique<Layer>();
}

template <typename Layer>
ModulePtr in_place(ModuleOptions& options, Generator* generator) {
  options.ignore("inplace");
  return plain<Layer>(options, generator);
}

// One number, called as PyTorch calls it.
template <typename Layer>
ModulePtr with_number(ModuleOptions& options, std::string_view key, double otherwise) {
  options.ignore("inplace");
  return std::make_unique<Layer>(options.number(key, otherwise));
}

template <typename Layer>
ModulePtr softmax(ModuleOptions& options, Generator* /*generator*/) {
  return std::make_unique<Layer>(options.integer("dim"));
}

ModulePtr dropout(ModuleOptions& options, Generator* generator) {
  options.ignore("inplace");
  const double p = options.number("p", 0.5);
  return generator == nullptr ? std::make_unique<Dropout>(p)
                              : std::make_unique<Dropout>(*generator, p);
}

ModulePtr embedding(ModuleOptions& options, Generator* generator) {
  const std::int64_t rows = options.integer("num_embeddings");
  const std::int64_t size = options.integer("embedding_dim");
  const EmbeddingOptions more{options.optional_integer("padding_idx"), options.dtype(),
                              options.device()};
  options.require_only("max_norm", nullptr);
  options.ignore("norm_type");  // of max_norm
  options.require_only("scale_grad_by_freq", false);
  options.require_only("sparse", false);
  options.require_only("_weight", nullptr);
  options.require_only("_freeze", false);
  options.require_all_taken();
  return generator == nullptr ? std::make_unique<Embedding>(rows, size, more)
                              : std::make_unique<Embedding>(rows, size, *generator, more);
}

ModulePtr linear(ModuleOptions& options, Generator* generator) {
  const std::int64_t inputs = options.integer("in_features");
  const std::int64_t outputs = options.integer("out_features");
  const LinearOptions more{options.flag("bias", true), options.dtype(), options.device()};
  // Before anything is drawn.
  options.require_all_taken();
  return generator == nullptr ? std::make_unique<Linear>(inputs, outputs, more)
                              : std::make_unique<Linear>(inputs, outputs, *generator, more);
}

ModulePtr prelu(ModuleOptions& options, Generator* /*generator*/) {
  const std::int64_t count = options.integer("num_parameters", 1);
  const double init = options.number("init", 0.25);
  return std::make_unique<PReLU>(count, init, PReLUOptions{options.dtype(), options.device()});
}

// What the options of all normalisations have.
template <typename Options>
void read_common(ModuleOptions& options, Options& result) {
  result.dtype = options.dtype();
  result.device = options.device();
  if constexpr (requires { result.affine; }) result.affine = options.flag("affine", result.affine);
  if constexpr (requires { result.bias; }) result.bias = options.flag("bias", result.bias);
  if constexpr (requires { result.elementwise_affine; }) {
    result.elementwise_affine = options.flag("elementwise_affine", result.elementwise_affine);
  }
  if constexpr (requires { result.track_running_stats; }) {
    result.track_running_stats = options.flag("track_running_stats", result.track_running_stats);
  }
}

template <typename Layer>
ModulePtr batch_norm(ModuleOptions& options, Generator* /*generator*/) {
  const std::int64_t features = options.integer("num_features");
  BatchNormOptions more;
  more.eps = options.number("eps", more.eps);
  more.momentum = options.optional_number("momentum", more.momentum);
  read_common(options, more);
  return std::make_unique<Layer>(features, more);
}

ModulePtr instance_norm(ModuleOptions& options, Generator* /*generator*/) {
  const std::int64_t features = options.integer("num_features");
  InstanceNormOptions more;
  more.eps = options.number("eps", more.eps);
  // None leaves the running statistics as they are.
  more.momentum = options.optional_number("momentum", more.momentum).value_or(0.0);
  read_common(options, more);
  return std::make_unique<InstanceNorm2d>(features, more);
}

ModulePtr group_norm(ModuleOptions& options, Generator* /*generator*/) {
  const std::int64_t groups = options.integer("num_groups");
  const std::int64_t channels = options.integer("num_channels");
  GroupNormOptions more;
  more.eps = options.number("eps", more.eps);
  read_common(options, more);
  return std::make_unique<GroupNorm>(groups, channels, more);
}

ModulePtr layer_norm(ModuleOptions& options, Generator* /*generator*/) {
  const Dims shape = options.sizes("normalized_shape");
  LayerNormOptions more;
  more.eps = options.number("eps", more.eps);
  read_common(options, more);
  return std::make_unique<LayerNorm>(shape, more);
}

ModulePtr rms_norm(ModuleOptions& options, Generator* /*generator*/) {
  const Dims shape = options.sizes("normalized_shape");
  RMSNormOptions more;
  more.eps = options.optional_number("eps", more.eps);
  read_common(options, more);
  return std::make_unique<RMSNorm>(shape, more);
}

// Sorted by name.
constexpr auto kRows = std::to_array<Row>({
    {"AdaptiveAvgPool1d", make_adaptive_avg_pool1d},
    {"AdaptiveAvgPool2d", make_adaptive_avg_pool2d},
    {"AdaptiveMaxPool2d", make_adaptive_max_pool2d},
    {"AvgPool1d", make_avg_pool1d},
    {"AvgPool2d", make_avg_pool2d},
    {"BatchNorm1d", batch_norm<BatchNorm1d>},
    {"BatchNorm2d", batch_norm<BatchNorm2d>},
    {"CELU",
     [](ModuleOptions& options, Generator*) { return with_number<CELU>(options, "alpha", 1.0); }},
    {"Conv1d", make_conv1d},
    {"Conv2d", make_conv2d},
    {"ConvTranspose1d", make_conv_transpose1d},
    {"ConvTranspose2d", make_conv_transpose2d},
    {"Dropout", dropout},
    {"ELU",
     [](ModuleOptions& options, Generator*) { return with_number<ELU>(options, "alpha", 1.0); }},
    {"Embedding", embedding},
    {"Flatten",
     [](ModuleOptions& options, Generator*) -> ModulePtr {
       const std::int64_t start = options.integer("start_dim", 1);
       return std::make_unique<Flatten>(start, options.integer("end_dim", -1));
     }},
    {"GELU",
     [](ModuleOptions& options, Generator*) -> ModulePtr {
       return std::make_unique<GELU>(options.text("approximate", "none"));
     }},
    {"GRU", make_gru},
    {"GRUCell", make_gru_cell},
    {"GroupNorm", group_norm},
    {"Hardsigmoid", in_place<Hardsigmoid>},
    {"Hardswish", in_place<Hardswish>},
    {"Hardtanh",
     [](ModuleOptions& options, Generator*) -> ModulePtr {
       options.ignore("inplace");
       options.require_only("min_value", nullptr);  // old names
       options.require_only("max_value", nullptr);
       const double low = options.number("min_val", -1.0);
       return std::make_unique<Hardtanh>(low, options.number("max_val", 1.0));
     }},
    {"Identity", plain<Identity>},
    {"InstanceNorm2d", instance_norm},
    {"LSTM", make_lstm},
    {"LSTMCell", make_lstm_cell},
    {"LayerNorm", layer_norm},
    {"LeakyReLU",
     [](ModuleOptions& options, Generator*) {
       return with_number<LeakyReLU>(options, "negative_slope", 0.01);
     }},
    {"Linear", linear},
    {"LogSigmoid", plain<LogSigmoid>},
    {"LogSoftmax", softmax<LogSoftmax>},
    {"MaxPool1d", make_max_pool1d},
    {"MaxPool2d", make_max_pool2d},
    {"Mish", in_place<Mish>},
    {"MultiheadAttention", make_multihead_attention},
    {"PReLU", prelu},
    {"PixelShuffle", make_pixel_shuffle},
    {"RMSNorm", rms_norm},
    {"RNN", make_rnn},
    {"RNNCell", make_rnn_cell},
    {"ReLU", in_place<ReLU>},
    {"ReLU6", in_place<ReLU6>},
    {"SELU", in_place<SELU>},
    {"SiLU", in_place<SiLU>},
    {"Sigmoid", plain<Sigmoid>},
    {"Softmax", softmax<Softmax>},
    {"Softplus",
     [](ModuleOptions& options, Generator*) -> ModulePtr {
       const double beta = options.number("beta", 1.0);
       return std::make_unique<Softplus>(beta, options.number("threshold", 20.0));
     }},
    {"Softsign", plain<Softsign>},
    {"Tanh", plain<Tanh>},
    {"TransformerEncoderLayer", make_transformer_encoder_layer},
    {"Unflatten",
     [](ModuleOptions& options, Generator*) -> ModulePtr {
       const std::int64_t dim = options.integer("dim");
       return std::make_unique<Unflatten>(dim, options.sizes("unflattened_size"));
     }},
    {"Upsample", make_upsample},
    {"ZeroPad2d", make_zero_pad2d},
});
static_assert(std::ranges::is_sorted(kRows, {}, &Row::name));

ModulePtr make(std::string_view type_name, const Dict& options, Generator* generator) {
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

}  // namespace

std::unique_ptr<Module> make_module(std::string_view type_name, const Dict& options,
                                    Generator& generator) {
  return make(type_name, options, &generator);
}

std::unique_ptr<Module> make_module(std::string_view type_name, const Dict& options) {
  return make(type_name, options, nullptr);
}

std::vector<std::string_view> module_names() {
  std::vector<std::string_view> names;
  names.reserve(kRows.size());
  for (const Row& row : kRows) names.push_back(row.name);
  return names;
}

}  // namespace wick::nn
