// SPDX-License-Identifier: MIT
// Lowers the learning rate when a metric has stopped to improve.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/core/value.h"
#include "wick/optim/optimizer.h"

namespace wick::optim {

struct ReduceLROnPlateauOptions {
  std::string mode = "min";            // or "max": which metrics are better
  double factor = 0.1;                 // below 1; what a rate is multiplied by
  std::int64_t patience = 10;          // steps without improvement that are let pass
  double threshold = 1e-4;             // smaller improvements are none
  std::string threshold_mode = "rel";  // or "abs": how the threshold counts
  std::int64_t cooldown = 0;           // steps after a reduction in which none is counted
  double min_lr = 0.0;                 // no rate becomes smaller
  std::vector<double> min_lrs{};       // the same for each parameter group; empty: min_lr for all
  double eps = 1e-8;                   // smaller changes of a rate are not made
};

/// torch.optim.lr_scheduler.ReduceLROnPlateau. It refers to its optimizer, which must outlive it.
///
/// Thread safety: none.
class WICK_API ReduceLROnPlateau {
 public:
  using Options = ReduceLROnPlateauOptions;

  /// Throws ValueError for a factor of 1 or more, another mode, and min_lrs of another number than
  /// there are parameter groups.
  explicit ReduceLROnPlateau(Optimizer& optimizer, const Options& options = {});
  ReduceLROnPlateau(const ReduceLROnPlateau&) = delete;
  ReduceLROnPlateau& operator=(const ReduceLROnPlateau&) = delete;
  ~ReduceLROnPlateau() = default;

  /// Call it after each epoch, with a metric of it: the loss of the validation, say. NaN is no
  /// improvement.
  void step(double metrics) noexcept;
  /// The rates after the last step(), one per group.
  [[nodiscard]] const std::vector<double>& last_lr() const noexcept { return last_lr_; }

  /// PyTorch's keys in PyTorch's order.
  [[nodiscard]] Value state_dict() const;
  /// Takes what state_dict() or PyTorch's scheduler gave. The optimizer's rates stay as they are:
  /// they come with its own state. Where it does not fit, throws StateDictError that lists every
  /// problem, and changes nothing.
  void load_state_dict(const Value& state);

 private:
  [[nodiscard]] bool is_better(double metrics) const noexcept;
  void reduce() noexcept;

  Optimizer& optimizer_;
  Options options_;
  bool has_one_min_lr_;  // for all groups
  double last_epoch_ = 0.0;
  std::vector<double> last_lr_;
  double best_ = 0.0;
  double cooldown_counter_ = 0.0;
  double num_bad_epochs_ = 0.0;
  Dict loaded_;  // numbers come back from state_dict() as they were, ints or floats
};

}  // namespace wick::optim
