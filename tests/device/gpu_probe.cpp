// SPDX-License-Identifier: MIT
// The first thing that tests/gpu runs: what this machine's GPU is and whether wick gets on with it,
// in "name: value" lines. Exits with 77 where CUDA finds no device, with 1 where something fails.
//
//   gpu_probe
#include <cmath>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>
#include <vector>

#include <cuda_runtime_api.h>
#include <dlfcn.h>

#include "tests/device/gpu_probe_kernel.h"
#include "wick/core/error.h"
#include "wick/core/ops.h"
#include "wick/core/random.h"
#include "wick/core/tensor.h"
#include "wick/kernels/devices.h"

namespace wick::probe {
namespace {

constexpr Device kCuda{DeviceType::cuda, 0};

void require(cudaError_t status, const char* what) {
  if (status != cudaSuccess) throw DeviceError(concat(what, ": ", cudaGetErrorString(status)));
}

void say(const char* name, const std::string& value) {
  std::printf("%s: %s\n", name, value.c_str());
  std::fflush(stdout);
}

// CUDA's versions are 1000 * major + 10 * minor.
std::string cuda_version(int version) {
  return concat(version / 1000, ".", version % 1000 / 10);
}

std::string mebibytes(std::size_t bytes) {
  return concat(bytes >> 20, " MiB");
}

void describe_device() {
  cudaDeviceProp device{};
  require(cudaGetDeviceProperties(&device, 0), "the device's properties");
  say("device", device.name);
  say("compute capability", concat(device.major, ".", device.minor));
  say("multiprocessors", concat(device.multiProcessorCount));
  say("shared memory of a block", concat(device.sharedMemPerBlockOptin, " bytes"));
  say("L2 cache", mebibytes(static_cast<std::size_t>(device.l2CacheSize)));
  int driver = 0;
  int runtime = 0;
  require(cudaDriverGetVersion(&driver), "the driver's version");
  require(cudaRuntimeGetVersion(&runtime), "the runtime's version");
  say("driver knows CUDA", cuda_version(driver));
  say("runtime", cuda_version(runtime));
  std::size_t free = 0;
  std::size_t total = 0;
  require(cudaMemGetInfo(&free, &total), "the device's memory");
  say("memory", concat(mebibytes(free), " free of ", mebibytes(total)));
}

// What does not run is no fault: wick asks before it uses clusters.
void try_clusters() {
  int major = 0;
  require(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0), "the capability");
  if (major < 9) {
    say("clusters", "this device has none");
    return;
  }
  for (const int blocks : {1, 2, 4, 8, 16}) {
    int counted = 0;
    const cudaError_t status = run_cluster(blocks, counted);
    std::string result = status != cudaSuccess ? concat("refused: ", cudaGetErrorString(status))
                         : counted != blocks   ? concat("WRONG: ", counted, " blocks ran")
                                               : std::string("runs");
    if (const int count = clusters_at_once(blocks); count > 0) {
      result += concat(", ", count, " at once");
    }
    say(concat("cluster of ", blocks).c_str(), result);
    if (status == cudaSuccess && counted != blocks) {
      throw DeviceError("a cluster did not run all its blocks");
    }
  }
}

// Where the loaded library of this name lies; empty where there is none.
std::string loaded_library(const std::string& name) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const std::size_t path = line.find('/');
    if (path != std::string::npos && line.find(name) != std::string::npos) return line.substr(path);
  }
  return "";
}

std::string version_of_blas(const std::string& path) {
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_NOLOAD);
  if (library == nullptr) return "unknown";
  const auto version = reinterpret_cast<std::size_t (*)()>(dlsym(library, "cublasLtGetVersion"));
  const std::string result = version == nullptr ? std::string("unknown") : concat(version());
  dlclose(library);
  return result;
}

// A small product beside the CPU's: kernels, copies and cuBLASLt.
void try_product() {
  Generator generator(1);
  const Tensor a = Tensor::normal({64, 48}, 0, 1, generator);
  const Tensor b = Tensor::normal({32, 48}, 0, 1, generator);
  const Tensor expected = Tensor::zeros({64, 32});
  ops::matmul(a, b, expected, {.transpose_b = true});
  const Tensor result = Tensor::zeros({64, 32}, DType::float32, kCuda);
  ops::matmul(a.to(kCuda), b.to(kCuda), result, {.transpose_b = true});
  const std::string path = loaded_library("libcublasLt.so");
  say("cuBLASLt",
      path.empty() ? std::string("the tests' own") : concat(version_of_blas(path), ", ", path));
  const std::vector<float> found = result.to_vector<float>();
  const std::vector<float> wanted = expected.to_vector<float>();
  double worst = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double apart = std::fabs(static_cast<double>(found[i]) - static_cast<double>(wanted[i]));
    worst = std::isfinite(apart) ? std::fmax(worst, apart) : apart;
    if (!std::isfinite(apart)) break;
  }
  say("largest difference of a product", concat(worst));
  if (!(worst < 1e-3)) throw DeviceError("a product of 64 x 48 x 32 is wrong");
}

}  // namespace
}  // namespace wick::probe

int main() {
  if (!wick::cuda_available()) {
    int count = 0;
    std::printf("no device: %s\n", cudaGetErrorString(cudaGetDeviceCount(&count)));
    return 77;
  }
  try {
    wick::probe::describe_device();
    wick::probe::try_product();
    wick::probe::try_clusters();
  } catch (const std::exception& error) {
    std::printf("FAILED: %s\n", error.what());
    return 1;
  }
  std::printf("the device works\n");
}
