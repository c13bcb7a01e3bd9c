// SPDX-License-Identifier: MIT
// How the programs of the interop tests are called: PROGRAM COMMAND REQUEST ANSWER, where request
// and answer are checkpoint files.
#pragma once

#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <string>

#include "serialize/checkpoint.h"

namespace wick::testing {

using Command = std::function<Value(const Value& request)>;

inline int run_program(int count, char** arguments,
                       const std::map<std::string, Command>& commands) {
  try {
    if (count != 4 || !commands.contains(arguments[1])) {
      std::cerr << "usage: " << arguments[0] << " COMMAND REQUEST ANSWER; commands:";
      for (const auto& [name, command] : commands) std::cerr << ' ' << name;
      std::cerr << '\n';
      return 2;
    }
    save(commands.at(arguments[1])(load(arguments[2])), arguments[3]);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}

}  // namespace wick::testing
