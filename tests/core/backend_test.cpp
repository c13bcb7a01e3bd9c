// SPDX-License-Identifier: MIT
// What a device need not have: the base class refuses it.
#include "wick/core/backend.h"

#include <new>

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/backend/arithmetic.h"
#include "wick/core/backend/attention.h"
#include "wick/core/backend/elementwise.h"
#include "wick/core/backend/matrix.h"
#include "wick/core/backend/memory.h"
#include "wick/core/backend/recurrent.h"
#include "wick/core/backend/reduce.h"
#include "wick/core/backend/rows.h"
#include "wick/core/backend/update.h"
#include "wick/core/error.h"

namespace wick {
namespace {

// Has memory, and nothing that computes element by element.
class SmallDevice final : public Backend {
 public:
  [[nodiscard]] Device device() const noexcept override { return {DeviceType::cuda, 7}; }
  [[nodiscard]] void* allocate(std::size_t bytes) override { return ::operator new(bytes); }
  void deallocate(void* data, std::size_t /*bytes*/) noexcept override { ::operator delete(data); }
  void copy_from_host(void*, const void*, std::size_t) override {}
  void copy_to_host(void*, const void*, std::size_t) override {}
  void zero(void*, std::size_t) override {}
  void copy_strided(const StridedRef&, const StridedRef&) override {}
  void synchronize() override {}
  void advance(std::int64_t*) override {}
  void matmul(const MatmulArgs&) override {}
  void column_sums(DType, ConstMatrixRef, void*, bool) override {}
  void cross_entropy(const CrossEntropyArgs&) override {}
  void argmax(DType, ConstMatrixRef, std::int64_t*) override {}
  void count_hits(DType, ConstMatrixRef, const std::int64_t*, std::int64_t*) override {}
  void gather_affine(const GatherAffineArgs&) override {}
  void index_select(const IndexSelectArgs&) override {}
};

TEST(Backend, RefusesTheFunctionsThatADeviceLacksByTheirNames) {
  SmallDevice device;
  for (const UnaryOpInfo& info : kUnaryOps) {
    testing::expect_throw_with<DeviceError>([&] { device.unary({.op = info.op}); },
                                            concat(info.name, ": the device cuda:7"));
    testing::expect_throw_with<DeviceError>([&] { device.unary_backward({.op = info.op}); },
                                            concat(info.backward_name, ": the device cuda:7"));
  }
}

TEST(Backend, RefusesArithmeticAndReductionsByTheirNames) {
  SmallDevice device;
  const auto refused = [](const auto& call, const char* name) {
    testing::expect_throw_with<DeviceError>(call, concat(name, ": the device cuda:7"));
  };
  for (std::size_t i = 0; i < kBinaryOpCount; ++i) {
    refused([&] { device.binary({.op = static_cast<BinaryOp>(i)}); }, kBinaryNames[i]);
  }
  refused([&] { device.ternary({.op = TernaryOp::clamp}); }, "clamp");
  refused([&] { device.reduce({.op = ReduceOp::max}); }, "max");
}

TEST(Backend, RefusesRecurrenceAndAttentionByTheirNames) {
  SmallDevice device;
  const auto refused = [](const auto& call, const char* name) {
    testing::expect_throw_with<DeviceError>(call, concat(name, ": the device cuda:7"));
  };
  for (std::size_t i = 0; i < kCellOpCount; ++i) {
    const auto op = static_cast<CellOp>(i);
    refused([&] { device.recurrent({.op = op}); }, info_of(op).name);
    refused([&] { device.recurrent_backward({.op = op}); }, info_of(op).name);
  }
  refused([&] { device.attention(AttentionArgs{}); }, "attention");
  refused([&] { device.attention_backward(AttentionBackwardArgs{}); }, "attention_backward");
}

TEST(Backend, RefusesTheUpdatesThatADeviceLacksByTheirNames) {
  SmallDevice device;
  for (const UpdateOpInfo& info : kUpdateOps) {
    testing::expect_throw_with<DeviceError>([&] { device.update({.op = info.op}); },
                                            concat(info.name, ": the device cuda:7"));
  }
}

TEST(Backend, ATensorWithoutElementsHasNoFunctionOfThem) {
  testing::expect_throw_with<DeviceError>([] { backend_for(kMeta).unary({.op = UnaryOp::tanh}); },
                                          "tanh: a tensor on the device");
}

}  // namespace
}  // namespace wick
