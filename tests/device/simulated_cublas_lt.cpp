// SPDX-License-Identifier: MIT
// cuBLASLt for simulated devices: its products (simulated_product.h) under the rules that NVIDIA
// documents for the calls that wick makes. What breaks a rule is refused by the status
// that the library has for it, and so fails a test.
#include "tests/device/simulated_cublas_lt.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <map>
#include <utility>

#include <cuda_runtime.h>

#include "kernels/cuda/blas_library.h"
#include "tests/device/simulated_product.h"

struct cublasLtContext {};

struct cublasLtMatmulDescOpaque_t {
  cublasComputeType_t compute;
  cudaDataType_t scale;
  std::int32_t transpose_a = CUBLAS_OP_N;
  std::int32_t transpose_b = CUBLAS_OP_N;
  std::uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  void* bias = nullptr;
  void* aux = nullptr;
  std::int64_t aux_ld = 0;
};

struct cublasLtMatmulPreferenceOpaque_t {
  std::uint64_t workspace = 0;
  std::uint32_t reductions = 7;
  std::array<std::uint32_t, 4> alignments = {256, 256, 256, 256};  // of A, B, C and D
};

namespace wick::testing {
namespace {

struct Settings {
  std::uint32_t refused = 0;
  Refusal how = Refusal::heuristic_status;
  OperandRules operands;
  Refusal operands_how = Refusal::heuristic_status;
  std::map<std::pair<std::uint32_t, cudaDataType_t>, std::int64_t> products;
};

Settings& settings() {
  static Settings instance;
  return instance;
}

// -- The rules ------------------------------------------------------------------------------------

std::uint32_t alignment_of(const void* data) {
  std::uint32_t alignment = 256;
  while (reinterpret_cast<std::uintptr_t>(data) % alignment != 0) alignment /= 2;
  return alignment;
}

bool has_types(const cublasLtMatmulDescOpaque_t& desc, cudaDataType_t ab, cudaDataType_t cd) {
  if (desc.compute == CUBLAS_COMPUTE_64F) {
    return desc.scale == CUDA_R_64F && ab == CUDA_R_64F && cd == CUDA_R_64F;
  }
  if (desc.scale != CUDA_R_32F) return false;
  if (ab == CUDA_R_32F) return cd == CUDA_R_32F;
  return ab == CUDA_R_16BF && desc.compute == CUBLAS_COMPUTE_32F &&
         (cd == CUDA_R_16BF || cd == CUDA_R_32F);
}

bool is_refused(std::uint32_t epilogue, Refusal how) {
  return (epilogue & settings().refused) != 0 && settings().how == how;
}

std::uint32_t rule_of(cudaDataType_t type) {
  const OperandRules& rules = settings().operands;
  return type == CUDA_R_64F ? rules.float64 : type == CUDA_R_32F ? rules.float32 : rules.bfloat16;
}

std::int64_t size_of(cudaDataType_t type) {
  return type == CUDA_R_64F ? 8 : type == CUDA_R_32F ? 4 : 2;
}

// `alignments`: of A, B, C and D.
template <typename Alignments>
bool is_refused(const std::array<const cublasLtMatrixLayoutOpaque_t*, 4>& layouts,
                const Alignments& alignments, Refusal how) {
  if (settings().operands_how != how) return false;
  for (std::size_t i = 0; i < layouts.size(); ++i) {
    const std::uint32_t rule = rule_of(layouts[i]->type);
    if (rule == 0 || alignments[i] % rule != 0) return true;
    if (layouts[i]->ld * size_of(layouts[i]->type) % rule != 0) return true;
  }
  return false;
}

cublasStatus_t check(const cublasLtMatmulDescOpaque_t& desc, const cublasLtMatrixLayoutOpaque_t& a,
                     const cublasLtMatrixLayoutOpaque_t& b, const cublasLtMatrixLayoutOpaque_t& c,
                     const cublasLtMatrixLayoutOpaque_t& d) {
  const bool ta = desc.transpose_a == CUBLAS_OP_T;
  const bool tb = desc.transpose_b == CUBLAS_OP_T;
  const bool fits = (ta ? a.cols : a.rows) == d.rows && (tb ? b.rows : b.cols) == d.cols &&
                    (ta ? a.rows : a.cols) == (tb ? b.cols : b.rows) && c.rows == d.rows &&
                    c.cols == d.cols && c.ld == d.ld && a.type == b.type && c.type == d.type;
  if (!fits) return CUBLAS_STATUS_INVALID_VALUE;
  for (const auto* const layout : {&a, &b, &c, &d}) {
    if (layout->rows < 1 || layout->cols < 1 || layout->ld < layout->rows) {
      return CUBLAS_STATUS_INVALID_VALUE;
    }
  }
  if (!has_types(desc, a.type, d.type)) return CUBLAS_STATUS_NOT_SUPPORTED;
  if (a.type == CUDA_R_64F && desc.epilogue != CUBLASLT_EPILOGUE_DEFAULT) {
    return CUBLAS_STATUS_NOT_SUPPORTED;
  }
  // As NVIDIA's own tests of the library have it: nothing of this kind with sums of one term, nor
  // sums of B where that has one column.
  const std::int64_t k = ta ? a.rows : a.cols;
  if ((desc.epilogue == CUBLASLT_EPILOGUE_DRELU || desc.epilogue == CUBLASLT_EPILOGUE_BGRADB) &&
      k == 1) {
    return CUBLAS_STATUS_NOT_SUPPORTED;
  }
  if (desc.epilogue == CUBLASLT_EPILOGUE_BGRADB && d.cols == 1) return CUBLAS_STATUS_NOT_SUPPORTED;
  // Bias and masks go by D's rows, the bits of a column in whole groups of 128.
  if ((desc.epilogue & 128) != 0 && (desc.aux_ld % 128 != 0 || desc.aux_ld < d.rows)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  return CUBLAS_STATUS_SUCCESS;
}

// -- The functions --------------------------------------------------------------------------------

cublasStatus_t create(cublasLtHandle_t* handle) {
  *handle = new cublasLtContext;
  return CUBLAS_STATUS_SUCCESS;
}

template <typename T>
cublasStatus_t destroy(T* object) {
  delete object;
  return CUBLAS_STATUS_SUCCESS;
}

const char* status_string(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS: return "success";
    case CUBLAS_STATUS_INVALID_VALUE: return "an unsupported value or parameter";
    case CUBLAS_STATUS_NOT_SUPPORTED: return "the functionality is not supported";
    default: return "the program failed to execute";
  }
}

cublasStatus_t desc_create(cublasLtMatmulDesc_t* desc, cublasComputeType_t compute,
                           cudaDataType_t scale) {
  *desc = new cublasLtMatmulDescOpaque_t{compute, scale};
  return CUBLAS_STATUS_SUCCESS;
}

template <typename T>
cublasStatus_t set(T& field, const void* value, std::size_t bytes) {
  if (bytes != sizeof(T)) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(&field, value, bytes);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t desc_set(cublasLtMatmulDesc_t desc, cublasLtMatmulDescAttributes_t name,
                        const void* value, std::size_t bytes) {
  switch (name) {
    case CUBLASLT_MATMUL_DESC_TRANSA: return set(desc->transpose_a, value, bytes);
    case CUBLASLT_MATMUL_DESC_TRANSB: return set(desc->transpose_b, value, bytes);
    case CUBLASLT_MATMUL_DESC_EPILOGUE: return set(desc->epilogue, value, bytes);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER: return set(desc->bias, value, bytes);
    case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER: return set(desc->aux, value, bytes);
    case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD: return set(desc->aux_ld, value, bytes);
  }
  return CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t layout_create(cublasLtMatrixLayout_t* layout, cudaDataType type, std::uint64_t rows,
                             std::uint64_t cols, std::int64_t ld) {
  *layout = new cublasLtMatrixLayoutOpaque_t{type, static_cast<std::int64_t>(rows),
                                             static_cast<std::int64_t>(cols), ld};
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t preference_create(cublasLtMatmulPreference_t* preference) {
  *preference = new cublasLtMatmulPreferenceOpaque_t;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t preference_set(cublasLtMatmulPreference_t preference,
                              cublasLtMatmulPreferenceAttributes_t name, const void* value,
                              std::size_t bytes) {
  switch (name) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES: return set(preference->workspace, value, bytes);
    case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK:
      return set(preference->reductions, value, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES:
      return set(preference->alignments[static_cast<std::size_t>(
                     name - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES)],
                 value, bytes);
  }
  return CUBLAS_STATUS_INVALID_VALUE;
}

// An algorithm may count on the alignments that it was chosen for, of A, B, C and D. The heuristics
// know nothing of where the bias and the bits lie: algorithms take them 16 bytes at a time.
cublasStatus_t heuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc,
                         cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                         cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                         cublasLtMatmulPreference_t preference, int wanted,
                         cublasLtMatmulHeuristicResult_t* results, int* found) {
  *found = 0;
  if (handle == nullptr || wanted < 1) return CUBLAS_STATUS_INVALID_VALUE;
  const cublasStatus_t status = check(*desc, *a, *b, *c, *d);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  if (is_refused(desc->epilogue, Refusal::heuristic_status)) return CUBLAS_STATUS_NOT_SUPPORTED;
  if (is_refused(desc->epilogue, Refusal::no_algorithm)) return CUBLAS_STATUS_SUCCESS;
  const std::array<const cublasLtMatrixLayoutOpaque_t*, 4> layouts = {a, b, c, d};
  if (is_refused(layouts, preference->alignments, Refusal::heuristic_status)) {
    return CUBLAS_STATUS_NOT_SUPPORTED;
  }
  if (is_refused(layouts, preference->alignments, Refusal::no_algorithm)) {
    return CUBLAS_STATUS_SUCCESS;
  }
  // Sums whose parts are added in place come in any order.
  if ((preference->reductions & CUBLASLT_REDUCTION_SCHEME_INPLACE) != 0) {
    return CUBLAS_STATUS_NOT_SUPPORTED;
  }
  *results = {};
  for (std::size_t i = 0; i < 4; ++i) results->algo.data[i] = preference->alignments[i];
  results->algo.data[4] = 16;
  results->algo.data[5] = 16;
  results->workspaceSize = preference->workspace;
  *found = 1;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t matmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc, const void* alpha,
                      const void* a, cublasLtMatrixLayout_t a_layout, const void* b,
                      cublasLtMatrixLayout_t b_layout, const void* beta, const void* c,
                      cublasLtMatrixLayout_t c_layout, void* d, cublasLtMatrixLayout_t d_layout,
                      const cublasLtMatmulAlgo_t* algorithm, void* workspace,
                      std::size_t workspace_bytes, cudaStream_t stream) {
  if (handle == nullptr || algorithm == nullptr || workspace == nullptr || workspace_bytes == 0) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const cublasStatus_t status = check(*desc, *a_layout, *b_layout, *c_layout, *d_layout);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  if (load(desc->scale, alpha, 0) != 1.0) return CUBLAS_STATUS_NOT_SUPPORTED;
  const bool has_bias = (desc->epilogue & (CUBLASLT_EPILOGUE_BIAS | CUBLASLT_EPILOGUE_BGRADB)) != 0;
  const bool has_aux = (desc->epilogue & 128) != 0;
  if ((has_bias && desc->bias == nullptr) || (has_aux && desc->aux == nullptr)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const std::array<const void*, 6> pointers = {
      a, b, c, d, has_bias ? desc->bias : nullptr, has_aux ? desc->aux : nullptr};
  for (std::size_t i = 0; i < pointers.size(); ++i) {
    if (reinterpret_cast<std::uintptr_t>(pointers[i]) % algorithm->data[i] != 0) {
      // Of the bias and the bits: a real device stops at a misaligned address.
      return i < 4 ? CUBLAS_STATUS_INVALID_VALUE : CUBLAS_STATUS_EXECUTION_FAILED;
    }
  }
  if (is_refused(desc->epilogue, Refusal::at_launch) ||
      is_refused({a_layout, b_layout, c_layout, d_layout},
                 std::array{alignment_of(a), alignment_of(b), alignment_of(c), alignment_of(d)},
                 Refusal::at_launch)) {
    return CUBLAS_STATUS_NOT_SUPPORTED;
  }
  const Task task{{a, *a_layout, desc->transpose_a == CUBLAS_OP_T},
                  {b, *b_layout, desc->transpose_b == CUBLAS_OP_T},
                  {c, *c_layout, false},
                  d,
                  load(desc->scale, beta, 0),
                  desc->transpose_a == CUBLAS_OP_T ? a_layout->rows : a_layout->cols,
                  desc->epilogue,
                  desc->bias,
                  static_cast<unsigned char*>(desc->aux),
                  desc->aux_ld};
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(d_layout->cols));
  config.blockDim = dim3(1);
  config.stream = stream;
  if (cudaLaunchKernelEx(&config, multiply_column, task) != cudaSuccess) {
    return CUBLAS_STATUS_EXECUTION_FAILED;
  }
  ++settings().products[{desc->epilogue, a_layout->type}];
  return CUBLAS_STATUS_SUCCESS;
}

}  // namespace

RefusedEpilogues::RefusedEpilogues(std::uint32_t bits, Refusal how) {
  settings().refused = bits;
  settings().how = how;
}

RefusedEpilogues::~RefusedEpilogues() {
  settings().refused = 0;
}

RefusedOperands::RefusedOperands(const OperandRules& rules, Refusal how) {
  settings().operands = rules;
  settings().operands_how = how;
}

RefusedOperands::~RefusedOperands() {
  settings().operands = {};
}

std::int64_t product_count(cublasLtEpilogue_t epilogue, std::optional<cudaDataType_t> type) {
  std::int64_t count = 0;
  for (const auto& [kind, products] : settings().products) {
    if (kind.first == epilogue && (!type || kind.second == *type)) count += products;
  }
  return count;
}

}  // namespace wick::testing

namespace wick::cuda {

const BlasLibrary& blas_library() {
  using namespace wick::testing;  // NOLINT(google-build-using-namespace)
  static const BlasLibrary library{create,
                                   destroy<cublasLtContext>,
                                   status_string,
                                   testing::matmul,
                                   heuristic,
                                   desc_create,
                                   destroy<cublasLtMatmulDescOpaque_t>,
                                   desc_set,
                                   layout_create,
                                   destroy<cublasLtMatrixLayoutOpaque_t>,
                                   preference_create,
                                   destroy<cublasLtMatmulPreferenceOpaque_t>,
                                   preference_set};
  return library;
}

}  // namespace wick::cuda
