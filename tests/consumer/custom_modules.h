// SPDX-License-Identifier: MIT
// Modules of a user's own.
#pragma once

#include <cstdint>
#include <memory>

#include <wick/core/random.h>
#include <wick/nn/module.h>

std::unique_ptr<wick::nn::Module> make_square();
std::unique_ptr<wick::nn::Module> make_block(std::int64_t size, wick::Generator& generator);
