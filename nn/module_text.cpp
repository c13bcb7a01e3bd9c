// SPDX-License-Identifier: MIT
// Modules as PyTorch prints them: torch.nn.Module.__repr__.
#include <ostream>
#include <string_view>

#include "wick/core/text.h"
#include "wick/nn/module.h"

namespace wick::nn {
namespace {

void append_indented(std::string& text, std::string_view lines) {
  for (const char c : lines) {
    text += c;
    if (c == '\n') text += "  ";
  }
}

}  // namespace

std::string to_string(const Module& module) {
  const std::string extra = module.extra_repr();
  std::string text = concat(module.type_name(), '(');
  if (module.children().empty() && extra.find('\n') == std::string::npos) {
    return text + extra + ')';
  }
  text += "\n  ";
  append_indented(text, extra);
  bool first = extra.empty();
  for (const auto& [name, child] : module.children()) {
    if (!first) text += "\n  ";
    first = false;
    append_indented(text, concat('(', name, "): ", to_string(*child)));
  }
  return text + "\n)";
}

std::ostream& operator<<(std::ostream& out, const Module& module) {
  return out << to_string(module);
}

}  // namespace wick::nn
