// SPDX-License-Identifier: MIT
// The kernels compiled for what every processor of the target has.
#include "kernels/cpu/simd/levels.h"
#include "kernels/cpu/simd/make_table.h"

namespace wick::cpu {

extern constinit const KernelTable<float> kBaselineFloat = make_table<float, Baseline>("baseline");
extern constinit const KernelTable<double> kBaselineDouble =
    make_table<double, Baseline>("baseline");

}  // namespace wick::cpu
