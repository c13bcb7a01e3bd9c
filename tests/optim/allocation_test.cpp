// SPDX-License-Identifier: MIT
// A step allocates nothing after the first. Counts every operator new and malloc-backed call of the
// program, so it is a program of its own.
#include <atomic>
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "optim/adam.h"
#include "optim/sgd.h"
#include "tests/optim/reference.h"

namespace {

std::atomic<int> allocations{0};

void* counted(std::size_t size, std::size_t alignment) {
  ++allocations;
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  void* const memory = std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) {
  return counted(size, alignof(std::max_align_t));
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t /*size*/, std::align_val_t /*alignment*/) noexcept {
  std::free(memory);
}

namespace wick::testing {
namespace {

void expect_no_allocation(optim::Optimizer& optimizer, const std::vector<ParameterPtr>& params) {
  const auto step = [&](int i) {
    set_gradients(params, i, true);
    const int before = allocations;
    optimizer.step();
    return allocations - before;
  };
  EXPECT_GT(step(0), 0) << "the counter counts nothing: the state is made in the first step";
  for (int i = 1; i < 6; ++i) EXPECT_EQ(step(i), 0) << "step " << i;
}

TEST(AllocationTest, NoneInASgdStep) {
  const auto params = make_params(DType::float32);
  optim::SGD optimizer(params, {.momentum = 0.9, .nesterov = true});
  expect_no_allocation(optimizer, params);
}

TEST(AllocationTest, NoneInAnAdamStep) {
  const auto params = make_params(DType::float32);
  optim::Adam optimizer(params, {.amsgrad = true});
  expect_no_allocation(optimizer, params);
}

TEST(AllocationTest, NoneInAnAdamWStep) {
  const auto params = make_params(DType::float64);
  optim::AdamW optimizer(params);
  expect_no_allocation(optimizer, params);
}

}  // namespace
}  // namespace wick::testing
