// SPDX-License-Identifier: MIT
// What the main functions of the programs share.
#include "tools/cli/program.h"

#include <exception>
#include <iostream>
#include <new>

#include "tools/printable.h"

namespace wick::tools {

std::string message_of(const Error& error, const RemedyWords& words) {
  std::string message(error.problem());
  if (error.remedy() == Remedy::none || !words) return message;
  const std::string helps = words(error.remedy());
  return helps.empty() ? message : message + "; " + helps;
}

int run_program(const char* name, const std::function<int()>& body, const RemedyWords& words) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    std::cerr << name << ": out of memory" << std::endl;
  } catch (const Error& error) {
    std::cerr << name << ": " << message_line(message_of(error, words)) << std::endl;
  } catch (const std::exception& error) {
    std::cerr << name << ": " << message_line(error.what()) << std::endl;
  }
  return kFailure;
}

int usage_error(const char* name, const char* message) {
  std::cerr << name << ": " << message_line(message) << " (see " << name << " --help)" << std::endl;
  return kUsageError;
}

}  // namespace wick::tools
