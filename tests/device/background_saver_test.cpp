// SPDX-License-Identifier: MIT
// Snapshots whose copies are made in a stream of the caller's, and written by another thread.
#include "wick/serialize/background_saver.h"

#include <random>
#include <vector>

#include <cuda_runtime_api.h>

#include "tests/device/device_under_test.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/kernels/cuda_stream.h"
#include "wick/serialize/checkpoint.h"

namespace wick {
namespace {

using testing::kCuda;
using testing::kSecondCuda;
using testing::OnDevice;
using testing::OnTwoDevices;
using testing::TempDir;

class CallersStream {
 public:
  explicit CallersStream(int device) : device_(device) {
    EXPECT_EQ(cudaSetDevice(device), cudaSuccess);
    EXPECT_EQ(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), cudaSuccess);
    EXPECT_EQ(cudaSetDevice(0), cudaSuccess);
  }
  CallersStream(const CallersStream&) = delete;
  CallersStream& operator=(const CallersStream&) = delete;
  ~CallersStream() {
    EXPECT_EQ(cudaSetDevice(device_), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
    EXPECT_EQ(cudaStreamDestroy(stream_), cudaSuccess);
    EXPECT_EQ(cudaSetDevice(0), cudaSuccess);
  }
  [[nodiscard]] cudaStream_t get() const { return stream_; }

 private:
  int device_;
  cudaStream_t stream_ = nullptr;
};

// Saves random tensors of these devices while their streams have work before and behind the copies.
// Nobody waits for the streams meanwhile. Frees of the caller's would put the device's own stream,
// in which the writer works, behind the caller's: half of the time there are none.
void expect_snapshot(const std::vector<Device>& devices, std::mt19937& random,
                     Generator& generator) {
  const TempDir dir;
  Dict expected;
  BackgroundSaver saver;
  std::vector<Tensor> tensors;
  Dict state;
  const std::uint64_t count = 1 + random() % 5;
  for (std::uint64_t i = 0; i < count; ++i) {
    // Some go to the host at once, some in pieces.
    const auto size = static_cast<std::int64_t>(1 + random() % (random() % 4 == 0 ? 90000 : 500));
    const Tensor values = Tensor::normal({size}, 0.0, 1.0, generator);
    const Tensor there = Tensor::empty({size}, DType::float32, devices[random() % devices.size()]);
    there.copy_(values);
    tensors.push_back(there);
    state.set(Value(concat("t", i)), Value(there));
    expected.set(Value(concat("t", i)), Value(values));
  }
  saver.save(state, dir / "snapshot.pt");
  for (const Tensor& tensor : tensors) tensor.zero_();
  if (random() % 2 == 0) {
    state = Dict();
    tensors.clear();
  }
  saver.wait();
  EXPECT_TRUE(load(dir / "snapshot.pt", kCpu) == Value(expected));
}

using BackgroundSaving = OnDevice;

TEST_F(BackgroundSaving, WaitsForTheCopiesInTheCallersStream) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(concat("seed ", seed));
  std::mt19937 random(seed);
  Generator generator(seed);
  const CallersStream stream(0);
  for (int round = 0; round < 12; ++round) {
    const CudaStreamGuard guard(kCuda, stream.get());
    expect_snapshot({kCuda, kCuda, kCpu}, random, generator);
  }
  // The device is well: memory of the snapshots went back when it was done with.
  backend_for(kCuda).synchronize();
}

using BackgroundSavingOfTwo = OnTwoDevices;

TEST_F(BackgroundSavingOfTwo, WaitsForTheCopiesOnEach) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(concat("seed ", seed));
  std::mt19937 random(seed);
  Generator generator(seed);
  const CallersStream first(0);
  const CallersStream second(1);
  for (int round = 0; round < 6; ++round) {
    const CudaStreamGuard guard(kCuda, first.get());
    const CudaStreamGuard other(kSecondCuda, second.get());
    expect_snapshot({kCuda, kSecondCuda}, random, generator);
  }
  backend_for(kCuda).synchronize();
  backend_for(kSecondCuda).synchronize();
}

}  // namespace
}  // namespace wick
