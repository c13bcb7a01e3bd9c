// SPDX-License-Identifier: MIT
// Which epilogues of cuBLASLt a training step uses, and that it does without where the library has
// none. On simulated devices only: a real library does not tell.
#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "kernels/cuda/blas_library.h"
#include "tests/device/device_under_test.h"
#include "tests/device/simulated_cublas_lt.h"
#include "tests/simt/simt.h"
#include "wick/core/backend.h"
#include "wick/core/ops.h"
#include "wick/nn/sequential.h"

namespace wick {
namespace {

using testing::expect_near;
using testing::kCuda;
using testing::product_count;
using testing::Refusal;
using testing::RefusedEpilogues;

// Linear, ReLU, Linear, ReLU, Linear, on data of its own.
struct Network {
  Network(std::int64_t width, Device device, DType autocast = DType::float32) {
    Generator generator(5);
    model.add<nn::Linear>("fc1", 7, width, generator);
    model.add<nn::ReLU>("relu1");
    model.add<nn::Linear>("fc2", width, width + 1, generator);
    model.add<nn::ReLU>("relu2");
    model.add<nn::Linear>("fc3", width + 1, 3, generator);
    model.to(device);
    model.autocast(autocast);
    input = Tensor::normal({11, 7}, 0.0, 1.0, generator).to(device);
    grad = Tensor::normal({11, 3}, 0.0, 1.0, generator).to(device);
  }
  void step() {
    model.zero_grad();
    output = model.forward(input);
    input_grad = model.backward(grad);
  }
  nn::Sequential model;
  Tensor input, grad, output, input_grad;
};

void expect_same(Network& there, Network& here, double rtol, const std::string& what) {
  expect_near(there.output, here.output, rtol, what + ", output");
  expect_near(there.input_grad, here.input_grad, rtol, what + ", gradient");
  for (std::size_t i = 0; i < here.model.parameters().size(); ++i) {
    expect_near(there.model.parameters()[i]->grad, here.model.parameters()[i]->grad, rtol,
                concat(what, ", parameter ", i));
  }
}

// How often each epilogue was used by a call of `work`, with operands of this type.
std::vector<std::int64_t> used(cudaDataType_t type, const std::function<void()>& work) {
  const auto all = [type] {
    std::vector<std::int64_t> counts;
    for (const cublasLtEpilogue_t epilogue :
         {CUBLASLT_EPILOGUE_DEFAULT, CUBLASLT_EPILOGUE_BIAS, CUBLASLT_EPILOGUE_RELU_BIAS,
          CUBLASLT_EPILOGUE_RELU_AUX_BIAS, CUBLASLT_EPILOGUE_DRELU, CUBLASLT_EPILOGUE_BGRADB}) {
      counts.push_back(product_count(epilogue, type));
    }
    return counts;
  };
  const std::vector<std::int64_t> before = all();
  work();
  std::vector<std::int64_t> counts = all();
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] -= before[i];
  return counts;
}

// Launches of kernels, the library's included, by a call of `work`.
std::uint64_t launches_of(const std::function<void()>& work) {
  Backend& backend = backend_for(kCuda);
  backend.synchronize();  // work runs when the host waits for it
  const std::uint64_t before = simt::launches();
  work();
  backend.synchronize();
  return simt::launches() - before;
}

using Counts = std::vector<std::int64_t>;  // default, bias, ReLU, ReLU with bits, dReLU, bias sums

TEST(FusedEpilogues, ATrainingStepIsProductsAndTheReLUs) {
  Network network(140, kCuda);
  network.step();
  // The gradient by the input is the one product with nothing beside it.
  EXPECT_EQ(used(CUDA_R_32F, [&] { network.step(); }), (Counts{1, 3, 0, 0, 2, 3}));
  EXPECT_EQ(launches_of([&] { network.step(); }), 9U + 2U);
  Network here(140, kCpu);
  here.step();
  expect_same(network, here, 2e-5, "float32");
}

TEST(FusedEpilogues, UnderAutocastTheOthersAreCasts) {
  Network network(141, kCuda, DType::bfloat16);
  network.step();
  EXPECT_EQ(used(CUDA_R_16BF, [&] { network.step(); }), (Counts{1, 3, 0, 0, 2, 3}));
  // Of the input, three weights, two biases and the gradient.
  EXPECT_EQ(launches_of([&] { network.step(); }), 9U + 2U + 7U);
  Network here(141, kCpu, DType::bfloat16);
  here.step();
  expect_same(network, here, 1e-2, "bfloat16");
}

TEST(FusedEpilogues, NoBitsInEvaluationAndNoEpilogueForFloat64) {
  Network network(142, kCuda);
  network.model.eval();
  EXPECT_EQ(used(CUDA_R_32F, [&] { network.step(); }), (Counts{1 + 2, 3, 0, 0, 0, 3}));
  Network here(142, kCpu);
  here.step();
  expect_same(network, here, 2e-5, "eval");

  Network wide(143, kCuda);
  wide.model.to(DType::float64);
  wide.input = wide.input.to(DType::float64);
  wide.grad = wide.grad.to(DType::float64);
  EXPECT_EQ(used(CUDA_R_64F, [&] { wide.step(); }), (Counts{9, 0, 0, 0, 0, 0}));
}

TEST(FusedEpilogues, GradientsThatAddUp) {
  Network network(144, kCuda);
  Network here(144, kCpu);
  network.step();
  here.step();
  const auto again = [](Network& one) {
    (void)one.model.forward(one.input);
    one.input_grad = one.model.backward(one.grad);
  };
  // The library's sums of a bias's gradient overwrite.
  EXPECT_EQ(used(CUDA_R_32F, [&] { again(network); }), (Counts{1 + 3, 3, 0, 0, 2, 0}));
  again(here);
  expect_same(network, here, 2e-5, "twice");
}

// Where they are not at a multiple of 16 bytes, kernels of our own see to them.
TEST(FusedEpilogues, BiasesAndSumsAtAnyAddress) {
  Generator generator(6);
  const Tensor x = Tensor::normal({13, 17}, 0.0, 1.0, generator);
  const Tensor w = Tensor::normal({17, 19}, 0.0, 1.0, generator);
  const Tensor values = Tensor::normal({40}, 0.0, 1.0, generator);
  const auto run = [&](Device device, std::int64_t offset) {
    const Tensor there = values.to(device).clone();
    const Tensor bias = there.slice(0, offset, offset + 19);
    const Tensor sums = there.slice(0, offset + 19, offset + 36);
    const Tensor y = Tensor::empty({13, 19}, DType::float32, device);
    const Tensor z = Tensor::empty({17, 17}, DType::float32, device);
    ops::matmul(x.to(device), w.to(device), y, {.bias = &bias, .relu = true});
    ops::matmul(x.to(device), x.to(device), z, {.transpose_a = true, .a_sums = &sums});
    return std::vector<Tensor>{y, z, sums};
  };
  for (const std::int64_t offset : {0, 1, 2, 4}) {
    std::vector<Tensor> actual;
    const bool bias = offset % 4 == 0;
    const bool sums = (offset + 19) % 4 == 0;
    EXPECT_EQ(used(CUDA_R_32F, [&] { actual = run(kCuda, offset); }),
              (Counts{(bias ? 0 : 1) + (sums ? 0 : 1), bias ? 1 : 0, 0, 0, 0, sums ? 1 : 0}));
    const std::vector<Tensor> expected = run(kCpu, offset);
    for (std::size_t i = 0; i < 3; ++i) expect_near(actual[i], expected[i], 2e-5);
  }
}

TEST(FusedEpilogues, WhatTheLibraryDoesNotHaveKernelsDo) {
  std::int64_t width = 20;
  for (const Refusal how : {Refusal::heuristic_status, Refusal::no_algorithm, Refusal::at_launch}) {
    for (const DType autocast : {DType::float32, DType::bfloat16}) {
      const cudaDataType_t type = autocast == DType::float32 ? CUDA_R_32F : CUDA_R_16BF;
      struct Case {
        std::uint32_t refused;
        Counts expected;
      };
      for (const Case& refused : {Case{128, {1 + 2, 3, 0, 0, 0, 3}},  // all masks
                                  {CUBLASLT_EPILOGUE_BIAS, {1 + 3, 0, 0, 0, 2, 3}},
                                  {CUBLASLT_EPILOGUE_BGRADB, {1 + 3, 3, 0, 0, 2, 0}},
                                  {0xFFFFFFFE, {9, 0, 0, 0, 0, 0}}}) {  // all of them
        ++width;  // a size that nothing is known of
        // A product that is rounded before its bias and after it may lie on a ReLU's other side.
        if (refused.refused == CUBLASLT_EPILOGUE_BIAS && autocast == DType::bfloat16) continue;
        const RefusedEpilogues guard(refused.refused, how);
        Network there(width, kCuda, autocast);
        Network here(width, kCpu, autocast);
        here.step();
        const std::string what = concat("refused ", refused.refused, ", ", autocast);
        // The second step has all that the first has learned.
        for (int step = 0; step < 2; ++step) {
          EXPECT_EQ(used(type, [&] { there.step(); }), refused.expected) << what;
          expect_same(there, here, autocast == DType::float32 ? 2e-5 : 2e-2, what);
        }
      }
    }
  }
}

// What NVIDIA's library does of a NaN, and why its ReLU is not used.
TEST(SimulatedCublasLt, ItsReLUTakesNaNForZero) {
  const cuda::BlasLibrary& library = cuda::blas_library();
  const Tensor values = Tensor::from<float>({std::nanf(""), 2.0F, -2.0F, 1.0F}).to(kCuda);
  const Tensor result = Tensor::empty({3}, DType::float32, kCuda);
  cublasLtHandle_t handle = nullptr;
  cublasLtMatmulDesc_t desc = nullptr;
  cublasLtMatrixLayout_t column = nullptr;
  cublasLtMatrixLayout_t one = nullptr;
  library.create(&handle);
  library.desc_create(&desc, CUBLAS_COMPUTE_32F, CUDA_R_32F);
  const std::uint32_t relu = CUBLASLT_EPILOGUE_RELU;
  library.desc_set(desc, CUBLASLT_MATMUL_DESC_EPILOGUE, &relu, sizeof relu);
  library.layout_create(&column, CUDA_R_32F, 3, 1, 3);
  library.layout_create(&one, CUDA_R_32F, 1, 1, 1);
  cublasLtMatmulAlgo_t algorithm{};
  std::fill_n(algorithm.data, 8, 4);
  const float alpha = 1.0F;
  const float beta = 0.0F;
  const auto* const data = static_cast<const float*>(values.raw());
  backend_for(kCuda).synchronize();
  EXPECT_EQ(library.matmul(handle, desc, &alpha, data, column, data + 3, one, &beta, result.raw(),
                           column, result.raw(), column, &algorithm, values.raw(), 16, nullptr),
            CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
  EXPECT_EQ(result.to_vector<float>(), (std::vector<float>{0.0F, 2.0F, 0.0F}));
  library.layout_destroy(one);
  library.layout_destroy(column);
  library.desc_destroy(desc);
  library.destroy(handle);
}

// The library itself refuses what NVIDIA's does.
TEST(SimulatedCublasLt, KeepsTheRules) {
  const cuda::BlasLibrary& library = cuda::blas_library();
  cublasLtHandle_t handle = nullptr;
  cublasLtMatmulDesc_t desc = nullptr;
  cublasLtMatmulPreference_t preference = nullptr;
  library.create(&handle);
  library.preference_create(&preference);
  const std::uint32_t no_order = 7;
  const std::uint32_t fixed_order = 6;
  const auto ask = [&](cudaDataType_t ab, cudaDataType_t cd, std::uint32_t epilogue,
                       std::int64_t aux_ld, std::uint64_t k_of_b, std::uint32_t reductions) {
    library.desc_create(&desc, CUBLAS_COMPUTE_32F, CUDA_R_32F);
    library.desc_set(desc, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue);
    library.desc_set(desc, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, &aux_ld, sizeof aux_ld);
    library.preference_set(preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &reductions,
                           sizeof reductions);
    cublasLtMatrixLayout_t layouts[3] = {};
    library.layout_create(&layouts[0], ab, 200, 5, 200);
    library.layout_create(&layouts[1], ab, k_of_b, 4, 5);
    library.layout_create(&layouts[2], cd, 200, 4, 200);
    cublasLtMatmulHeuristicResult_t result{};
    int found = 0;
    const cublasStatus_t status =
        library.heuristic(handle, desc, layouts[0], layouts[1], layouts[2], layouts[2], preference,
                          1, &result, &found);
    for (const cublasLtMatrixLayout_t layout : layouts) library.layout_destroy(layout);
    library.desc_destroy(desc);
    return status;
  };
  const std::uint32_t drelu = CUBLASLT_EPILOGUE_DRELU;
  EXPECT_EQ(ask(CUDA_R_16BF, CUDA_R_32F, drelu, 256, 5, fixed_order), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(ask(CUDA_R_16BF, CUDA_R_16BF, drelu, 256, 5, fixed_order), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(ask(CUDA_R_32F, CUDA_R_16BF, drelu, 256, 5, fixed_order), CUBLAS_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(ask(CUDA_R_32F, CUDA_R_32F, drelu, 200, 5, fixed_order), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(ask(CUDA_R_32F, CUDA_R_32F, drelu, 128, 5, fixed_order), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(ask(CUDA_R_32F, CUDA_R_32F, drelu, 256, 4, fixed_order), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(ask(CUDA_R_32F, CUDA_R_32F, drelu, 256, 5, no_order), CUBLAS_STATUS_NOT_SUPPORTED);
  library.preference_destroy(preference);
  library.destroy(handle);
}

}  // namespace
}  // namespace wick
