// SPDX-License-Identifier: MIT
// Reads and checks an optimizer's state dictionary, and changes nothing but itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "optim/flat_group.h"
#include "optim/update_rule.h"
#include "wick/core/value.h"

namespace wick::optim {

/// A tensor that goes into the state once everything has been checked.
struct StateCopy {
  std::size_t group = 0;
  std::size_t param = 0;
  std::size_t slot = 0;
  Tensor from;
};

/// What a group becomes.
struct StagedGroup {
  std::unique_ptr<UpdateRule> rule;
  std::optional<double> initial_lr;
  Dict options;  // as they were found, without 'params'
  std::vector<FlatState::Entry> entries;
};

class StateReader {
 public:
  /// The optimizer's groups as they are, by which the loaded ones are judged.
  StateReader(std::vector<const FlatGroup*> groups, std::vector<const UpdateRule*> rules);

  /// Call it once; `state` is a dict.
  void read(const Value& state);

  /// One sentence each. Where there are any, nothing below means anything.
  [[nodiscard]] const std::vector<std::string>& problems() const noexcept { return problems_; }
  [[nodiscard]] std::vector<StagedGroup>& staged() noexcept { return staged_; }
  [[nodiscard]] const std::vector<StateCopy>& copies() const noexcept { return copies_; }
  [[nodiscard]] std::int64_t last_place() const noexcept { return last_place_; }

 private:
  template <typename... Args>
  void complain(const Args&... args);

  const Value* member(const Value& state, const char* key, Value::Kind kind, const char* wanted);
  void read_groups(const std::vector<Value>& loaded);
  void read_ids(const Value& group, std::size_t g, const std::string& where);
  void read_options(const Dict& group, std::size_t g, const std::string& where);
  void read_entry(const Value& key, const Value& entry);
  // A number that is not negative.
  double read_number(const Dict& values, std::string_view key, const std::string& where);
  void read_tensor(const Dict& values, std::size_t g, std::size_t param, std::size_t slot,
                   const std::string& where);

  std::vector<const FlatGroup*> groups_;
  std::vector<const UpdateRule*> rules_;
  std::vector<StagedGroup> staged_;
  std::vector<StateCopy> copies_;
  std::vector<std::string> problems_;
  std::int64_t last_place_ = 0;
  Dict places_;  // the id of a parameter -> (its group, its index there)
};

}  // namespace wick::optim
