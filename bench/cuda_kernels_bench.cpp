// SPDX-License-Identifier: MIT
// Times the operations of a CUDA device by events: medians, on operands larger than its caches,
// next to a device-to-device copy measured in the same run, which is what a bandwidth-bound kernel
// can reach at most. Prints a table in Markdown. That the results are right, gpu_test says.
//
//   cuda_kernels_bench [--quick|--tiny]
//
// --quick repeats less often. --tiny takes operands of a few thousand numbers: it says nothing of
// speed, and tries this program on a simulated device.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <cuda_runtime_api.h>

#include "bench/norm_case.h"
#include "wick/core/backend.h"
#include "wick/core/backend/elementwise.h"
#include "wick/core/backend/loss.h"
#include "wick/core/backend/update.h"
#include "wick/core/error.h"
#include "wick/core/ops.h"
#include "wick/core/random.h"
#include "wick/kernels/cuda_stream.h"
#include "wick/kernels/devices.h"

namespace wick {
namespace {

constexpr Device kCuda{DeviceType::cuda, 0};

void check(cudaError_t status) {
  if (status != cudaSuccess) throw Error(cudaGetErrorString(status));
}

class Bench {
 public:
  Bench(int repetitions, bool tiny) : repetitions_(repetitions), tiny_(tiny) {
    for (cudaEvent_t& event : events_) check(cudaEventCreate(&event));
    stream_ = static_cast<cudaStream_t>(current_cuda_stream(kCuda));
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;
  ~Bench() {
    for (cudaEvent_t event : events_) cudaEventDestroy(event);
  }

  [[nodiscard]] cudaStream_t stream() const { return stream_; }

  /// The number that is measured, or, of a tiny run, the other one.
  [[nodiscard]] std::int64_t size(std::int64_t full, std::int64_t tiny) const {
    return tiny_ ? tiny : full;
  }

  /// The median time of `work` in milliseconds.
  double time(const std::function<void()>& work) {
    for (int i = 0; i < 3; ++i) work();
    backend_for(kCuda).synchronize();
    std::vector<float> times;
    for (int i = 0; i < repetitions_; ++i) {
      check(cudaEventRecord(events_[0], stream_));
      work();
      check(cudaEventRecord(events_[1], stream_));
      check(cudaEventSynchronize(events_[1]));
      float milliseconds = 0;
      check(cudaEventElapsedTime(&milliseconds, events_[0], events_[1]));
      times.push_back(milliseconds);
    }
    backend_for(kCuda).synchronize();
    std::nth_element(times.begin(), times.begin() + repetitions_ / 2, times.end());
    return static_cast<double>(times[static_cast<std::size_t>(repetitions_ / 2)]);
  }

  /// A row of the table: `bytes` are all that the operation must read and write.
  void bandwidth(const std::string& name, double bytes, const std::function<void()>& work) {
    const double milliseconds = time(work);
    const double rate = bytes / milliseconds / 1e6;
    if (limit_ == 0) limit_ = rate;
    std::printf("| %s | %.3f ms | %.0f GB/s | %.1f %% |\n", name.c_str(), milliseconds, rate,
                100.0 * rate / limit_);
    std::fflush(stdout);
  }
  void arithmetic(const std::string& name, double operations, const std::function<void()>& work) {
    const double milliseconds = time(work);
    std::printf("| %s | %.3f ms | %.1f TFLOP/s | |\n", name.c_str(), milliseconds,
                operations / milliseconds / 1e9);
    std::fflush(stdout);
  }

 private:
  int repetitions_;
  bool tiny_;
  cudaEvent_t events_[2]{};
  cudaStream_t stream_ = nullptr;
  double limit_ = 0;  // GB/s of the first row, the copy
};

Tensor zeros(const Dims& shape, DType dtype = DType::float32) {
  return Tensor::zeros(shape, dtype, kCuda);
}

void run_copies(Bench& bench) {
  const std::int64_t side = bench.size(1 << 14, 1 << 6);
  const std::int64_t count = side * side;  // 1 GiB of float32
  const Tensor a = zeros({count});
  const Tensor b = zeros({count});
  const auto bytes = static_cast<double>(a.nbytes());
  bench.bandwidth(concat("device-to-device copy, ", a.nbytes() >> 10, " KiB"), 2 * bytes, [&] {
    check(cudaMemcpyAsync(b.raw(), a.raw(), a.nbytes(), cudaMemcpyDeviceToDevice, bench.stream()));
  });
  bench.bandwidth("copy, contiguous, float32", 2 * bytes, [&] { b.copy_(a); });
  const Tensor square = a.view({side, side});
  const Tensor turned = b.view({side, side});
  bench.bandwidth(concat("copy, transposed, [", side, ", ", side, "]"), 2 * bytes,
                  [&] { turned.copy_(square.transpose(0, 1)); });
  const Tensor half = zeros({count}, DType::bfloat16);
  bench.bandwidth("float32 to bfloat16", 1.5 * bytes, [&] { half.copy_(a); });
  bench.bandwidth("bfloat16 to float32", 1.5 * bytes, [&] { a.copy_(half); });
  bench.bandwidth("zero", bytes, [&] { b.zero_(); });
  const Tensor c = zeros({count});
  constexpr UnaryParameters kParameters{1.0, 20.0};
  for (const UnaryOpInfo& info : kUnaryOps) {
    bench.bandwidth(info.name, 2 * bytes, [&] { ops::unary(info.op, a, b, kParameters); });
    bench.bandwidth(info.backward_name, 3 * bytes,
                    [&] { ops::unary_backward(info.op, a, b, c, kParameters); });
  }
  bench.bandwidth("add", 3 * bytes, [&] { ops::add(a, b, c); });
  bench.bandwidth("multiply", 3 * bytes, [&] { ops::multiply(a, b, c); });
  Generator there(kCuda);
  const Tensor mask = Tensor::empty({count}, DType::boolean, kCuda);
  bench.bandwidth("dropout", 2.25 * bytes, [&] { there.dropout(a, 0.5, mask, b); });
  const Tensor loss = zeros({});
  for (std::size_t op = 0; op < kLossOpCount; ++op) {
    bench.bandwidth(concat(kLossNames[op], " and gradient"), 3 * bytes, [&] {
      const bool has_var = static_cast<LossOp>(op) == LossOp::gaussian_nll_loss;
      ops::pointwise_loss(static_cast<LossOp>(op), a, b, loss, &c,
                          {.a = 1.0, .var = has_var ? &b : nullptr});
    });
  }
}

void run_norms(Bench& bench) {
  Generator generator(kCuda, 2);
  const std::int64_t rows = bench.size(65536, 64);
  const std::int64_t cols = bench.size(1024, 32);
  const std::int64_t images = bench.size(256, 4);
  const std::int64_t inner = bench.size(3136, 4);
  for (const auto& [op, shape] : {std::pair(NormOp::layer_norm, NormShape{rows, cols}),
                                  std::pair(NormOp::layer_norm, NormShape{rows / 16, cols * 16}),
                                  std::pair(NormOp::rms_norm, NormShape{rows, cols}),
                                  std::pair(NormOp::layer_norm, NormShape{images, 64, inner, 32}),
                                  std::pair(NormOp::batch_norm, NormShape{rows, cols}),
                                  std::pair(NormOp::batch_norm, NormShape{images, 64, inner})}) {
    const bench::NormCase there(op, shape, generator);
    const auto bytes = static_cast<double>(there.x.nbytes());
    const std::string name = concat(name_of(op), ", [", shape.samples, ", ", shape.channels, ", ",
                                    shape.inner, "], ", shape.groups, " groups");
    bench.bandwidth(name, 2 * bytes, [&] { there.forward(); });
    bench.bandwidth(name + ", gradients", 3 * bytes, [&] { there.backward(); });
  }
  const Tensor x = Tensor::normal({rows, cols}, 0, 1, generator, DType::float32, kCuda);
  const Tensor slope = Tensor::full({cols}, 0.25, DType::float32, kCuda);
  const Tensor grad = zeros({rows, cols});
  const Tensor y = zeros({rows, cols});
  const Tensor by_slope = zeros({cols});
  const auto bytes = static_cast<double>(x.nbytes());
  const std::string name = concat("prelu, [", rows, ", ", cols, "]");
  bench.bandwidth(name, 2 * bytes, [&] { ops::prelu(x, slope, y); });
  bench.bandwidth(name + ", gradients", 3 * bytes,
                  [&] { ops::prelu_backward(grad, x, slope, &y, &by_slope, false); });
}

void run_rows(Bench& bench) {
  Generator generator(1);
  const std::int64_t rows = bench.size(65536, 64);
  const std::int64_t cols = bench.size(1024, 32);
  const std::string shape = concat(", [", rows, ", ", cols, "]");
  const Tensor part = Tensor::normal({cols, cols}, 0, 1, generator).to(kCuda);
  const Tensor logits = Tensor::empty({rows, cols}, DType::float32, kCuda);
  for (std::int64_t i = 0; i < rows; i += cols) logits.slice(0, i, i + cols).copy_(part);
  const Tensor targets =
      Tensor::uniform({rows}, 0, static_cast<double>(cols), generator, DType::float64)
          .to(DType::int64)
          .to(kCuda);
  const Tensor loss = zeros({});
  const Tensor grad = zeros({rows, cols});
  const auto bytes = static_cast<double>(logits.nbytes());
  bench.bandwidth("softmax cross-entropy and gradient" + shape, 2 * bytes,
                  [&] { ops::cross_entropy(logits, targets, loss, &grad); });
  const Tensor sums = zeros({cols});
  bench.bandwidth("column_sums" + shape, bytes, [&] { ops::column_sums(logits, sums); });
  const Tensor best = Tensor::empty({rows}, DType::int64, kCuda);
  bench.bandwidth("argmax" + shape, bytes, [&] { ops::argmax(logits, best); });

  const std::int64_t image_count = bench.size(1 << 19, 64);
  const Tensor images = zeros({image_count, 1, 784}, DType::uint8);
  const Tensor order = generator.randperm(image_count).to(kCuda);
  const Tensor inputs = zeros({image_count, 784});
  const Tensor scale = Tensor::from<float>({1.0F / 255.0F});
  const Tensor shift = Tensor::from<float>({0.0F});
  const auto count = static_cast<double>(image_count);
  bench.bandwidth(concat("gather of 784 bytes to float32, ", image_count, " rows"),
                  count * (784.0 * 5 + 8),
                  [&] { ops::gather_affine(images, &order, scale, shift, inputs); });
  const Tensor picked = zeros({image_count, 784}, DType::uint8);
  bench.bandwidth(concat("index_select of 784 bytes, ", image_count, " rows"),
                  count * (784.0 * 2 + 8), [&] {
                    ops::index_select(images.view({image_count, 784}), order, picked);
                  });
}

void run_updates(Bench& bench) {
  const std::int64_t params = bench.size(100'000'000, 5'000);
  const std::string of = concat(", ", params, " parameters");
  const Tensor param = zeros({params});
  const Tensor grad = Tensor::full({params}, 1e-3, DType::float32, kCuda);
  const Tensor mean = zeros({params});
  const Tensor square = zeros({params});
  Backend& backend = backend_for(kCuda);
  const auto bytes = 4.0 * static_cast<double>(params);
  UpdateArgs adam{.op = UpdateOp::adam,
                  .count = params,
                  .param = param.raw(),
                  .grad = grad.raw(),
                  .state = {mean.raw(), square.raw()},
                  .step = 10,
                  .lr = 1e-3,
                  .beta1 = 0.9,
                  .beta2 = 0.999,
                  .eps = 1e-8};
  bench.bandwidth("Adam" + of, 7 * bytes, [&] { backend.update(adam); });
  adam.weight_decay = 0.01;
  adam.decoupled_weight_decay = true;
  bench.bandwidth("AdamW" + of, 7 * bytes, [&] { backend.update(adam); });
  const UpdateArgs sgd{.op = UpdateOp::sgd,
                       .count = params,
                       .param = param.raw(),
                       .grad = grad.raw(),
                       .state = {mean.raw()},
                       .lr = 1e-3,
                       .momentum = 0.9};
  bench.bandwidth("SGD with momentum" + of, 5 * bytes, [&] { backend.update(sgd); });
  UpdateArgs other = adam;
  other.weight_decay = 0.0;
  other.decoupled_weight_decay = false;
  for (const UpdateOp op : {UpdateOp::nadam, UpdateOp::radam, UpdateOp::adamax}) {
    other.op = op;
    bench.bandwidth(info_of(op).name + of, 7 * bytes, [&] { backend.update(other); });
  }
  other.state[1] = nullptr;
  for (const UpdateOp op : {UpdateOp::rmsprop, UpdateOp::adagrad}) {
    other.op = op;
    bench.bandwidth(info_of(op).name + of, 5 * bytes, [&] { backend.update(other); });
  }
}

void run_products(Bench& bench) {
  Generator generator(2);
  struct Shape {
    std::int64_t rows, cols, depth;
  };
  for (const Shape& full : {Shape{8192, 2048, 784}, {8192, 2048, 2048}, {8192, 8192, 8192}}) {
    const std::int64_t m = bench.size(full.rows, full.rows / 512);
    const std::int64_t n = bench.size(full.cols, full.cols / 128);
    const std::int64_t k = bench.size(full.depth, full.depth / 16);
    const Tensor a = zeros({m, k});
    const Tensor b = zeros({n, k});
    const Tensor bias = zeros({n});
    const Tensor c = zeros({m, n});
    // Zeros would need less power, and so run faster, than numbers do.
    a.copy_(Tensor::normal({1, k}, 0, 1, generator).to(kCuda).as_strided({m, k}, {0, 1}, 0));
    b.copy_(Tensor::normal({1, k}, 0, 1, generator).to(kCuda).as_strided({n, k}, {0, 1}, 0));
    for (const bool tf32 : {false, true}) {
      set_allow_tf32(tf32);
      bench.arithmetic(concat("product with bias and ReLU, ", m, " x ", n, " x ", k,
                              tf32 ? ", TF32" : ", float32"),
                       2.0 * static_cast<double>(m) * static_cast<double>(n * k), [&] {
                         ops::matmul(a, b, c, {.transpose_b = true, .bias = &bias, .relu = true});
                       });
    }
    set_allow_tf32(false);
  }
}

void run(bool quick, bool tiny) {
  Bench bench(tiny ? 1 : quick ? 5 : 25, tiny);
  std::printf("| operation | time | rate | of the copy |\n|---|---:|---:|---:|\n");
  run_copies(bench);
  run_rows(bench);
  run_norms(bench);
  run_updates(bench);
  run_products(bench);
}

}  // namespace
}  // namespace wick

int main(int argc, char** argv) {
  const std::string option = argc > 1 ? argv[1] : "";
  if (argc > 2 || !(option.empty() || option == "--quick" || option == "--tiny")) {
    std::cerr << "usage: cuda_kernels_bench [--quick|--tiny]\n";
    return 2;
  }
  if (!wick::cuda_available()) {
    std::cerr << "cuda_kernels_bench: there is no CUDA device\n";
    return 77;
  }
  try {
    wick::run(option == "--quick", option == "--tiny");
  } catch (const std::exception& error) {
    std::cerr << "cuda_kernels_bench: " << error.what() << '\n';
    return 1;
  }
}
