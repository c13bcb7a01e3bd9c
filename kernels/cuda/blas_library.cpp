// SPDX-License-Identifier: MIT
#include "kernels/cuda/blas_library.h"

#include <array>
#include <mutex>
#include <optional>
#include <string>

#include <dlfcn.h>

#include "wick/core/error.h"

namespace wick::cuda {
namespace {

// That of the toolkit at hand first: the functions above have not changed since version 12.
constexpr int kMajor = CUBLAS_VER_MAJOR;
constexpr std::array kVersions = {kMajor, kMajor == 13 ? 12 : 13};
constexpr std::array kFolders = {"", "/usr/local/cuda/lib64/"};

template <typename Function>
void find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  if (function == nullptr) throw DeviceError(concat("cuBLASLt has no function ", name));
}

BlasLibrary functions_of(void* library) {
  BlasLibrary blas;
  find(library, "cublasLtCreate", blas.create);
  find(library, "cublasLtDestroy", blas.destroy);
  find(library, "cublasLtGetStatusString", blas.status_string);
  find(library, "cublasLtMatmul", blas.matmul);
  find(library, "cublasLtMatmulAlgoGetHeuristic", blas.heuristic);
  find(library, "cublasLtMatmulDescCreate", blas.desc_create);
  find(library, "cublasLtMatmulDescDestroy", blas.desc_destroy);
  find(library, "cublasLtMatmulDescSetAttribute", blas.desc_set);
  find(library, "cublasLtMatrixLayoutCreate", blas.layout_create);
  find(library, "cublasLtMatrixLayoutDestroy", blas.layout_destroy);
  find(library, "cublasLtMatmulPreferenceCreate", blas.preference_create);
  find(library, "cublasLtMatmulPreferenceDestroy", blas.preference_destroy);
  find(library, "cublasLtMatmulPreferenceSetAttribute", blas.preference_set);
  return blas;
}

BlasLibrary open_library() {
  std::string tried;
  for (const int version : kVersions) {
    for (const char* const folder : kFolders) {
      const std::string name = concat(folder, "libcublasLt.so.", version);
      // Kept until the program ends: the library's own threads and handles may outlive main().
      if (void* const library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL)) {
        return functions_of(library);
      }
      const char* const reason = dlerror();
      tried += concat(tried.empty() ? "" : "; ", reason != nullptr ? reason : name.c_str());
    }
  }
  throw DeviceError(
      concat("matmul: products on a CUDA device need cuBLASLt, which cannot be loaded (", tried,
             "); install NVIDIA's cuBLAS ", kMajor,
             " (it is part of the CUDA toolkit), or put its folder into LD_LIBRARY_PATH"));
}

}  // namespace

const BlasLibrary& blas_library() {
  static std::mutex mutex;
  static std::optional<BlasLibrary> library;
  const std::scoped_lock lock(mutex);
  if (!library) library = open_library();
  return *library;
}

}  // namespace wick::cuda
