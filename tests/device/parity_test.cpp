// SPDX-License-Identifier: MIT
// Every operation of a CUDA backend but matrix products against the CPU's, in both dtypes, on sizes
// that are multiples of nothing.
#include "tests/device/device_under_test.h"
#include "wick/core/backend.h"
#include "wick/core/backend/loss.h"
#include "wick/core/backend/update.h"
#include "wick/core/ops.h"

namespace wick {
namespace {

using testing::expect_near;
using testing::kCuda;
using testing::OnDevice;
using testing::random_indices;
using testing::random_normal;
using testing::tolerance;

constexpr DType kBoth[] = {DType::float32, DType::float64};

class Parity : public OnDevice {
 protected:
  Generator generator_{1};
};

TEST_F(Parity, ColumnSums) {
  for (const DType dtype : kBoth) {
    for (const std::int64_t rows : {0, 1, 3, 32, 257}) {
      for (const std::int64_t cols : {1, 10, 33, 130}) {
        for (const bool accumulate : {false, true}) {
          const std::int64_t first = rows > 0 ? 1 : 0;
          const auto inner = [&](const Tensor& t) { return t.slice(1, first, first + cols); };
          const Tensor x = inner(random_normal({rows, cols + 3}, generator_, dtype));
          const Tensor expected = random_normal({cols}, generator_, dtype);
          const Tensor actual = expected.to(kCuda);
          const Tensor there = inner(Tensor::empty({rows, cols + 3}, dtype, kCuda));
          there.copy_(x);
          ops::column_sums(x, expected, accumulate);
          ops::column_sums(there, actual, accumulate);
          expect_near(actual, expected, tolerance(dtype), concat(rows, " x ", cols, ' ', dtype));
        }
      }
    }
  }
}

TEST_F(Parity, SumsAndProductsOfElements) {
  for (const DType dtype : kBoth) {
    for (const std::int64_t count : {0, 1, 3, 5, 1023, 70001}) {
      const Tensor a = random_normal({count}, generator_, dtype);
      const Tensor b = random_normal({count}, generator_, dtype);
      const Tensor out = Tensor::empty({count}, dtype);
      const Tensor there = b.to(kCuda);
      ops::add(a, b, out);
      ops::add(a.to(kCuda), there, there);  // in place
      EXPECT_TRUE(bitwise_equal(there.to(kCpu), out)) << count;
      ops::multiply(a, b, out);
      const Tensor product = Tensor::empty({count}, dtype, kCuda);
      ops::multiply(a.to(kCuda), b.to(kCuda), product);
      EXPECT_TRUE(bitwise_equal(product.to(kCpu), out)) << count;
    }
  }
}

TEST_F(Parity, LossesThatAreSumsOverElements) {
  for (const DType dtype : kBoth) {
    for (const Dims& shape : {Dims{}, Dims{5}, Dims{3, 7}, Dims{2, 300, 11}}) {
      const std::int64_t cols = shape.empty() ? 1 : shape.back();
      const Tensor x = random_normal(shape, generator_, dtype);
      const Tensor t = Tensor::uniform(shape, 0.0, 1.0, generator_, dtype);
      const Tensor weight = Tensor::uniform({cols}, 0.5, 2.0, generator_, dtype);
      const Tensor between = Tensor::uniform(shape, 0.05, 0.95, generator_, dtype);
      const Tensor var = Tensor::uniform(shape, 0.9, 2.0, generator_, dtype);
      const auto run = [&](LossOp op, bool weighted, Device device) {
        const Tensor loss = Tensor::empty({}, dtype, device);
        const Tensor sum = Tensor::full({}, 3.0, DType::float64, device);
        const Tensor grad = Tensor::empty(shape, dtype, device);
        const Tensor weight_there = weight.to(device);
        const Tensor var_there = var.to(device);
        // Some take probabilities.
        const Tensor& input = op > LossOp::binary_cross_entropy_with_logits ? between : x;
        ops::pointwise_loss(op, input.to(device), t.to(device), loss, &grad,
                            {.weight = weighted ? &weight_there : nullptr,
                             .pos_weight = weighted ? &weight_there : nullptr,
                             .a = 0.8,
                             .loss_sum = &sum,
                             .var = op == LossOp::gaussian_nll_loss ? &var_there : nullptr});
        return std::vector<Tensor>{loss, sum, grad};
      };
      for (std::size_t op = 0; op < kLossOpCount; ++op) {
        for (const bool weighted : {false, true}) {
          const auto expected = run(static_cast<LossOp>(op), weighted, kCpu);
          const auto actual = run(static_cast<LossOp>(op), weighted, kCuda);
          for (std::size_t i = 0; i < expected.size(); ++i) {
            expect_near(actual[i], expected[i], tolerance(dtype),
                        concat(kLossNames[op], ' ', shape, ' ', dtype, ' ', i));
          }
        }
      }
    }
  }
}

TEST_F(Parity, ReluAndItsGradient) {
  for (const DType dtype : kBoth) {
    for (const std::int64_t count : {0, 1, 3, 4, 5, 1023, 4099}) {
      const Tensor x = random_normal({count}, generator_, dtype);
      if (count > 3) {
        x.slice(0, 1, 2).fill_(std::nan(""));
        x.slice(0, 2, 3).fill_(-0.0);
      }
      const Tensor dy = random_normal({count}, generator_, dtype);
      const Tensor y = Tensor::empty({count}, dtype);
      const Tensor dx = Tensor::empty({count}, dtype);
      ops::relu(x, y);
      ops::relu_backward(dy, y, dx);
      const Tensor y_there = x.to(kCuda);
      ops::relu(y_there, y_there);
      const Tensor dx_there = dy.to(kCuda);
      ops::relu_backward(dx_there, y_there, dx_there);
      expect_near(y_there, y, 0.0);
      expect_near(dx_there, dx, 0.0);
    }
  }
}

TEST_F(Parity, CrossEntropyWithEveryOption) {
  for (const DType dtype : kBoth) {
    for (const std::int64_t rows : {0, 1, 5, 67}) {
      for (const std::int64_t classes : {1, 10, 33, 1000}) {
        for (int bits = 0; bits < 16; ++bits) {
          const Tensor logits = random_normal({rows, classes}, generator_, dtype);
          const Tensor targets = random_indices(rows, classes, generator_);
          if (rows > 2) targets.slice(0, 1, 2).fill_(-100);
          const Tensor weight = Tensor::uniform({classes}, 0.5, 2.0, generator_, dtype);
          const Tensor weight_there = weight.to(kCuda);
          ops::CrossEntropyOptions options{.weight = (bits & 1) != 0 ? &weight : nullptr,
                                           .label_smoothing = (bits & 2) != 0 ? 0.1 : 0.0,
                                           .mean = (bits & 4) != 0};
          const Tensor loss = Tensor::zeros({}, dtype);
          const Tensor grad = Tensor::zeros({rows, classes}, dtype);
          const Tensor sum = Tensor::full({}, 3.0, DType::float64);
          options.loss_sum = &sum;
          ops::cross_entropy(logits, targets, loss, (bits & 8) != 0 ? &grad : nullptr, options);
          const Tensor loss_there = Tensor::zeros({}, dtype, kCuda);
          const Tensor grad_there = Tensor::zeros({rows, classes}, dtype, kCuda);
          const Tensor sum_there = Tensor::full({}, 3.0, DType::float64, kCuda);
          options.loss_sum = &sum_there;
          if (options.weight != nullptr) options.weight = &weight_there;
          ops::cross_entropy(logits.to(kCuda), targets.to(kCuda), loss_there,
                             (bits & 8) != 0 ? &grad_there : nullptr, options);
          const std::string what = concat("bits ", bits, ", ", rows, " x ", classes, ' ', dtype);
          expect_near(loss_there, loss, tolerance(dtype), what);
          expect_near(sum_there, sum, tolerance(dtype), what + ", sum");
          expect_near(grad_there, grad, tolerance(dtype), what + ", gradient");
        }
      }
    }
  }
}

TEST_F(Parity, ArgmaxAndHits) {
  for (const DType dtype : kBoth) {
    for (const std::int64_t rows : {0, 1, 70}) {
      for (const std::int64_t cols : {1, 10, 45, 300}) {
        const Tensor x = random_normal({rows, cols}, generator_, dtype);
        if (rows > 2 && cols > 9) {
          x.slice(0, 0, 1).fill_(1.0);  // equals: the first counts
          x.slice(0, 1, 2).slice(1, 7, 9).fill_(std::nan(""));
        }
        const Tensor labels = random_indices(rows, cols, generator_);
        const Tensor expected = Tensor::empty({rows}, DType::int64);
        ops::argmax(x, expected);
        const Tensor there = x.to(kCuda);
        const Tensor actual = Tensor::empty({rows}, DType::int64, kCuda);
        ops::argmax(there, actual);
        EXPECT_TRUE(bitwise_equal(actual, expected)) << rows << " x " << cols;
        EXPECT_EQ(ops::count_hits(there, labels.to(kCuda)), ops::count_hits(x, labels));
        EXPECT_EQ(ops::count_hits(there, actual), rows);
      }
    }
  }
}

TEST_F(Parity, GatherAffineOfBytesAndFloats) {
  for (const DType dtype : kBoth) {
    for (const DType source_dtype : {DType::uint8, dtype}) {
      for (const std::int64_t channels : {1, 3}) {
        for (const std::int64_t pixels : {1, 16, 49, 784}) {
          const Tensor source =
              Tensor::uniform({20, channels, pixels}, 0.0, 255.0, generator_).to(source_dtype);
          const Tensor scale = Tensor::uniform({channels}, 0.001, 0.01, generator_, dtype);
          const Tensor shift = random_normal({channels}, generator_, dtype);
          const Tensor indices = random_indices(11, 20, generator_);
          const Tensor expected = Tensor::empty({11, channels * pixels}, dtype);
          ops::gather_affine(source, &indices, scale, shift, expected);
          const Tensor indices_there = indices.to(kCuda);
          const Tensor actual = Tensor::empty({11, channels * pixels}, dtype, kCuda);
          ops::gather_affine(source.to(kCuda), &indices_there, scale, shift, actual);
          expect_near(actual, expected, dtype == DType::float64 ? 1e-15 : 1e-6);
          const Tensor all = Tensor::empty({20, channels * pixels}, dtype);
          const Tensor all_there = Tensor::empty({20, channels * pixels}, dtype, kCuda);
          ops::gather_affine(source, nullptr, scale, shift, all);
          ops::gather_affine(source.to(kCuda), nullptr, scale, shift, all_there);
          expect_near(all_there, all, dtype == DType::float64 ? 1e-15 : 1e-6);
        }
      }
    }
  }
}

TEST_F(Parity, IndexSelectOfEveryDtype) {
  for (int i = 0; i < kNumberDTypeCount; ++i) {
    const auto dtype = static_cast<DType>(i);
    for (const std::int64_t cols : {1, 3, 16, 61}) {
      const Tensor source =
          Tensor::uniform({9, cols}, 0.0, 100.0, generator_, DType::float64).to(dtype);
      const Tensor indices = random_indices(23, 9, generator_);
      const Tensor expected = Tensor::empty({23, cols}, dtype);
      const Tensor actual = Tensor::empty({23, cols}, dtype, kCuda);
      ops::index_select(source, indices, expected);
      ops::index_select(source.to(kCuda), indices.to(kCuda), actual);
      EXPECT_TRUE(bitwise_equal(actual, expected)) << dtype << ", " << cols;
    }
  }
}

TEST_F(Parity, SgdStepWithEveryOption) {
  for (const DType dtype : kBoth) {
    for (int bits = 0; bits < 16; ++bits) {
      UpdateArgs args{.op = UpdateOp::sgd, .dtype = dtype, .count = 1003, .lr = 0.1};
      args.momentum = (bits & 1) != 0 ? 0.9 : 0.0;
      args.nesterov = (bits & 1) != 0 && (bits & 2) != 0;
      args.dampening = args.nesterov ? 0.0 : 0.25;
      args.weight_decay = (bits & 4) != 0 ? 0.01 : 0.0;
      args.maximize = (bits & 8) != 0;
      const Tensor grad = random_normal({1003}, generator_, dtype);
      const Tensor param = random_normal({1003}, generator_, dtype);
      const Tensor buffer = Tensor::zeros({1003}, dtype);
      const Tensor there[] = {param.to(kCuda), grad.to(kCuda), buffer.to(kCuda)};
      const auto run = [&](const Tensor& p, const Tensor& g, const Tensor& b) {
        for (int step = 0; step < 3; ++step) {
          args.first_step = step == 0;
          args.param = p.raw();
          args.grad = g.raw();
          args.state[0] = args.momentum != 0.0 ? b.raw() : nullptr;
          p.backend().update(args);
        }
      };
      run(param, grad, buffer);
      run(there[0], there[1], there[2]);
      const double rtol = dtype == DType::float64 ? 1e-14 : 1e-6;
      expect_near(there[0], param, rtol, concat("bits ", bits, ' ', dtype));
      expect_near(there[2], buffer, rtol, concat("buffer, bits ", bits, ' ', dtype));
    }
  }
}

TEST_F(Parity, AdamStepWithEveryOption) {
  for (const DType dtype : kBoth) {
    for (int bits = 0; bits < 16; ++bits) {
      UpdateArgs args{.op = UpdateOp::adam,
                      .dtype = dtype,
                      .count = 1003,
                      .lr = 0.01,
                      .beta1 = 0.9,
                      .beta2 = 0.99,
                      .eps = 1e-8};
      args.weight_decay = (bits & 1) != 0 ? 0.01 : 0.0;
      args.decoupled_weight_decay = (bits & 2) != 0;
      args.maximize = (bits & 4) != 0;
      const bool amsgrad = (bits & 8) != 0;
      const Tensor grad = random_normal({1003}, generator_, dtype);
      const Tensor tensors[] = {random_normal({1003}, generator_, dtype),
                                Tensor::zeros({1003}, dtype), Tensor::zeros({1003}, dtype),
                                Tensor::zeros({1003}, dtype)};
      const Tensor there[] = {tensors[0].to(kCuda), tensors[1].to(kCuda), tensors[2].to(kCuda),
                              tensors[3].to(kCuda)};
      const auto run = [&](const Tensor& g, const Tensor* state) {
        for (int step = 1; step <= 3; ++step) {
          args.step = step;
          args.param = state[0].raw();
          args.grad = g.raw();
          args.state[0] = state[1].raw();
          args.state[1] = state[2].raw();
          args.state[2] = amsgrad ? state[3].raw() : nullptr;
          g.backend().update(args);
        }
      };
      run(grad, tensors);
      run(grad.to(kCuda), there);
      for (int i = 0; i < 4; ++i) {
        expect_near(there[i], tensors[i], dtype == DType::float64 ? 1e-13 : 2e-6,
                    concat("tensor ", i, ", bits ", bits, ' ', dtype));
      }
    }
  }
}

TEST_F(Parity, ZeroAdvanceAndFill) {
  const Tensor counter = Tensor::full({}, 41.0, DType::int64, kCuda);
  counter.backend().advance(static_cast<std::int64_t*>(counter.raw()));
  EXPECT_EQ(counter.item<std::int64_t>(), 42);
  const Tensor x = Tensor::full({5, 7}, 2.5, DType::float32, kCuda);
  EXPECT_EQ(x.to_vector<float>(), std::vector<float>(35, 2.5F));
  x.slice(1, 1, 3).zero_();
  EXPECT_EQ(x.at<float>({4, 2}), 0.0F);
  EXPECT_EQ(x.at<float>({4, 3}), 2.5F);
  x.zero_();
  EXPECT_EQ(x.to_vector<float>(), std::vector<float>(35, 0.0F));
}

TEST_F(Parity, ResultsAreTheSameBitsEachTime) {
  const Tensor logits = random_normal({777, 100}, generator_, DType::float32).to(kCuda);
  const Tensor targets = random_indices(777, 100, generator_).to(kCuda);
  const auto run = [&] {
    const Tensor loss = Tensor::zeros({}, DType::float32, kCuda);
    const Tensor grad = Tensor::zeros({777, 100}, DType::float32, kCuda);
    const Tensor sums = Tensor::zeros({100}, DType::float32, kCuda);
    ops::cross_entropy(logits, targets, loss, &grad);
    ops::column_sums(logits, sums);
    return std::vector<Tensor>{loss, grad, sums};
  };
  const std::vector<Tensor> first = run();
  const std::vector<Tensor> second = run();
  for (std::size_t i = 0; i < first.size(); ++i) EXPECT_TRUE(bitwise_equal(first[i], second[i]));
}

}  // namespace
}  // namespace wick
