// SPDX-License-Identifier: MIT
// Reads the expressions by which the table of layers says how PyTorch makes a layer.
#pragma once

#include <cctype>
#include <charconv>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wick/core/value.h"

namespace wick::testing {

/// "BatchNorm1d(18, momentum=None).eval()", taken to pieces: what make_module() is given.
struct TorchExpression {
  std::string type;
  Dict options;
  bool eval = false;
};

class TorchExpressionReader {
 public:
  explicit TorchExpressionReader(std::string_view text) : text_(text), rest_(text) {}

  TorchExpression read() {
    TorchExpression result;
    result.type = word();
    expect("(");
    for (std::size_t position = 0; !skip(")"); ++position) {
      const std::string_view before = rest_;
      std::string name = word();
      if (name.empty() || !skip("=")) {
        rest_ = before;
        name = positional_name(result.type, position);
      }
      result.options.set(name, value());
      if (!skip(",")) {
        expect(")");
        break;
      }
    }
    result.eval = skip(".eval()");
    if (!rest_.empty()) fail("the end");
    return result;
  }

 private:
  [[noreturn]] void fail(std::string_view wanted) const {
    throw std::invalid_argument(std::string(text_) + ": expected " + std::string(wanted) +
                                " before \"" + std::string(rest_) + '"');
  }
  bool skip(std::string_view token) {
    while (rest_.starts_with(' ')) rest_.remove_prefix(1);
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  void expect(std::string_view token) {
    if (!skip(token)) fail(token);
  }
  std::string word() {
    static_cast<void>(skip(""));
    std::size_t size = 0;
    while (size < rest_.size() &&
           (std::isalnum(static_cast<unsigned char>(rest_[size])) != 0 || rest_[size] == '_')) {
      ++size;
    }
    const std::string result(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return result;
  }
  Value value() {
    if (skip("None")) return nullptr;
    if (skip("True")) return true;
    if (skip("False")) return false;
    if (skip("'")) {
      const std::size_t end = rest_.find('\'');
      if (end == std::string_view::npos) fail("'");
      const std::string text(rest_.substr(0, end));
      rest_.remove_prefix(end + 1);
      return text;
    }
    if (skip("(")) {
      Tuple items;
      while (!skip(")")) {
        items.items.push_back(value());
        static_cast<void>(skip(","));
      }
      return items;
    }
    return number();
  }
  Value number() {
    const std::size_t size = std::min(rest_.find_first_not_of("0123456789+-.e"), rest_.size());
    const std::string_view digits = rest_.substr(0, size);
    if (digits.empty()) fail("a value");
    rest_.remove_prefix(size);
    if (digits.find_first_of(".e") == std::string_view::npos) {
      std::int64_t whole = 0;
      std::from_chars(digits.data(), digits.data() + size, whole);
      return whole;
    }
    double real = 0.0;
    std::from_chars(digits.data(), digits.data() + size, real);
    return real;
  }
  // Names that stand in a row of the table by their position alone.
  static std::string positional_name(const std::string& type, std::size_t position) {
    static const std::map<std::string_view, std::vector<std::string>> names = {
        {"AdaptiveAvgPool1d", {"output_size"}},
        {"AdaptiveAvgPool2d", {"output_size"}},
        {"AdaptiveMaxPool2d", {"output_size"}},
        {"AvgPool1d", {"kernel_size"}},
        {"AvgPool2d", {"kernel_size"}},
        {"BatchNorm1d", {"num_features"}},
        {"BatchNorm2d", {"num_features"}},
        {"Conv1d", {"in_channels", "out_channels", "kernel_size"}},
        {"Conv2d", {"in_channels", "out_channels", "kernel_size"}},
        {"ConvTranspose1d", {"in_channels", "out_channels", "kernel_size"}},
        {"ConvTranspose2d", {"in_channels", "out_channels", "kernel_size"}},
        {"GroupNorm", {"num_groups", "num_channels"}},
        {"InstanceNorm2d", {"num_features"}},
        {"LayerNorm", {"normalized_shape"}},
        {"MaxPool1d", {"kernel_size"}},
        {"MaxPool2d", {"kernel_size"}},
        {"PixelShuffle", {"upscale_factor"}},
        {"RMSNorm", {"normalized_shape"}},
        {"GRU", {"input_size", "hidden_size"}},
        {"GRUCell", {"input_size", "hidden_size"}},
        {"LSTM", {"input_size", "hidden_size"}},
        {"LSTMCell", {"input_size", "hidden_size"}},
        {"MultiheadAttention", {"embed_dim", "num_heads"}},
        {"RNN", {"input_size", "hidden_size"}},
        {"RNNCell", {"input_size", "hidden_size"}},
        {"TransformerEncoderLayer", {"d_model", "nhead"}},
        {"Unflatten", {"dim", "unflattened_size"}},
        {"ZeroPad2d", {"padding"}},
    };
    const auto found = names.find(type);
    if (found == names.end() || position >= found->second.size()) {
      throw std::invalid_argument("torch_expression.h: add the names of " + type + "'s arguments");
    }
    return found->second[position];
  }

  std::string_view text_;
  std::string_view rest_;
};

}  // namespace wick::testing
