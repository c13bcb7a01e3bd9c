// SPDX-License-Identifier: MIT
// ReLU is one of the activations.
#pragma once

#include "wick/nn/layers/activation.h"
