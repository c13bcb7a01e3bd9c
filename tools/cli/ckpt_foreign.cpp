// SPDX-License-Identifier: MIT
#include "tools/cli/ckpt_foreign.h"

#include <algorithm>

#include "tools/cli/ckpt_path.h"
#include "tools/cli/ckpt_text.h"
#include "wick/core/error.h"

namespace wick::tools {
namespace {

constexpr std::size_t kShownType = 120;

// Modules keep their tensors and parts in these.
bool is_module(const Value& value) {
  if (value.kind() != Value::Kind::placeholder) return false;
  bool parameters = false;
  bool modules = false;
  for (const auto& [name, part] : parts_of(value.as_placeholder())) {
    parameters = parameters || name == "_parameters";
    modules = modules || name == "_modules";
  }
  return parameters && modules;
}

std::string shown(const std::string& type) {
  return type.size() <= kShownType ? plain_name(type) : quote(type, kShownType);
}

}  // namespace

std::string describe_placeholder(const Placeholder& placeholder) {
  return placeholder.is_object ? shown(placeholder.type) + " object"
                               : "class or function " + shown(placeholder.type);
}

std::string numpy_note(const ForeignObjects& foreign) {
  std::string text;
  if (foreign.numpy_arrays > 0) {
    text = format_count(foreign.numpy_arrays, "NumPy array") +
           (foreign.numpy_arrays == 1 ? " is read as a tensor" : " are read as tensors");
  }
  if (foreign.numpy_numbers > 0) {
    text += (text.empty() ? "" : ", ") + format_count(foreign.numpy_numbers, "NumPy scalar") +
            (foreign.numpy_numbers == 1 ? " as a number" : " as numbers");
  }
  return text;
}

std::vector<std::string> foreign_notes(const CkptSource& source) {
  constexpr std::size_t kNamed = 3;
  std::vector<std::string> notes;
  const PlaceholderReport& found = source.placeholders;
  if (found.count > 0) {
    std::string list;
    bool modules = false;
    for (std::size_t i = 0; i < std::min(kNamed, found.first.size()); ++i) {
      const PlaceholderReport::Found& each = found.first[i];
      const auto value = source.tree ? find_part(*source.tree, each.name) : std::nullopt;
      modules = modules || (value && is_module(*value));
      const std::string name = each.name.empty() ? "the file itself" : quote(each.name, 80);
      list += concat(i == 0 ? "" : ", ", name, " (", shown(each.type), ")");
    }
    notes.push_back(concat(format_count(found.count, "value"),
                           found.count == 1 ? " is a placeholder" : " are placeholders",
                           ", for objects of classes that are not loaded: ", list,
                           found.count > kNamed ? ", ..." : "",
                           modules ? "; of a whole module, save module.state_dict() instead" : ""));
  }
  if (source.foreign.any()) notes.push_back(numpy_note(source.foreign));
  return notes;
}

}  // namespace wick::tools
