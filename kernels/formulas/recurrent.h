// SPDX-License-Identifier: MIT
// One step of each kind of cell (CellOp) and its gradient, for one element of the state: written
// once for the CPU's vectors and CUDA's threads. `M` is what they compute with: Float32Math or
// LibraryMath. Formulas are those of torch.nn.RNNCell, LSTMCell and GRUCell.
//
// forward<M>(g, h, c): `g` are the element's parts of the gates, which become the gates after their
// functions; h and c are the state before the step and become that after it.
// backward<M>(g, h, c, dh, dc): `g` is what forward() has left and becomes the gradients by the
// parts; h and c are the state before the step; dh and dc are the gradients by the state after the
// step and become those by the state before it, without what comes through the gates.
#pragma once

#include "kernels/formulas/float32_math.h"
#include "kernels/formulas/library_math.h"
#include "wick/core/backend/recurrent.h"

namespace wick::formulas {

template <CellOp Op>
struct Cell;

template <>
struct Cell<CellOp::rnn_tanh> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr void forward(V (&g)[1], V& h, V& /*c*/) {
    g[0] = M::tanh(g[0]);
    h = g[0];
  }
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr void backward(V (&g)[1], V /*h*/, V /*c*/, V& dh,
                                                        V& /*dc*/) {
    using S = typename M::Scalar;
    g[0] = dh * (S(1) - g[0] * g[0]);
    dh = M::set(0);
  }
};

template <>
struct Cell<CellOp::rnn_relu> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr void forward(V (&g)[1], V& h, V& /*c*/) {
    using S = typename M::Scalar;
    g[0] = g[0] < S(0) ? M::set(0) : g[0];
    h = g[0];
  }
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr void backward(V (&g)[1], V /*h*/, V /*c*/, V& dh,
                                                        V& /*dc*/) {
    using S = typename M::Scalar;
    g[0] = g[0] <= S(0) ? M::set(0) : dh;
    dh = M::set(0);
  }
};

template <>
struct Cell<CellOp::lstm> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr void forward(V (&g)[4], V& h, V& c) {
    g[0] = M::sigmoid(g[0]);
    g[1] = M::sigmoid(g[1]);
    g[2] = M::tanh(g[2]);
    g[3] = M::sigmoid(g[3]);
    c = g[1] * c + g[0] * g[2];
    h = g[3] * M::tanh(c);
  }
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr void backward(V (&g)[4], V /*h*/, V c, V& dh, V& dc) {
    using S = typename M::Scalar;
    const V i = g[0];
    const V f = g[1];
    const V n = g[2];
    const V o = g[3];
    const V after = M::tanh(f * c + i * n);  // as in forward(), which does not keep it
    const V d = dc + dh * o * (S(1) - after * after);
    g[0] = d * n * ((S(1) - i) * i);
    g[1] = d * c * ((S(1) - f) * f);
    g[2] = d * i * (S(1) - n * n);
    g[3] = dh * after * ((S(1) - o) * o);
    dc = d * f;
    dh = M::set(0);
  }
};

template <>
struct Cell<CellOp::gru> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr void forward(V (&g)[4], V& h, V& /*c*/) {
    g[0] = M::sigmoid(g[0]);
    g[1] = M::sigmoid(g[1]);
    g[2] = M::tanh(g[2] + g[0] * g[3]);
    h = g[2] + g[1] * (h - g[2]);
  }
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr void backward(V (&g)[4], V h, V /*c*/, V& dh, V& /*dc*/) {
    using S = typename M::Scalar;
    const V r = g[0];
    const V z = g[1];
    const V n = g[2];
    const V from_h = g[3];
    const V d = dh * (S(1) - z) * (S(1) - n * n);
    g[0] = d * from_h * ((S(1) - r) * r);
    g[1] = dh * (h - n) * ((S(1) - z) * z);
    g[2] = d;
    g[3] = d * r;
    dh = dh * z;
  }
};

}  // namespace wick::formulas
