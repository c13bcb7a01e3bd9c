// SPDX-License-Identifier: MIT
// Makes the layers for images from their arguments. Private to make_module().
#pragma once

#include <memory>

#include "nn/module_options.h"
#include "wick/core/random.h"
#include "wick/nn/module.h"

namespace wick::nn {

// A null generator is the default one.
[[nodiscard]] std::unique_ptr<Module> make_conv1d(ModuleOptions& options, Generator* generator);
[[nodiscard]] std::unique_ptr<Module> make_conv2d(ModuleOptions& options, Generator* generator);
[[nodiscard]] std::unique_ptr<Module> make_conv_transpose1d(ModuleOptions& options,
                                                            Generator* generator);
[[nodiscard]] std::unique_ptr<Module> make_conv_transpose2d(ModuleOptions& options,
                                                            Generator* generator);
[[nodiscard]] std::unique_ptr<Module> make_max_pool1d(ModuleOptions& options, Generator*);
[[nodiscard]] std::unique_ptr<Module> make_max_pool2d(ModuleOptions& options, Generator*);
[[nodiscard]] std::unique_ptr<Module> make_avg_pool1d(ModuleOptions& options, Generator*);
[[nodiscard]] std::unique_ptr<Module> make_avg_pool2d(ModuleOptions& options, Generator*);
[[nodiscard]] std::unique_ptr<Module> make_adaptive_avg_pool1d(ModuleOptions& options, Generator*);
[[nodiscard]] std::unique_ptr<Module> make_adaptive_avg_pool2d(ModuleOptions& options, Generator*);
[[nodiscard]] std::unique_ptr<Module> make_adaptive_max_pool2d(ModuleOptions& options, Generator*);
[[nodiscard]] std::unique_ptr<Module> make_pixel_shuffle(ModuleOptions& options, Generator*);
[[nodiscard]] std::unique_ptr<Module> make_upsample(ModuleOptions& options, Generator*);
[[nodiscard]] std::unique_ptr<Module> make_zero_pad2d(ModuleOptions& options, Generator*);

}  // namespace wick::nn
