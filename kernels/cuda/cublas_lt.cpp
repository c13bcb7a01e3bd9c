// SPDX-License-Identifier: MIT
// Products by cuBLASLt. What it works out for a kind of product (operand layouts, the algorithm
// that its heuristics choose, or that there is none) is kept for the next one of the kind.
#include <algorithm>
#include <array>
#include <compare>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "kernels/cuda/blas.h"
#include "kernels/cuda/blas_library.h"
#include "wick/core/error.h"

namespace wick::cuda {
namespace {

void check_blas(cublasStatus_t status, const std::string& operation,
                SourceLine where = SourceLine::here()) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw CudaError(concat(operation, ": cuBLASLt says ", blas_library().status_string(status)),
                  operation, static_cast<int>(status), where.file, where.line);
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
  DType c_dtype{};
  bool tf32 = false;
  bool transpose_a = false;
  bool transpose_b = false;
  bool accumulate = false;
  Epilogue epilogue = Epilogue::none;
  std::array<std::int64_t, 6> sizes{};        // m, n, k and the three strides
  std::array<std::uint32_t, 5> alignments{};  // of A, B, C, the vector and the bits, in bytes
  friend auto operator<=>(const Kind&, const Kind&) = default;  // NOLINT(modernize-use-nullptr)
};

struct Plan {
  Description description;
  Layout a;
  Layout b;
  Layout c;
  std::optional<cublasLtMatmulAlgo_t> algorithm;  // none: the library does not do this product
};

// The library is told how A, B, C and D are aligned, but not its vector and bits: its algorithms
// read those 16 bytes at a time and fault elsewhere.
constexpr std::uint32_t kEpilogueAlignment = 16;

// The largest power of two up to 256 that divides an address.
std::uint32_t alignment_of(const void* data) {
  const auto address = reinterpret_cast<std::uintptr_t>(data);
  std::uint32_t alignment = 256;
  while (address % alignment != 0) alignment /= 2;
  return alignment;
}

Kind kind_of(const Product& product, bool tf32) {
  return {product.dtype,
          product.c_dtype,
          tf32 && product.dtype == DType::float32,
          product.a.transpose,
          product.b.transpose,
          product.accumulate,
          product.epilogue,
          {product.m, product.n, product.k, product.a.stride, product.b.stride, product.c_stride},
          {alignment_of(product.a.data), alignment_of(product.b.data), alignment_of(product.c),
           alignment_of(product.vector), alignment_of(product.bits)}};
}

std::string describe(const Kind& kind) {
  return concat("matmul of ", kind.sizes[1], " x ", kind.sizes[2], " with ", kind.sizes[2], " x ",
                kind.sizes[0], " ", kind.dtype, " into ", kind.c_dtype);
}

class CublasLt final : public Blas {
 public:
  CublasLt() : library_(blas_library()) { check_blas(library_.create(&handle_), "start cuBLASLt"); }
  CublasLt(const CublasLt&) = delete;
  CublasLt& operator=(const CublasLt&) = delete;
  ~CublasLt() override { static_cast<void>(library_.destroy(handle_)); }

  [[nodiscard]] bool has_algorithm(const Product& product, bool tf32) override;
  [[nodiscard]] bool multiply(const Product& product, bool tf32, StreamState& stream) override;

 private:
  Plan& plan_for(const Kind& kind, const Product& product);
  [[nodiscard]] Plan make_plan(const Kind& kind, const Product& product) const;
  [[nodiscard]] std::optional<cublasLtMatmulAlgo_t> choose(const Kind& kind,
                                                           const Plan& plan) const;
  void point(const Plan& plan, const Product& product) const;
  [[nodiscard]] Layout make_layout(DType dtype, const Kind& kind, std::int64_t rows,
                                   std::int64_t cols, std::int64_t stride) const;
  [[nodiscard]] Preference make_preference(const Kind& kind) const;

  const BlasLibrary& library_;
  cublasLtHandle_t handle_ = nullptr;
  std::mutex mutex_;  // of the plans, whose descriptions each product changes
  std::map<Kind, Plan> plans_;
};

cudaDataType_t data_type(DType dtype) {
  switch (dtype) {
    case DType::float64: return CUDA_R_64F;
    case DType::bfloat16: return CUDA_R_16BF;
    default: return CUDA_R_32F;
  }
}

// Of the sums and of alpha and beta. Those of bfloat16 operands are float32.
cublasComputeType_t compute_type(const Kind& kind) {
  if (kind.dtype == DType::float64) return CUBLAS_COMPUTE_64F;
  return kind.tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
}

cudaDataType_t scale_type(const Kind& kind) {
  return kind.dtype == DType::float64 ? CUDA_R_64F : CUDA_R_32F;
}

cublasLtEpilogue_t epilogue_of(const Kind& kind) {
  switch (kind.epilogue) {
    case Epilogue::none: break;
    case Epilogue::bias: return CUBLASLT_EPILOGUE_BIAS;
    case Epilogue::relu_gradient: return CUBLASLT_EPILOGUE_DRELU;
    case Epilogue::b_sums: return CUBLASLT_EPILOGUE_BGRADB;
  }
  return CUBLASLT_EPILOGUE_DEFAULT;
}

bool has_vector(Epilogue epilogue) {
  return epilogue == Epilogue::bias || epilogue == Epilogue::b_sums;
}

bool has_bits(Epilogue epilogue) {
  return epilogue == Epilogue::relu_gradient;
}

bool takes_epilogue(const Product& product) {
  if (product.epilogue == Epilogue::none) return true;
  if (product.dtype == DType::float64) return false;  // it documents none for this dtype
  const void* const data = has_bits(product.epilogue) ? product.bits : product.vector;
  return alignment_of(data) >= kEpilogueAlignment;
}

// What the library says of a product that it does not do.
bool is_refusal(cublasStatus_t status) {
  return status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_INVALID_VALUE;
}

Layout CublasLt::make_layout(DType dtype, const Kind& kind, std::int64_t rows, std::int64_t cols,
                             std::int64_t stride) const {
  cublasLtMatrixLayout_t layout = nullptr;
  check_blas(library_.layout_create(&layout, data_type(dtype), static_cast<std::uint64_t>(rows),
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

// Where the epilogue finds its data. The heuristics look at it, too: at its alignment.
void CublasLt::point(const Plan& plan, const Product& product) const {
  const auto set = [&](cublasLtMatmulDescAttributes_t name, const void* const& value) {
    check_blas(library_.desc_set(plan.description.get(), name, &value, sizeof value), "matmul");
  };
  if (has_vector(product.epilogue)) set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, product.vector);
  if (has_bits(product.epilogue)) set(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, product.bits);
}

std::optional<cublasLtMatmulAlgo_t> CublasLt::choose(const Kind& kind, const Plan& plan) const {
  const Preference preference = make_preference(kind);
  cublasLtMatmulHeuristicResult_t best{};
  int found = 0;
  cublasStatus_t status =
      library_.heuristic(handle_, plan.description.get(), plan.a.get(), plan.b.get(), plan.c.get(),
                         plan.c.get(), preference.get(), 1, &best, &found);
  if (status == CUBLAS_STATUS_SUCCESS) {
    status = found == 0 ? CUBLAS_STATUS_NOT_SUPPORTED : best.state;
  }
  if (is_refusal(status)) return std::nullopt;
  check_blas(status, describe(kind));
  return best.algo;
}

Plan CublasLt::make_plan(const Kind& kind, const Product& product) const {
  const auto [m, n, k, a_stride, b_stride, c_stride] = kind.sizes;
  cublasLtMatmulDesc_t raw = nullptr;
  check_blas(library_.desc_create(&raw, compute_type(kind), scale_type(kind)), describe(kind));
  Plan plan{{raw, library_.desc_destroy},
            kind.transpose_a ? make_layout(kind.dtype, kind, k, m, a_stride)
                             : make_layout(kind.dtype, kind, m, k, a_stride),
            kind.transpose_b ? make_layout(kind.dtype, kind, n, k, b_stride)
                             : make_layout(kind.dtype, kind, k, n, b_stride),
            make_layout(kind.c_dtype, kind, m, n, c_stride),
            {}};
  const auto set = [&](cublasLtMatmulDescAttributes_t name, const auto& value) {
    check_blas(library_.desc_set(raw, name, &value, sizeof value), describe(kind));
  };
  set(CUBLASLT_MATMUL_DESC_TRANSA, kind.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N);
  set(CUBLASLT_MATMUL_DESC_TRANSB, kind.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N);
  set(CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue_of(kind));
  if (has_bits(kind.epilogue)) {
    set(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, relu_bits_stride(m));
  }
  point(plan, product);
  plan.algorithm = choose(kind, plan);
  return plan;
}

Plan& CublasLt::plan_for(const Kind& kind, const Product& product) {
  const auto known = plans_.find(kind);
  if (known != plans_.end()) return known->second;
  return plans_.emplace(kind, make_plan(kind, product)).first->second;
}

bool CublasLt::has_algorithm(const Product& product, bool tf32) {
  if (!takes_epilogue(product)) return false;
  const std::scoped_lock lock(mutex_);
  return plan_for(kind_of(product, tf32), product).algorithm.has_value();
}

bool CublasLt::multiply(const Product& product, bool tf32, StreamState& stream) {
  if (!takes_epilogue(product)) return false;
  const Kind kind = kind_of(product, tf32);
  void* const workspace = stream.blas_workspace();
  const std::scoped_lock lock(mutex_);
  Plan& plan = plan_for(kind, product);
  if (!plan.algorithm) return false;
  point(plan, product);
  const auto run = [&](const void* one, const void* beta) {
    return library_.matmul(handle_, plan.description.get(), one, product.a.data, plan.a.get(),
                           product.b.data, plan.b.get(), beta, product.c, plan.c.get(), product.c,
                           plan.c.get(), &*plan.algorithm, workspace, kBlasWorkspaceBytes,
                           stream.stream());
  };
  cublasStatus_t status{};
  if (product.dtype == DType::float64) {
    const double one = 1.0;
    const double beta = product.accumulate ? 1.0 : 0.0;
    status = run(&one, &beta);
  } else {
    const float one = 1.0F;
    const float beta = product.accumulate ? 1.0F : 0.0F;
    status = run(&one, &beta);
  }
  if (is_refusal(status)) {
    plan.algorithm.reset();
    return false;
  }
  check_blas(status, describe(kind));
  return true;
}

}  // namespace

std::unique_ptr<Blas> make_blas() {
  return std::make_unique<CublasLt>();
}

}  // namespace wick::cuda
