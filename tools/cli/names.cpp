// SPDX-License-Identifier: MIT
#include "tools/cli/names.h"

#include <algorithm>

namespace wick::tools {
namespace {

// A shorter beginning says too little.
constexpr std::size_t kShortestBeginning = 2;
// The time grows with the product of two lengths, and no name is longer.
constexpr std::size_t kLongestName = 64;

}  // namespace

std::string one_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
    text += names[i];
  }
  return text;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(before_last, last);
    std::swap(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
      const bool exchanged = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (exchanged) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::string nearest_name(std::string_view wrong, const std::vector<std::string>& names) {
  if (wrong.empty() || wrong.size() > kLongestName) return {};
  if (wrong.size() >= kShortestBeginning) {
    for (const std::string& name : names) {
      if (name.starts_with(wrong)) return name;
    }
  }
  std::string nearest;
  std::size_t distance = std::max<std::size_t>(wrong.size() / 3, 1) + 1;
  for (const std::string& name : names) {
    const std::size_t found = edit_distance(wrong, name);
    // Not a name of which every character would have to change.
    if (found >= distance || found >= name.size()) continue;
    nearest = name;
    distance = found;
  }
  return nearest;
}

std::string did_you_mean(std::string_view wrong, const std::vector<std::string>& names) {
  const std::string nearest = nearest_name(wrong, names);
  return nearest.empty() ? std::string() : "; did you mean " + nearest + '?';
}

}  // namespace wick::tools
