// SPDX-License-Identifier: MIT
#include "nn/chain_order.h"

#include <cstdlib>
#include <map>
#include <numeric>

namespace wick::nn {
namespace {

constexpr std::size_t kMostLayers = 256;
constexpr std::size_t kMostSteps = 200'000;

/// A chain over all layers is a walk that takes each edge of a graph once, whose nodes are the
/// numbers of values and whose edges are the layers: every node must be left as often as it is
/// reached, but for the first and the last. Without this, a search may try all there is.
bool may_form_a_chain(std::span<const LayerShape> layers) {
  std::map<std::int64_t, std::int64_t> balance;
  for (const LayerShape& layer : layers) {
    ++balance[layer.in];
    --balance[layer.out];
  }
  std::int64_t open_ends = 0;
  for (const auto& [node, difference] : balance) open_ends += std::abs(difference);
  return open_ends <= 2;
}

class Search {
 public:
  Search(std::span<const LayerShape> layers, const Precedes& precedes)
      : layers_(layers), missing_(layers.size(), 0), used_(layers.size(), false) {
    followers_.resize(layers.size());
    for (std::size_t a = 0; a < layers.size(); ++a) {
      for (std::size_t b = 0; b < layers.size(); ++b) {
        if (a == b || !precedes(a, b)) continue;
        followers_[a].push_back(b);
        ++missing_[b];
      }
    }
  }

  ChainOrders run() {
    extend();
    return found_;
  }

 private:
  /// Tries every layer behind those that are placed. The depth is at most kMostLayers.
  void extend() {
    if (placed_.size() == layers_.size()) {
      if (found_.count == ChainOrders::Count::none) found_.order = placed_;
      found_.count = found_.count == ChainOrders::Count::none ? ChainOrders::Count::one
                                                              : ChainOrders::Count::several;
      return;
    }
    for (std::size_t next = 0; next < layers_.size(); ++next) {
      if (found_.count == ChainOrders::Count::several) return;
      if (++steps_ > kMostSteps) {
        found_.count = ChainOrders::Count::several;
        return;
      }
      if (used_[next] || missing_[next] != 0) continue;
      if (!placed_.empty() && layers_[placed_.back()].out != layers_[next].in) continue;
      place(next, true);
      extend();
      place(next, false);
    }
  }

  void place(std::size_t layer, bool on) {
    used_[layer] = on;
    for (const std::size_t follower : followers_[layer]) missing_[follower] += on ? -1 : 1;
    if (on) {
      placed_.push_back(layer);
    } else {
      placed_.pop_back();
    }
  }

  std::span<const LayerShape> layers_;
  std::vector<std::vector<std::size_t>> followers_;  // layers that must come later
  std::vector<std::int64_t> missing_;  // how many that must come before are not placed
  std::vector<bool> used_;
  std::vector<std::size_t> placed_;
  std::size_t steps_ = 0;
  ChainOrders found_;
};

}  // namespace

ChainOrders find_chain_orders(std::span<const LayerShape> layers, const Precedes& precedes) {
  if (!may_form_a_chain(layers)) return {};
  if (layers.size() > kMostLayers) return {ChainOrders::Count::several, {}};
  return Search(layers, precedes).run();
}

}  // namespace wick::nn
