// SPDX-License-Identifier: MIT
#include "tools/cli/command_line.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>
#include <system_error>
#include <utility>

#include "tools/cli/names.h"
#include "tools/cli/program.h"
#include "wick/core/error.h"
#include "wick/core/version.h"

namespace wick::tools {
namespace {

using Options = std::vector<const CLI::Option*>;

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

/// The options of the program, and of the command that is its first argument.
Options options_for(const CLI::App& app, int argc, const char* const* argv) {
  const auto named = [](const CLI::Option* option) { return option->nonpositional(); };
  Options options = app.get_options(named);
  for (const CLI::App* const command : commands_of(app)) {
    if (argc < 2 || command->get_name() != argv[1]) continue;
    const Options more = command->get_options(named);
    options.insert(options.end(), more.begin(), more.end());
  }
  return options;
}

std::vector<std::string> names_of(const Options& options) {
  std::vector<std::string> names;
  for (const CLI::Option* const option : options) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

const CLI::Option* find(const Options& options, std::string_view name) {
  for (const CLI::Option* const option : options) {
    if (name.size() > 2 && option->check_lname(std::string(name.substr(2)))) return option;
  }
  return nullptr;
}

/// CLI11 takes whatever follows for the value, be it an option: "--resume --epochs 3"; and a value
/// for a flag, "--force=no", of which it says little where it is none.
void require_values(const Options& options, int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--") return;
    const std::string_view name = argument.substr(0, argument.find('='));
    const CLI::Option* const option = name.starts_with("--") ? find(options, name) : nullptr;
    if (option == nullptr) continue;
    const bool is_flag = option->get_items_expected_max() == 0;
    if (is_flag && name != argument) {
      throw ValueError(
          concat(name, " takes no value; leave '", argument.substr(name.size()), "' out"));
    }
    if (is_flag || name != argument) continue;
    const std::string_view next = i + 1 < argc ? argv[i + 1] : "";
    const bool is_option = next.starts_with("--") && find(options, next) != nullptr;
    if (i + 1 < argc && !is_option) continue;
    throw ValueError(concat(argument, " needs a value, ", option->get_type_name(),
                            is_option ? concat("; the option ", next, " follows it") : ""));
  }
}

/// "--epoch=3: no such option; did you mean --epochs?".
std::string unknown_option(std::string_view argument, const Options& options) {
  const std::string_view name = argument.substr(0, argument.find('='));
  // One dash in the place of two is a mistake of its own.
  const std::string with_two = "--" + std::string(name.substr(name.find_first_not_of('-')));
  const std::vector<std::string> names = names_of(options);
  return concat(name, ": no such option", did_you_mean(with_two, names));
}

std::string unknown_command(std::string_view name, const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* const command : commands_of(app)) names.push_back(command->get_name());
  const std::string near = did_you_mean(name, names);
  return concat("no command is called '", name, "'",
                near.empty() ? "; there are " + one_of(names) : near);
}

std::string missing_argument(const CLI::RequiredError& error, const CLI::App& app) {
  if (!commands_of(app).empty() && app.get_subcommands().empty()) {
    std::vector<std::string> names;
    for (const CLI::App* const command : commands_of(app)) names.push_back(command->get_name());
    return concat("a command is missing: ", one_of(names));
  }
  std::string name = error.what();
  name = name.substr(0, name.find(' '));
  std::vector<const CLI::App*> places = {&app};
  for (const CLI::App* const command : app.get_subcommands()) places.push_back(command);
  for (const CLI::App* const place : places) {
    for (const CLI::Option* const option : place->get_options()) {
      if (option->get_name() != name || option->get_description().empty()) continue;
      return concat(name, " is missing: ", option->get_description());
    }
  }
  return concat(name, " is missing");
}

std::string given_twice(const Options& options) {
  for (const CLI::Option* const option : options) {
    const auto count = option->count();
    if (count < 2 || option->get_items_expected_max() > 1) continue;
    std::string text = concat(option->get_name(), " is given ", count, " times, as ");
    for (std::size_t i = 0; i < count; ++i) {
      text += concat(i == 0 ? "" : i + 1 == count ? " and " : ", ", option->results()[i]);
    }
    return text + "; give it once";
  }
  return {};
}

/// A validator's message is "--lr: is fast; it must be ...".
std::string wrong_value(std::string text) {
  const std::size_t colon = text.find(": is ");
  if (colon != std::string::npos) text.erase(colon, 1);
  return text;
}

std::optional<double> parse_number(const std::string& text) {
  const char* const begin = text.data() + (text.starts_with('+') ? 1 : 0);
  double value = 0;
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string explain(const CLI::ParseError& error, const CLI::App& app, const Options& options,
                    const char* const* argv) {
  const std::vector<std::string> rest = app.remaining(true);
  const auto is_option = [](const std::string& argument) {
    return argument.starts_with('-') && argument.find_first_not_of('-') != std::string::npos;
  };
  const auto wrong = std::find_if(rest.begin(), rest.end(), is_option);
  if (wrong != rest.end()) return unknown_option(*wrong, options);
  if (!rest.empty() && !commands_of(app).empty() && app.get_subcommands().empty()) {
    return unknown_command(argv[1], app);
  }
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr && !rest.empty()) {
    return concat("'", rest.front(), "' is one argument too many");
  }
  if (const auto* const required = dynamic_cast<const CLI::RequiredError*>(&error)) {
    return missing_argument(*required, app);
  }
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    if (std::string text = given_twice(options); !text.empty()) return text;
  }
  const std::string text = error.what();
  return wrong_value(text.substr(0, text.find('\n')));
}

}  // namespace

void add_version(CLI::App& app) {
  app.set_version_flag("--version", concat(app.get_name(), " (wick) ", version()),
                       "print the version and end");
}

std::optional<std::string> parse_command_line(CLI::App& app, int argc, const char* const* argv) {
  refuse_empty_arguments(argc, argv);
  const Options options = options_for(app, argc, argv);
  require_values(options, argc, argv);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return app.help();
  } catch (const CLI::CallForVersion& version) {
    return std::string(version.what()) + '\n';
  } catch (const CLI::ParseError& error) {
    throw ValueError(explain(error, app, options, argv));
  }
  return std::nullopt;
}

std::set<std::string> given_options(const CLI::App& app) {
  std::set<std::string> given;
  for (const CLI::Option* const option : app.get_options()) {
    if (option->count() > 0) given.insert(option->get_name());
  }
  return given;
}

CLI::Validator whole_number(std::int64_t from, std::int64_t to) {
  const bool any = from == std::numeric_limits<std::int64_t>::min();
  const std::string range = any ? "" : concat(" from ", from, " to ", to);
  return {[from, to, range](std::string& text) {
            const std::optional<std::int64_t> value = parse_whole(text);
            if (value && *value >= from && *value <= to) return std::string();
            return concat("is ", text, "; it must be a whole number", range);
          },
          ""};
}

CLI::Validator number() {
  return {[](std::string& text) {
            if (parse_number(text)) return std::string();
            return concat("is ", text, "; it must be a number, as 0.01");
          },
          ""};
}

CLI::Validator number_from_zero() {
  return {[](std::string& text) {
            const std::optional<double> value = parse_number(text);
            if (value && std::isfinite(*value) && *value >= 0) return std::string();
            return concat("is ", text, "; it must be a number from 0 on, as 0.01");
          },
          ""};
}

CLI::Validator known_name(std::vector<std::string> names) {
  return {[names = std::move(names)](std::string& text) {
            if (std::find(names.begin(), names.end(), text) != names.end()) return std::string();
            return concat("is ", text, "; it must be ", one_of(names), did_you_mean(text, names));
          },
          ""};
}

std::optional<std::int64_t> parse_whole(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace wick::tools
