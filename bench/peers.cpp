// SPDX-License-Identifier: MIT
#include "bench/peers.h"

#include <cstdlib>

#include <Eigen/Core>
#include <dlfcn.h>

namespace wick::bench {
namespace {

// -- Eigen; this file is compiled for the machine that builds it ----------------------------------

using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

void multiply_eigen(const Product& p) {
  const Eigen::Map<const RowMajor> a(p.a, p.transpose_a ? p.k : p.m, p.transpose_a ? p.m : p.k);
  const Eigen::Map<const RowMajor> b(p.b, p.transpose_b ? p.n : p.k, p.transpose_b ? p.k : p.n);
  Eigen::Map<RowMajor> c(p.c, p.m, p.n);
  if (p.transpose_a) {
    c.noalias() = a.transpose() * b;
  } else if (p.transpose_b) {
    c.noalias() = a * b.transpose();
  } else {
    c.noalias() = a * b;
  }
}

// -- Libraries opened at run time. Their functions stay where they were found.
// ---------------------

// cblas_sgemm: order, transposes, sizes as int; 101 is row-major, 111 plain, 112 transposed.
using CblasSgemm = void (*)(int, int, int, int, int, int, float, const float*, int, const float*,
                            int, float, float*, int);
// dnnl_sgemm: row-major; 'N' or 'T'.
using DnnlSgemm = int (*)(char, char, std::int64_t, std::int64_t, std::int64_t, float, const float*,
                          std::int64_t, const float*, std::int64_t, float, float*, std::int64_t);

template <typename Function>
Function find(std::initializer_list<const char*> libraries, const char* name) {
  for (const char* const library : libraries) {
    if (void* const handle = ::dlopen(library, RTLD_NOW | RTLD_LOCAL)) {
      if (void* const symbol = ::dlsym(handle, name)) return reinterpret_cast<Function>(symbol);
    }
  }
  return nullptr;
}

CblasSgemm openblas() {
  static const auto function = find<CblasSgemm>({"libopenblas.so.0"}, "cblas_sgemm");
  return function;
}

DnnlSgemm onednn() {
  static const auto function = find<DnnlSgemm>({"libdnnl.so.3", "libdnnl.so.2"}, "dnnl_sgemm");
  return function;
}

void multiply_openblas(const Product& p) {
  const auto size = [](std::int64_t value) { return static_cast<int>(value); };
  openblas()(101, p.transpose_a ? 112 : 111, p.transpose_b ? 112 : 111, size(p.m), size(p.n),
             size(p.k), 1.0F, p.a, size(p.transpose_a ? p.m : p.k), p.b,
             size(p.transpose_b ? p.k : p.n), 0.0F, p.c, size(p.n));
}

void multiply_onednn(const Product& p) {
  onednn()(p.transpose_a ? 'T' : 'N', p.transpose_b ? 'T' : 'N', p.m, p.n, p.k, 1.0F, p.a,
           p.transpose_a ? p.m : p.k, p.b, p.transpose_b ? p.k : p.n, 0.0F, p.c, p.n);
}

}  // namespace

std::vector<Peer> find_peers(int threads) {
  // Both libraries read these when they are opened.
  const std::string count = std::to_string(threads);
  ::setenv("OMP_NUM_THREADS", count.c_str(), 1);
  ::setenv("OPENBLAS_NUM_THREADS", count.c_str(), 1);
  // Too late for an OpenMP that is loaded already, with a oneDNN that is linked to.
  if (void* const symbol = ::dlsym(RTLD_DEFAULT, "omp_set_num_threads")) {
    reinterpret_cast<void (*)(int)>(symbol)(threads);
  }
  std::vector<Peer> peers{{"eigen", multiply_eigen}};
  if (openblas() != nullptr) peers.push_back({"openblas", multiply_openblas});
  if (onednn() != nullptr) peers.push_back({"onednn", multiply_onednn});
  return peers;
}

}  // namespace wick::bench
