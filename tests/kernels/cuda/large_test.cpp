// SPDX-License-Identifier: MIT
// Offsets beyond 2^32 elements: matrices of few elements whose rows lie billions apart, in address
// space of which only the touched pages exist.
#include <memory>

#include <sys/mman.h>

#include "tests/kernels/cuda/device.h"
#include "wick/core/backend/matrix.h"
#include "wick/core/backend/rows.h"

namespace wick::testing {
namespace {

constexpr std::int64_t kStride = (std::int64_t{1} << 32) + 4;  // in elements
constexpr std::int64_t kRows = 3;
constexpr std::int64_t kCols = 6;

/// kRows rows of kCols elements, kStride apart.
template <typename T>
class SparseMatrix {
 public:
  SparseMatrix()
      : bytes_(static_cast<std::size_t>((kRows - 1) * kStride + kCols) * sizeof(T)),
        data_(::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {
    if (data_ == MAP_FAILED) throw std::runtime_error("no address space of this size");
  }
  SparseMatrix(const SparseMatrix&) = delete;
  SparseMatrix& operator=(const SparseMatrix&) = delete;
  ~SparseMatrix() { ::munmap(data_, bytes_); }
  [[nodiscard]] T* data() const { return static_cast<T*>(data_); }
  [[nodiscard]] T& at(std::int64_t r, std::int64_t c) const { return data()[r * kStride + c]; }
  [[nodiscard]] MatrixRef ref() const { return {data_, kRows, kCols, kStride}; }
  void fill() const {
    for (std::int64_t i = 0; i < kRows * kCols; ++i) {
      at(i / kCols, i % kCols) = static_cast<T>((i * 7) % 5 + 1);
    }
  }

 private:
  std::size_t bytes_;
  void* data_;
};

TEST(CudaLarge, RowsBillionsOfElementsApart) {
  const Context context;
  const SparseMatrix<float> x;
  const SparseMatrix<float> grad;
  x.fill();

  const DeviceArray<float> sums(kCols);
  require(cuda::launch_column_sums(DType::float32, x.ref(), DType::float32, sums.data(), false,
                                   context));
  const DeviceArray<std::int64_t> best(kRows);
  require(cuda::launch_argmax(DType::float32, x.ref(), best.data(), context));
  const DeviceArray<std::int64_t> targets(std::vector<std::int64_t>{1, 2, 3});
  const DeviceArray<float> loss(1);
  CrossEntropyArgs entropy;
  entropy.logits = x.ref();
  entropy.targets = targets.data();
  entropy.loss = loss.data();
  entropy.grad = grad.ref();
  require(cuda::launch_cross_entropy(entropy, nullptr, context));
  require(cudaDeviceSynchronize());

  std::vector<float> flat;
  for (std::int64_t i = 0; i < kRows * kCols; ++i) flat.push_back(x.at(i / kCols, i % kCols));
  const DeviceArray<float> small(flat);
  const DeviceArray<float> small_grad(kRows * kCols);
  const DeviceArray<float> small_sums(kCols);
  const DeviceArray<std::int64_t> small_best(kRows);
  const DeviceArray<float> small_loss(1);
  const ConstMatrixRef ref{small.data(), kRows, kCols, kCols};
  require(cuda::launch_column_sums(DType::float32, ref, DType::float32, small_sums.data(), false,
                                   context));
  require(cuda::launch_argmax(DType::float32, ref, small_best.data(), context));
  entropy.logits = ref;
  entropy.loss = small_loss.data();
  entropy.grad = {small_grad.data(), kRows, kCols, kCols};
  require(cuda::launch_cross_entropy(entropy, nullptr, context));
  EXPECT_EQ(sums.download(), small_sums.download());
  EXPECT_EQ(best.download(), small_best.download());
  EXPECT_EQ(loss.download(), small_loss.download());
  const std::vector<float> expected = small_grad.download();
  for (std::int64_t i = 0; i < kRows * kCols; ++i) {
    EXPECT_EQ(grad.at(i / kCols, i % kCols), expected[static_cast<std::size_t>(i)]);
  }

  cuda::EpilogueArgs epilogue;
  epilogue.c = x.ref();
  epilogue.bias = small_sums.data();
  require(cuda::launch_epilogue(epilogue, context));
  require(cudaDeviceSynchronize());
  EXPECT_EQ(x.at(2, 5), flat[17] + small_sums.download()[5]);
}

TEST(CudaLarge, CopiesAndSelections) {
  const Context context;
  const SparseMatrix<std::uint8_t> x;
  x.fill();
  std::vector<std::uint8_t> flat;
  for (std::int64_t i = 0; i < kRows * kCols; ++i) flat.push_back(x.at(i / kCols, i % kCols));

  const DeviceArray<std::uint8_t> copy(kRows * kCols);
  require(cuda::launch_copy_strided({copy.data(), DType::uint8, {kRows, kCols}, {kCols, 1}},
                                    {x.data(), DType::uint8, {kRows, kCols}, {kStride, 1}},
                                    context));
  EXPECT_EQ(copy.download(), flat);
  const DeviceArray<std::int32_t> wide(kRows * kCols);
  require(cuda::launch_copy_strided({wide.data(), DType::int32, {kRows, kCols}, {kCols, 1}},
                                    {x.data(), DType::uint8, {kRows, kCols}, {kStride, 1}},
                                    context));
  EXPECT_EQ(wide.download(), std::vector<std::int32_t>(flat.begin(), flat.end()));

  // Rows of six bytes: the last row of the matrix is row number 2 * kStride / 6, roughly.
  const std::int64_t row = 2 * kStride / kCols;
  for (std::int64_t i = 0; i < kCols; ++i) x.data()[row * kCols + i] = static_cast<std::uint8_t>(i);
  const DeviceArray<std::int64_t> indices(std::vector<std::int64_t>{row, 0});
  const DeviceArray<std::uint8_t> selected(2 * kCols);
  require(cuda::launch_index_select({x.data(), row + 1, kCols, indices.data(), 2, selected.data()},
                                    {}, context));
  EXPECT_EQ(selected.download()[5], 5);
  EXPECT_EQ(selected.download()[6], flat[0]);
  const DeviceArray<float> gathered(2 * kCols);
  const float one = 1.0F;
  GatherAffineArgs gather;
  gather.source = x.data();
  gather.source_rows = row + 1;
  gather.pixels = kCols;
  gather.indices = indices.data();
  gather.count = 2;
  gather.scale = gather.shift = &one;
  gather.out = gathered.data();
  require(cuda::launch_gather_affine(gather, {}, context));
  EXPECT_EQ(gathered.download()[5], 6.0F);
}

}  // namespace
}  // namespace wick::testing
