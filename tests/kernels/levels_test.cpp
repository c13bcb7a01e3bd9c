// SPDX-License-Identifier: MIT
// The choice of the instruction set.
#include "kernels/cpu/simd/levels.h"

#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/core/tensor.h"
#include "wick/kernels/devices.h"

namespace wick {
namespace {

// Sets an environment variable for the life of the object.
class ScopedEnv {
 public:
  ScopedEnv(const char* name, const char* value) : name_(name) {
    if (const char* const old = std::getenv(name)) old_ = old;
    ::setenv(name, value, 1);
  }
  ScopedEnv(const ScopedEnv&) = delete;
  ScopedEnv& operator=(const ScopedEnv&) = delete;
  ~ScopedEnv() {
    if (old_) {
      ::setenv(name_, old_->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }

 private:
  const char* name_;
  std::optional<std::string> old_;
};

TEST(Levels, TheEnvironmentForcesALevel) {
  for (const cpu::Level& level : cpu::available_levels()) {
    const ScopedEnv env("WICK_SIMD", level.name);
    EXPECT_EQ(cpu::choose_level().float32, level.float32);
    EXPECT_EQ(cpu::choose_level().pairs, level.pairs);
  }
}

TEST(Levels, TheBestIsTheDefault) {
  const ScopedEnv env("WICK_SIMD", "");
  EXPECT_STREQ(cpu::choose_level().name, cpu::available_levels().front().name);
}

TEST(Levels, UnknownNamesAreRefused) {
  const ScopedEnv env("WICK_SIMD", "avx1024");
  testing::expect_throw_with<ValueError>([] { (void)cpu::choose_level(); }, "avx1024");
}

TEST(Devices, ThereIsNoCudaInThisBuild) {
  if (cuda_available()) GTEST_SKIP() << "there is a CUDA device";
  EXPECT_EQ(cuda_device_count(), 0);
  testing::expect_throw_with<DeviceError>(
      [] {
        (void)Tensor::zeros({1}, DType::float32, {DeviceType::cuda, 0});
      },
      "cuda:0");
}

TEST(Devices, ThreadsMustBePositive) {
  EXPECT_THROW(set_num_threads(0), ValueError);
  set_num_threads(2);
  EXPECT_EQ(num_threads(), 2);
  set_num_threads(1);
  EXPECT_EQ(num_threads(), 1);
}

}  // namespace
}  // namespace wick
