// SPDX-License-Identifier: MIT
// Everything that decides the numbers of a training run; kept in its checkpoints.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "wick/core/value.h"

namespace wick::tools {

struct TrainConfig {
  std::string data;                        // absolute_data() of --data
  std::vector<std::int64_t> model = {32};  // sizes of the hidden layers, at least one
  std::int64_t epochs = 5;
  std::int64_t batch_size = 32;
  std::string optimizer = "adam";  // one of optimizer_names()
  double lr = 1e-3;
  double momentum = 0.0;               // of SGD and RMSprop
  bool nesterov = false;               // of SGD
  std::optional<double> weight_decay;  // none: the optimizer's own default
  std::string scheduler = "cosine";    // one of scheduler_names()
  std::int64_t step_size = 1;  // epochs between two drops of "step", or in a cycle of "restarts"
  double gamma = 0.1;          // factor of each drop of "step" and "multistep", or of an epoch
  std::vector<std::int64_t> milestones = {};  // epochs before the drops of "multistep"
  double power = 1.0;                         // of "polynomial"
  double clip_grad_norm = 0.0;                // the largest norm of all gradients; 0: any
  std::string autocast = "none";              // "none" or "bfloat16": of matrix products' operands
  std::int64_t seed = 0;
  double val_split = 0.0;      // share of the training part held out, in [0, 1)
  bool normalize = false;      // inputs get mean 0 and deviation 1
  bool color = false;          // keep three channels instead of going to grey
  bool flush_denormal = true;  // see kernels/flush_denormal.h; no option
  std::string data_from_here;  // the data, from the folder of the checkpoint; no option
};

/// The names of the options, with underscores: {'data': ..., 'model': [32], 'epochs': 5, ...}, and
/// 'flush_denormal' and 'data_from_here'. The two names of data are text_of_file_name().
[[nodiscard]] Dict to_dict(const TrainConfig& config);
/// Throws StateDictError where a field is missing or of another kind; but configurations of
/// versions without autocast, milestones, power, clip_grad_norm or data_from_here have none, and
/// those of versions that flushed nothing do not say so.
[[nodiscard]] TrainConfig config_from(const Dict& dict);

/// Throws ValueError that names the option where a field is outside its domain.
void check(const TrainConfig& config);

/// A number, text, or list of them as a reader would write it.
[[nodiscard]] std::string to_text(const Value& value);

}  // namespace wick::tools
