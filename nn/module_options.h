// SPDX-License-Identifier: MIT
// The arguments of a layer's constructor, taken out of a dictionary. Private to make_module().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wick/core/device.h"
#include "wick/core/dims.h"
#include "wick/core/dtype.h"
#include "wick/core/value.h"

namespace wick::nn {

/// Each function takes one argument; without `otherwise`, one that must be there. Throws ValueError
/// that names the layer and the argument.
class ModuleOptions {
 public:
  ModuleOptions(std::string_view type_name, const Dict& options)
      : type_name_(type_name), options_(options) {}

  [[nodiscard]] std::int64_t integer(std::string_view key);
  [[nodiscard]] std::int64_t integer(std::string_view key, std::int64_t otherwise);
  /// None where the argument is None or absent.
  [[nodiscard]] std::optional<std::int64_t> optional_integer(std::string_view key);
  [[nodiscard]] double number(std::string_view key, double otherwise);
  /// None where the argument is None.
  [[nodiscard]] std::optional<double> optional_number(std::string_view key,
                                                      std::optional<double> otherwise);
  [[nodiscard]] bool flag(std::string_view key, bool otherwise);
  /// None where the argument is None or absent.
  [[nodiscard]] std::optional<bool> optional_flag(std::string_view key);
  [[nodiscard]] std::string text(std::string_view key, std::string_view otherwise);
  /// A list, tuple or torch.Size of sizes, or one size.
  [[nodiscard]] Dims sizes(std::string_view key);
  /// Likewise, each of which may be None; nothing where the argument is None or absent.
  [[nodiscard]] std::vector<std::optional<std::int64_t>> optional_sizes(std::string_view key);
  /// One number or a sequence of them, likewise.
  [[nodiscard]] std::vector<double> numbers(std::string_view key);
  /// Whether the argument is a str. It stays to be taken.
  [[nodiscard]] bool is_text(std::string_view key) const;
  [[nodiscard]] std::string_view type_name() const noexcept { return type_name_; }
  [[nodiscard]] DType dtype();
  [[nodiscard]] Device device();
  /// Takes an argument of PyTorch's of which there is nothing here but the default value.
  void require_only(std::string_view key, const Value& value);
  /// Takes an argument and does nothing with it.
  void ignore(std::string_view key) { static_cast<void>(take(key)); }

  /// Throws where an argument has not been taken.
  void require_all_taken() const;

 private:
  [[nodiscard]] const Value* take(std::string_view key);
  [[nodiscard]] const Value& require(std::string_view key);
  [[noreturn]] void refuse(std::string_view key, std::string_view wanted, const Value& found) const;
  [[nodiscard]] std::int64_t integer_of(std::string_view key, const Value& value) const;
  [[nodiscard]] double number_of(std::string_view key, const Value& value) const;
  // Calls visit(item) for each item of a sequence, or for the value itself.
  template <typename Visit>
  static void for_items(const Value& value, const Visit& visit);

  std::string_view type_name_;
  const Dict& options_;
  std::vector<std::string_view> taken_;
};

}  // namespace wick::nn
