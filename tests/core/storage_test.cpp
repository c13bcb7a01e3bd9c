// SPDX-License-Identifier: MIT
#include "wick/core/storage.h"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/core/tensor.h"

namespace wick {
namespace {

TEST(Storage, AllocatesAlignedBytes) {
  Backend& backend = backend_for(kCpu);
  for (const std::size_t bytes :
       {std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{100001}}) {
    const Storage storage(bytes, backend);
    EXPECT_EQ(storage.bytes(), bytes);
    EXPECT_EQ(storage.device(), kCpu);
    EXPECT_EQ(&storage.backend(), &backend);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(storage.data()) % 64, 0U);
  }
}

TEST(Storage, MayBeEmpty) {
  const Tensor empty = Tensor::empty({0});
  EXPECT_EQ(empty.storage()->bytes(), 0U);
  EXPECT_TRUE(bitwise_equal(empty.clone(), empty));
}

TEST(Storage, WrapsBytesThatAnOwnerKeeps) {
  auto owner = std::make_shared<std::vector<float>>(std::vector<float>{1, 2, 3, 4});
  const std::weak_ptr<std::vector<float>> watch = owner;
  {
    Tensor tensor(std::make_shared<Storage>(owner->data(), 16, backend_for(kCpu), owner),
                  DType::float32, {2, 2}, {2, 1}, 0);
    EXPECT_EQ(tensor.raw(), owner->data()) << "no copy";
    tensor.fill_(9.0);
    EXPECT_EQ((*owner)[3], 9.0F);
    owner.reset();
    EXPECT_FALSE(watch.expired()) << "the tensor keeps the bytes alive";
    EXPECT_EQ(tensor.at<float>({1, 1}), 9.0F);
  }
  EXPECT_TRUE(watch.expired());
}

TEST(Storage, BytesOfOthersNeedAnOwnerAndAreNeverFreed) {
  std::vector<float> values{1, 2, 3, 4};
  Backend& backend = backend_for(kCpu);
  testing::expect_throw_with<ValueError>(
      [&] { const Storage borrowed(values.data(), 16, backend, nullptr); },
      "the owner of 16 bytes is empty");
  testing::expect_throw_with<ValueError>(
      [&] { const Storage nowhere(nullptr, 16, backend, std::make_shared<int>(1)); },
      "the address of 16 bytes is null");
  {  // bytes that stay by themselves
    const Storage storage(values.data(), 16, backend, {values.data(), [](const void*) {}});
    EXPECT_EQ(storage.data(), values.data());
  }
  bool released = false;
  {  // an owner that points to nothing
    const std::shared_ptr<const void> owner(nullptr, [&](const void*) { released = true; });
    const Storage storage(values.data(), 16, backend, owner);
  }
  EXPECT_TRUE(released);
  EXPECT_EQ(values, (std::vector<float>{1, 2, 3, 4}));
}

TEST(Storage, LivesAsLongAsAnyView) {
  Tensor tensor = Tensor::arange(10);
  const std::weak_ptr<Storage> watch = tensor.storage();
  Tensor view = tensor.slice(0, 8);
  tensor = Tensor();
  EXPECT_FALSE(watch.expired());
  EXPECT_EQ(view.at<std::int64_t>({1}), 9);
  view = Tensor();
  EXPECT_TRUE(watch.expired());
}

}  // namespace
}  // namespace wick
