// SPDX-License-Identifier: MIT
// The instruction sets that the CPU kernels are compiled for. Each kernel is a template over one of
// these tags, so that the copies compiled with different flags are different symbols and no code
// for a newer processor can slip into an older one's path. For the same reason the kernels call no
// inline function of the standard library, and what is no such template is always inlined, member
// functions too (tests/kernels/level_symbols.py).
#pragma once

namespace wick::cpu {

/// What every target has: SSE2 on x86-64, NEON on AArch64.
struct Baseline {
  static constexpr int kVectorBytes = 16;
  static constexpr int kRegisters = 16;
};
/// AVX2 with FMA.
struct Avx2 {
  static constexpr int kVectorBytes = 32;
  static constexpr int kRegisters = 16;
};
/// AVX-512 F, DQ, BW and VL.
struct Avx512 {
  static constexpr int kVectorBytes = 64;
  static constexpr int kRegisters = 32;
};
/// The same with AVX512-BF16, for products of bfloat16.
struct Avx512Bf16 : Avx512 {};
/// AVX-512 with the tiles of AMX-BF16, likewise.
struct Amx : Avx512 {};
/// Shorter vectors of the same instruction set.
template <typename Isa, int Bytes>
struct NarrowIsa {
  static constexpr int kVectorBytes = Bytes;
  static constexpr int kRegisters = Isa::kRegisters;
};

}  // namespace wick::cpu
