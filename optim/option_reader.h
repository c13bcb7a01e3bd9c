// SPDX-License-Identifier: MIT
// Reads the options of a parameter group or a scheduler from a state dictionary and notes all that
// is wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wick/core/value.h"

namespace wick::optim {

/// A float, int or bool, or a tensor with one real element; empty for anything else.
[[nodiscard]] std::optional<double> number_in(const Value& value);

/// Throws StateDictError that lists the problems, if there are any.
void throw_where_problems(std::string_view operation, const std::vector<std::string>& problems);

/// The problems are sentences that begin with `where`. After one, the values returned mean nothing.
class OptionReader {
 public:
  OptionReader(const Dict& options, std::string where, std::vector<std::string>& problems)
      : options_(options), where_(std::move(where)), problems_(problems) {}

  [[nodiscard]] double number(std::string_view key);
  [[nodiscard]] std::pair<double, double> pair(std::string_view key);
  /// `otherwise` where the key is missing: PyTorch added it after its first versions.
  [[nodiscard]] bool flag(std::string_view key, bool otherwise);
  [[nodiscard]] std::optional<double> optional_number(std::string_view key);
  /// A string; empty for None and where the key is missing.
  [[nodiscard]] std::optional<std::string> optional_text(std::string_view key);
  /// A number of its own kind: int, float or bool; of a tensor, the float.
  [[nodiscard]] Value number_value(std::string_view key);
  /// The same that is at most 2^53 in size, so that it can be counted on; `otherwise` where the key
  /// is missing.
  [[nodiscard]] Value count(std::string_view key);
  [[nodiscard]] Value count(std::string_view key, const Value& otherwise);
  /// A list or tuple of `count` numbers; `what` says why so many.
  [[nodiscard]] std::vector<double> numbers(std::string_view key, std::size_t count,
                                            std::string_view what = "one per parameter group");
  [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }
  /// Null where the key is missing.
  [[nodiscard]] const Value* find(std::string_view key) const { return options_.find(key); }

  /// Notes what is wrong with a value that was read.
  void problem(std::string_view sentence);
  [[nodiscard]] bool has_problems() const noexcept { return !problems_.empty(); }

 private:
  void complain(std::string_view key, std::string_view wanted, const Value* found);

  const Dict& options_;
  std::string where_;
  std::vector<std::string>& problems_;
};

}  // namespace wick::optim
