// SPDX-License-Identifier: MIT
// How the programs of the interop tests are called: PROGRAM COMMAND REQUEST ANSWER, where request
// and answer are checkpoint files.
#pragma once

#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <string>

#include "wick/core/error.h"
#include "wick/serialize/checkpoint.h"

namespace wick::testing {

using Command = std::function<Value(const Value& request)>;

/// What `call` returns, or {'kind', 'text'} of the error that it throws.
template <typename Call>
Value or_error(Call&& call) {
  const auto answer = [](const char* kind, const Error& error) {
    return Dict{{"kind", kind}, {"text", error.what()}};
  };
  try {
    return call();
  } catch (const ShapeError& error) {
    return answer("ShapeError", error);
  } catch (const DTypeError& error) {
    return answer("DTypeError", error);
  } catch (const DeviceError& error) {
    return answer("DeviceError", error);
  } catch (const IndexError& error) {
    return answer("IndexError", error);
  } catch (const ValueError& error) {
    return answer("ValueError", error);
  }
}

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
