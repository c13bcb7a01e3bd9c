// SPDX-License-Identifier: MIT
#include "core/overlap.h"

#include <functional>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/core/ops.h"
#include "wick/core/random.h"

namespace wick {
namespace {

using testing::expect_throw_with;

constexpr const char* kShare = "share memory; clone() one of them first";
constexpr const char* kOnePlace = "lie at one place in memory";

// The first byte of each element, one after the other.
std::vector<std::int64_t> places(const Tensor& tensor) {
  const auto unit = static_cast<std::int64_t>(size_of(tensor.dtype()));
  std::vector<std::int64_t> result{tensor.offset() * unit};
  for (std::size_t dim = 0; dim < tensor.shape().size(); ++dim) {
    std::vector<std::int64_t> next;
    for (const std::int64_t place : result) {
      for (std::int64_t i = 0; i < tensor.shape()[dim]; ++i) {
        next.push_back(place + i * tensor.strides()[dim] * unit);
      }
    }
    result = std::move(next);
  }
  return result;
}

// Byte by byte.
bool share_bytes(const Tensor& a, const Tensor& b) {
  std::set<std::int64_t> bytes;
  for (const std::int64_t place : places(a)) {
    for (std::size_t i = 0; i < size_of(a.dtype()); ++i) {
      bytes.insert(place + static_cast<std::int64_t>(i));
    }
  }
  for (const std::int64_t place : places(b)) {
    for (std::size_t i = 0; i < size_of(b.dtype()); ++i) {
      if (bytes.contains(place + static_cast<std::int64_t>(i))) return true;
    }
  }
  return false;
}

bool repeats(const Tensor& tensor) {
  const auto all = places(tensor);
  return std::set(all.begin(), all.end()).size() != all.size();
}

Tensor random_layout(const std::shared_ptr<Storage>& storage, std::mt19937_64& random) {
  const auto below = [&random](std::int64_t limit) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(limit));
  };
  while (true) {
    constexpr std::array kTypes = {DType::float32, DType::float64, DType::uint8, DType::int32};
    const DType dtype = kTypes[static_cast<std::size_t>(below(4))];
    Dims shape;
    Dims strides;
    for (std::int64_t dim = below(4); dim > 0; --dim) {
      shape.push_back(below(5));
      strides.push_back(below(12));
    }
    try {
      return {storage, dtype, shape, strides, below(40)};
    } catch (const ShapeError&) {  // reaches outside
    }
  }
}

TEST(Overlap, IsWhatThePlacesOfAllElementsSay) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(concat("seed ", seed));
  std::mt19937_64 random(seed);
  const auto storage = std::make_shared<Storage>(400, backend_for(kCpu));
  std::map<Overlap, int> seen;
  int internal = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Tensor a = random_layout(storage, random);
    const Tensor b = random_layout(storage, random);
    const std::string what = concat(a, a.strides(), a.offset(), b, b.strides(), b.offset());
    const Overlap overlap = overlap_of(a, b);
    ++seen[overlap];
    ASSERT_EQ(overlap != Overlap::none, share_bytes(a, b)) << what;
    if (overlap == Overlap::same) {
      ASSERT_EQ(places(a), places(b)) << what;
    }
    ASSERT_EQ(overlaps_itself(a), repeats(a)) << what;
    internal += repeats(a) ? 1 : 0;
  }
  EXPECT_GT(seen[Overlap::none], 1000);
  EXPECT_GT(seen[Overlap::partial], 1000);
  EXPECT_GT(internal, 1000);
}

TEST(Overlap, EqualLayoutsAreTheSame) {
  const Tensor x = Tensor::zeros({4, 6});
  EXPECT_EQ(overlap_of(x, x), Overlap::same);
  EXPECT_EQ(overlap_of(x.transpose(0, 1), x.transpose(0, 1)), Overlap::same);
  EXPECT_EQ(overlap_of(x, x.transpose(0, 1)), Overlap::partial);
  EXPECT_EQ(overlap_of(x.slice(1, 0, 3), x.slice(1, 3, 6)), Overlap::none)
      << "columns side by side";
  EXPECT_EQ(overlap_of(x.slice(1, 0, 3), x.slice(1, 2, 6)), Overlap::partial);
  EXPECT_EQ(overlap_of(x.slice(0, 0, kEnd, 2), x.slice(0, 1, kEnd, 2)), Overlap::none);
  EXPECT_EQ(overlap_of(x, x.clone()), Overlap::none);
  EXPECT_EQ(overlap_of(x, Tensor()), Overlap::none);
  EXPECT_EQ(overlap_of(x, x.slice(0, 2, 2)), Overlap::none) << "no elements";
}

// Of a size that no search over elements would end for.
TEST(Overlap, LargeTensorsTakeNoLonger) {
  const std::int64_t side = std::int64_t{1} << 14;
  const Tensor x = Tensor::empty({side, side}, DType::uint8);
  EXPECT_EQ(overlap_of(x.slice(1, 0, kEnd, 2), x.slice(1, 1, kEnd, 2)), Overlap::none);
  EXPECT_EQ(overlap_of(x.slice(1, 0, kEnd, 2), x.transpose(0, 1).slice(1, 1, kEnd, 2)),
            Overlap::partial);
  EXPECT_FALSE(overlaps_itself(x.transpose(0, 1).slice(0, 0, kEnd, 3)));
  const Tensor meta = Tensor::empty({side, side}, DType::float32, kMeta);
  EXPECT_EQ(overlap_of(meta, meta.transpose(0, 1)), Overlap::none) << "it has no elements";
}

// PyTorch 2.15 refuses all of these:
//   a = torch.arange(9.).reshape(3, 3); a.copy_(a.t()); a[1:].copy_(a[:2])
//   torch.zeros(3).expand(3, 3).copy_(a)   (uniform_ and normal_ likewise; fill_ and zero_ work)
TEST(Overlap, CopyRefusesItsOwnTranspose) {
  const Tensor a = Tensor::arange(9, DType::float32).view({3, 3});
  const Tensor before = a.clone();
  expect_throw_with<ValueError>([&] { a.copy_(a.transpose(0, 1)); }, kShare);
  expect_throw_with<ValueError>([&] { a.slice(0, 1).copy_(a.slice(0, 0, 2)); }, kShare);
  expect_throw_with<ValueError>([&] { a.slice(1, 0, 2).copy_(a.slice(1, 1)); }, kShare);
  EXPECT_TRUE(bitwise_equal(a, before)) << "nothing was written";
  a.copy_(a);
  EXPECT_TRUE(bitwise_equal(a, before));
  a.slice(1, 0, 1).copy_(a.slice(1, 1, 2));  // columns side by side
  EXPECT_EQ(a.to_vector<float>(), (std::vector<float>{1, 1, 2, 4, 4, 5, 7, 7, 8}));
  a.copy_(a.transpose(0, 1).clone());
  EXPECT_EQ(a.to_vector<float>(), (std::vector<float>{1, 4, 7, 1, 4, 7, 2, 5, 8}));
}

TEST(Overlap, ConversionInPlaceWorksElementByElement) {
  const Tensor a = Tensor::from<float>({1, 2, 3, 4});
  const Tensor bits(a.storage(), DType::int32, {4}, {1}, 0);
  bits.copy_(a);  // as in PyTorch: a.view(torch.int32).copy_(a)
  EXPECT_EQ(bits.to_vector<std::int32_t>(), (std::vector<std::int32_t>{1, 2, 3, 4}));
  const Tensor wide(a.storage(), DType::float64, {2}, {1}, 0);
  expect_throw_with<ValueError>([&] { wide.copy_(bits.slice(0, 0, 2)); }, kShare);
}

TEST(Overlap, AnExpandedTensorTakesOneValueOnly) {
  const Tensor row = Tensor::zeros({3});
  const Tensor expanded = row.as_strided({3, 3}, {0, 1}, 0);
  const Tensor a = Tensor::ones({3, 3});
  Generator generator(1);
  expect_throw_with<ValueError>([&] { expanded.copy_(a); }, kOnePlace);
  expect_throw_with<ValueError>([&] { expanded.copy_(a.to(DType::float64)); }, kOnePlace);
  expect_throw_with<ValueError>([&] { expanded.uniform_(0, 1, generator); }, kOnePlace);
  expect_throw_with<ValueError>([&] { expanded.normal_(0, 1, generator); }, kOnePlace);
  expect_throw_with<ValueError>([&] { ops::matmul(a, a, expanded); }, kOnePlace);
  expect_throw_with<ValueError>(
      [&] {
        Tensor::zeros({10}).as_strided({3, 3}, {1, 1}, 0).copy_(a);
      },
      kOnePlace);
  EXPECT_EQ(row.to_vector<float>(), (std::vector<float>{0, 0, 0}));
  EXPECT_TRUE(bitwise_equal(generator.get_state(), Generator(1).get_state()))
      << "nothing was drawn";
  expanded.fill_(2.0);
  EXPECT_EQ(row.to_vector<float>(), (std::vector<float>{2, 2, 2}));
  expanded.zero_();
  EXPECT_EQ(row.to_vector<float>(), (std::vector<float>{0, 0, 0}));
  row.as_strided({1, 3}, {0, 1}, 0).copy_(Tensor::ones({1, 3}));  // one row is no repetition
  EXPECT_EQ(row.to_vector<float>(), (std::vector<float>{1, 1, 1}));
}

TEST(Overlap, OperationsRefuseResultsOverTheirOperands) {
  const Tensor x = Tensor::ones({8, 8});
  const Tensor a = x.slice(0, 0, 4).slice(1, 0, 4);
  const Tensor b = Tensor::ones({4, 4});
  const Tensor c = Tensor::zeros({4, 4});
  const Tensor vector = Tensor::ones({4});
  const Tensor first_row = c.select(0, 0);
  const Tensor last_row = b.select(0, 3);
  const Tensor labels = Tensor::from<std::int64_t>({0, 1, 2, 3});
  const auto refused = [](const std::function<void()>& call) {
    expect_throw_with<ValueError>(call, kShare);
  };
  refused([&] { ops::matmul(a, b, a); });
  refused([&] { ops::matmul(b, a, x.slice(0, 3, 7).slice(1, 3, 7)); });
  refused([&] { ops::matmul(a, b, c, {.bias = &first_row}); });
  refused([&] { ops::matmul(a, b, c, {.relu_mask = &c}); });
  refused([&] { ops::matmul(a, b, c, {.transpose_a = true, .a_sums = &first_row}); });
  refused([&] { ops::matmul(a, b, c, {.transpose_a = true, .a_sums = &last_row}); });
  refused([&] { ops::column_sums(c, first_row); });
  refused([&] { ops::relu(x.view({64}).slice(0, 0, 63), x.view({64}).slice(0, 1)); });
  refused([&] { ops::relu_backward(x.slice(0, 0, 4), x.slice(0, 4), x.slice(0, 1, 5)); });
  refused([&] { ops::relu_backward(x.slice(0, 0, 4), x.slice(0, 4), x.slice(0, 3, 7)); });
  refused([&] { ops::index_select(labels, labels, labels); });
  refused([&] { ops::index_select(c, labels, c); });
  refused([&] { ops::gather_affine(c, &labels, vector, vector, c); });
  refused([&] { ops::gather_affine(c, nullptr, vector, vector, c); });
  const Tensor loss = Tensor::zeros({1});
  const Tensor sum = Tensor::zeros({1}, DType::float64);
  refused([&] { ops::cross_entropy(c, labels, c.slice(0, 0, 1).slice(1, 0, 1), nullptr); });
  refused([&] { ops::cross_entropy(c, labels, loss, &c); });
  refused([&] { ops::cross_entropy(b, labels, first_row.slice(0, 1, 2), &c); });
  const Tensor in_the_sum(sum.storage(), DType::float32, {1}, {1}, 1);
  refused([&] { ops::cross_entropy(b, labels, in_the_sum, nullptr, {.loss_sum = &sum}); });
  const Tensor numbers = Tensor::zeros({4, 4}, DType::float64);
  const Tensor in_them(numbers.storage(), DType::int64, {4}, {1}, 4);
  refused([&] { ops::argmax(numbers, in_them); });
  EXPECT_EQ(c.to_vector<float>(), std::vector<float>(16, 0.0F)) << "nothing was written";

  ops::matmul(a, b, x.slice(0, 0, 4).slice(1, 4));  // columns of one matrix, side by side
  EXPECT_EQ(x.at<float>({3, 7}), 4.0F);
  EXPECT_EQ(x.at<float>({3, 3}), 1.0F);
  ops::relu(x, x);
  ops::relu_backward(c, b, c);
  ops::relu_backward(c, b, b);
}

}  // namespace
}  // namespace wick
