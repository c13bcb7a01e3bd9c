// SPDX-License-Identifier: MIT
#include "bench/onednn_packed.h"

#include <unordered_map>

#include <oneapi/dnnl/dnnl.hpp>

namespace wick::bench {
namespace {

using Tag = dnnl::memory::format_tag;

dnnl::memory::desc matrix(std::int64_t rows, std::int64_t cols, Tag tag) {
  return {{rows, cols}, dnnl::memory::data_type::f32, tag};
}

class OneDnnProduct final : public PackedProduct {
 public:
  explicit OneDnnProduct(const Product& p)
      : engine_(dnnl::engine::kind::cpu, 0),
        stream_(engine_),
        a_(matrix(p.m, p.k, p.transpose_a ? Tag::ba : Tag::ab), engine_, const_cast<float*>(p.a)),
        c_(matrix(p.m, p.n, Tag::ab), engine_, p.c),
        description_(describe(p)),
        b_(description_.weights_desc(), engine_),
        primitive_(description_) {
    dnnl::memory plain(matrix(p.k, p.n, p.transpose_b ? Tag::ba : Tag::ab), engine_,
                       const_cast<float*>(p.b));
    dnnl::reorder(plain, b_).execute(stream_, plain, b_);
    stream_.wait();
    arguments_ = {{DNNL_ARG_SRC, a_}, {DNNL_ARG_WEIGHTS, b_}, {DNNL_ARG_DST, c_}};
  }

  void multiply() override {
    primitive_.execute(stream_, arguments_);
    stream_.wait();
  }

 private:
  // The format of B is the library's choice.
  [[nodiscard]] dnnl::matmul::primitive_desc describe(const Product& p) const {
    const dnnl::memory::desc b = matrix(p.k, p.n, Tag::any);
#if DNNL_VERSION_MAJOR >= 3
    return {engine_, a_.get_desc(), b, c_.get_desc()};
#else
    return {dnnl::matmul::desc(a_.get_desc(), b, c_.get_desc()), engine_};
#endif
  }

  dnnl::engine engine_;
  dnnl::stream stream_;
  dnnl::memory a_;
  dnnl::memory c_;
  dnnl::matmul::primitive_desc description_;
  dnnl::memory b_;
  dnnl::matmul primitive_;
  std::unordered_map<int, dnnl::memory> arguments_;
};

}  // namespace

std::unique_ptr<PackedProduct> pack_onednn(const Product& product) {
  return std::make_unique<OneDnnProduct>(product);
}

}  // namespace wick::bench
