// SPDX-License-Identifier: MIT
// Products by cuBLASLt. What it works out for a kind of product (operand layouts, the algorithm
// that its heuristics choose) is kept for the next one of the kind.
#include <algorithm>
#include <array>
#include <compare>
#include <map>
#include <memory>
#include <mutex>
#include <source_location>
#include <string>

#include "core/error.h"
#include "kernels/cuda/blas.h"
#include "kernels/cuda/blas_library.h"

namespace wick::cuda {
namespace {

void check_blas(cublasStatus_t status, const std::string& operation,
                std::source_location where = std::source_location::current()) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw CudaError(concat(operation, ": cuBLASLt says ", blas_library().status_string(status)),
                  operation, static_cast<int>(status), where.file_name(), where.line());
}

/// Destroys a cuBLASLt object by a function that is known at run time.
template <typename T>
using BlasOwner = std::unique_ptr<T, cublasStatus_t (*)(T*)>;
using Description = BlasOwner<std::remove_pointer_t<cublasLtMatmulDesc_t>>;
using Layout = BlasOwner<std::remove_pointer_t<cublasLtMatrixLayout_t>>;
using Preference = BlasOwner<std::remove_pointer_t<cublasLtMatmulPreference_t>>;

/// Everything that decides on the algorithm.
struct Kind {
  DType dtype{};
  bool tf32 = false;
  bool transpose_a = false;
  bool transpose_b = false;
  bool accumulate = false;
  bool bias = false;
  bool relu = false;
  std::array<std::int64_t, 6> sizes{};        // m, n, k and the three strides
  std::array<std::uint32_t, 3> alignments{};  // of A, B and C, in bytes
  friend auto operator<=>(const Kind&, const Kind&) = default;
};

struct Plan {
  Description description;
  Layout a;
  Layout b;
  Layout c;
  cublasLtMatmulAlgo_t algorithm;
};

// The largest power of two up to 256 that divides an address.
std::uint32_t alignment_of(const void* data) {
  const auto address = reinterpret_cast<std::uintptr_t>(data);
  std::uint32_t alignment = 256;
  while (address % alignment != 0) alignment /= 2;
  return alignment;
}

Kind kind_of(const Product& product, bool tf32) {
  const std::uint32_t of_c = alignment_of(product.c);
  return {product.dtype,
          tf32 && product.dtype == DType::float32,
          product.a.transpose,
          product.b.transpose,
          product.accumulate,
          product.bias != nullptr,
          product.relu,
          {product.m, product.n, product.k, product.a.stride, product.b.stride, product.c_stride},
          {alignment_of(product.a.data), alignment_of(product.b.data),
           product.bias == nullptr ? of_c : std::min(of_c, alignment_of(product.bias))}};
}

std::string describe(const Kind& kind) {
  return concat("matmul of ", kind.sizes[1], " x ", kind.sizes[2], " with ", kind.sizes[2], " x ",
                kind.sizes[0], " ", kind.dtype);
}

class CublasLt final : public Blas {
 public:
  CublasLt() : library_(blas_library()) { check_blas(library_.create(&handle_), "start cuBLASLt"); }
  ~CublasLt() override { static_cast<void>(library_.destroy(handle_)); }

  // For float64, the library documents none.
  [[nodiscard]] bool has_epilogues(DType dtype) const noexcept override {
    return dtype == DType::float32;
  }
  void multiply(const Product& product, bool tf32, StreamState& stream) override;

 private:
  const Plan& plan_for(const Kind& kind);
  [[nodiscard]] Plan make_plan(const Kind& kind) const;
  [[nodiscard]] Layout make_layout(const Kind& kind, std::int64_t rows, std::int64_t cols,
                                   std::int64_t stride) const;
  [[nodiscard]] Preference make_preference(const Kind& kind) const;

  const BlasLibrary& library_;
  cublasLtHandle_t handle_ = nullptr;
  std::mutex mutex_;  // of the plans, whose descriptions each product changes
  std::map<Kind, Plan> plans_;
};

cudaDataType_t data_type(DType dtype) {
  return dtype == DType::float64 ? CUDA_R_64F : CUDA_R_32F;
}

cublasLtEpilogue_t epilogue_of(const Kind& kind) {
  if (kind.bias) return kind.relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS;
  return kind.relu ? CUBLASLT_EPILOGUE_RELU : CUBLASLT_EPILOGUE_DEFAULT;
}

Layout CublasLt::make_layout(const Kind& kind, std::int64_t rows, std::int64_t cols,
                             std::int64_t stride) const {
  cublasLtMatrixLayout_t layout = nullptr;
  check_blas(
      library_.layout_create(&layout, data_type(kind.dtype), static_cast<std::uint64_t>(rows),
                             static_cast<std::uint64_t>(cols), stride),
      describe(kind));
  return {layout, library_.layout_destroy};
}

Preference CublasLt::make_preference(const Kind& kind) const {
  cublasLtMatmulPreference_t raw = nullptr;
  check_blas(library_.preference_create(&raw), describe(kind));
  Preference preference(raw, library_.preference_destroy);
  const auto set = [&](cublasLtMatmulPreferenceAttributes_t name, const auto& value) {
    check_blas(library_.preference_set(raw, name, &value, sizeof value), describe(kind));
  };
  set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kBlasWorkspaceBytes);
  // Parts of a sum that is split are added in an order that does not vary.
  constexpr std::uint32_t kReductions =
      CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE | CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE;
  set(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, kReductions);
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, kind.alignments[0]);
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, kind.alignments[1]);
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, kind.alignments[2]);
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, kind.alignments[2]);
  return preference;
}

Plan CublasLt::make_plan(const Kind& kind) const {
  const auto [m, n, k, a_stride, b_stride, c_stride] = kind.sizes;
  const cublasComputeType_t compute = kind.dtype == DType::float64 ? CUBLAS_COMPUTE_64F
                                      : kind.tf32                  ? CUBLAS_COMPUTE_32F_FAST_TF32
                                                                   : CUBLAS_COMPUTE_32F;
  cublasLtMatmulDesc_t raw = nullptr;
  check_blas(library_.desc_create(&raw, compute, data_type(kind.dtype)), describe(kind));
  Plan plan{
      {raw, library_.desc_destroy},
      kind.transpose_a ? make_layout(kind, k, m, a_stride) : make_layout(kind, m, k, a_stride),
      kind.transpose_b ? make_layout(kind, n, k, b_stride) : make_layout(kind, k, n, b_stride),
      make_layout(kind, m, n, c_stride),
      {}};
  const auto set = [&](cublasLtMatmulDescAttributes_t name, const auto& value) {
    check_blas(library_.desc_set(raw, name, &value, sizeof value), describe(kind));
  };
  set(CUBLASLT_MATMUL_DESC_TRANSA, kind.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N);
  set(CUBLASLT_MATMUL_DESC_TRANSB, kind.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N);
  set(CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue_of(kind));

  const Preference preference = make_preference(kind);
  cublasLtMatmulHeuristicResult_t best{};
  int found = 0;
  const cublasStatus_t status =
      library_.heuristic(handle_, raw, plan.a.get(), plan.b.get(), plan.c.get(), plan.c.get(),
                         preference.get(), 1, &best, &found);
  check_blas(status != CUBLAS_STATUS_SUCCESS ? status
             : found == 0                    ? CUBLAS_STATUS_NOT_SUPPORTED
                                             : best.state,
             describe(kind));
  plan.algorithm = best.algo;
  return plan;
}

const Plan& CublasLt::plan_for(const Kind& kind) {
  const auto known = plans_.find(kind);
  if (known != plans_.end()) return known->second;
  return plans_.emplace(kind, make_plan(kind)).first->second;
}

void CublasLt::multiply(const Product& product, bool tf32, StreamState& stream) {
  const Kind kind = kind_of(product, tf32);
  void* const workspace = stream.blas_workspace();
  const std::scoped_lock lock(mutex_);
  const Plan& plan = plan_for(kind);
  if (product.bias != nullptr) {
    check_blas(library_.desc_set(plan.description.get(), CUBLASLT_MATMUL_DESC_BIAS_POINTER,
                                 &product.bias, sizeof product.bias),
               describe(kind));
  }
  const auto run = [&](const void* one, const void* beta) {
    check_blas(library_.matmul(handle_, plan.description.get(), one, product.a.data, plan.a.get(),
                               product.b.data, plan.b.get(), beta, product.c, plan.c.get(),
                               product.c, plan.c.get(), &plan.algorithm, workspace,
                               kBlasWorkspaceBytes, stream.stream()),
               describe(kind));
  };
  if (product.dtype == DType::float64) {
    const double one = 1.0;
    const double beta = product.accumulate ? 1.0 : 0.0;
    run(&one, &beta);
  } else {
    const float one = 1.0F;
    const float beta = product.accumulate ? 1.0F : 0.0F;
    run(&one, &beta);
  }
}

}  // namespace

std::unique_ptr<Blas> make_blas() {
  return std::make_unique<CublasLt>();
}

}  // namespace wick::cuda
