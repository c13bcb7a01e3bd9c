// SPDX-License-Identifier: MIT
#include "wick/core/error.h"

namespace wick {

void Error::add_where(std::string_view part) {
  if (part.empty()) return;
  std::string name = where().empty() ? std::string(part) : concat(part, '.', where());
  std::string message = concat(name, ": ", std::runtime_error::what());
  // What stands in front of the problem.
  const std::size_t before = where().empty() ? 0 : where().size() + 2;
  const std::size_t after = name.size() + 2;
  place_ = std::make_shared<const Place>(Place{std::move(name), std::move(message)});
  problem_bytes_ += after - before;
}

}  // namespace wick
