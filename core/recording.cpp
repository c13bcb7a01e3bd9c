// SPDX-License-Identifier: MIT
#include "wick/core/recording.h"

#include <utility>

namespace wick {
namespace {

class CallAgain final : public Recording {
 public:
  explicit CallAgain(RecordedStep step) : step_(std::move(step)) {}
  void replay(std::int64_t count) override {
    for (std::int64_t i = 0; i < count; ++i) {
      step_.compute();
      step_.update();
    }
  }

 private:
  RecordedStep step_;
};

}  // namespace

std::unique_ptr<Recording> call_again(RecordedStep step) {
  return std::make_unique<CallAgain>(std::move(step));
}

}  // namespace wick
