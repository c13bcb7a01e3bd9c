// SPDX-License-Identifier: MIT
// The functions of cuBLASLt, found when the first product on a GPU is asked for: a program that
// computes on the CPU neither needs the library (hundreds of megabytes) nor waits for it.
#pragma once

#include <cublasLt.h>

namespace wick::cuda {

/// Pointers to the functions of the library; the names are NVIDIA's.
struct BlasLibrary {
  decltype(&cublasLtCreate) create = nullptr;
  decltype(&cublasLtDestroy) destroy = nullptr;
  decltype(&cublasLtGetStatusString) status_string = nullptr;
  decltype(&cublasLtMatmul) matmul = nullptr;
  decltype(&cublasLtMatmulAlgoGetHeuristic) heuristic = nullptr;
  decltype(&cublasLtMatmulDescCreate) desc_create = nullptr;
  decltype(&cublasLtMatmulDescDestroy) desc_destroy = nullptr;
  decltype(&cublasLtMatmulDescSetAttribute) desc_set = nullptr;
  decltype(&cublasLtMatrixLayoutCreate) layout_create = nullptr;
  decltype(&cublasLtMatrixLayoutDestroy) layout_destroy = nullptr;
  decltype(&cublasLtMatmulPreferenceCreate) preference_create = nullptr;
  decltype(&cublasLtMatmulPreferenceDestroy) preference_destroy = nullptr;
  decltype(&cublasLtMatmulPreferenceSetAttribute) preference_set = nullptr;
};

/// The library, loaded at the first call and kept. Throws DeviceError that names the files that
/// were looked for, why none would do, and the remedy; the next call looks again. Thread-safe.
[[nodiscard]] const BlasLibrary& blas_library();

}  // namespace wick::cuda
