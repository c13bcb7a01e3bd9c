// SPDX-License-Identifier: MIT
// Saves a tensor and loads it again.
#include <cstdio>

#include <wick/core/tensor.h>
#include <wick/core/value.h>
#include <wick/serialize/checkpoint.h>

int main() {
  const auto tensor = wick::Tensor::from<float>({1, 2, 3}, {3});
  wick::save(wick::Value(tensor), "hello.pt");
  const bool same = wick::bitwise_equal(wick::load("hello.pt").as_tensor(), tensor);
  std::puts(same ? "the same" : "another");
  return same ? 0 : 1;
}
