// SPDX-License-Identifier: MIT
// ReLU is one of the activations.
#pragma once

#include "nn/layers/activation.h"
