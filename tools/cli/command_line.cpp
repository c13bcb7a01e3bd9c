// SPDX-License-Identifier: MIT
#include "tools/cli/command_line.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <concepts>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

#include <CLI/CLI.hpp>

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

std::string whole_problem(const std::string& text, std::int64_t from, std::int64_t to) {
  const std::optional<std::int64_t> value = parse_whole(text);
  if (value && *value >= from && *value <= to) return {};
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  const bool any = from == std::numeric_limits<std::int64_t>::min();
  const std::string range = any           ? ""
                            : to == kMost ? concat(" from ", from, " on")
                                          : concat(" from ", from, " to ", to);
  return concat("is ", text, "; it must be a whole number", range);
}

std::string number_problem(const std::string& text) {
  if (parse_number(text)) return {};
  return concat("is ", text, "; it must be a number, as 0.01");
}

// Of CLI11's own conversions, which are templates, each type takes seconds of compilation.
struct Setter {
  const std::vector<std::string>& texts;

  bool operator()(std::string* value) const { return *value = texts.back(), true; }
  bool operator()(std::filesystem::path* value) const { return *value = texts.back(), true; }
  template <typename T>
  bool operator()(std::vector<T>* value) const {
    return value->assign(texts.begin(), texts.end()), true;
  }
  bool operator()(double* value) const {
    const std::optional<double> number = parse_number(texts.back());
    if (number) *value = *number;
    return number.has_value();
  }
  template <std::integral T>
  bool operator()(T* value) const {
    const std::optional<std::int64_t> number = parse_whole(texts.back());
    if (!number || !std::in_range<T>(*number)) return false;
    *value = static_cast<T>(*number);
    return true;
  }
};

// A value on the help page.
struct TextOf {
  std::string operator()(const std::filesystem::path* value) const { return value->string(); }
  template <typename T>
  std::string operator()(const std::vector<T>*) const {
    return {};
  }
  template <typename T>
  std::string operator()(const T* value) const {
    std::ostringstream text;
    text << *value;
    return text.str();
  }
};

// What is right where the option says nothing else.
struct UsualCheck {
  using Check = std::function<std::string(const std::string&)>;
  Check operator()(const double*) const { return number_problem; }
  template <std::integral T>
  Check operator()(const T*) const {
    return [](const std::string& text) {
      return whole_problem(text, std::numeric_limits<std::int64_t>::min(),
                           std::numeric_limits<std::int64_t>::max());
    };
  }
  template <typename T>
  Check operator()(const T*) const {
    return nullptr;
  }
};

}  // namespace

Option& Option::required() {
  option_->required();
  return *this;
}

Option& Option::show_default() {
  option_->capture_default_str();
  return *this;
}

Option& Option::hide_default() {
  option_->always_capture_default(false)->default_str("");
  return *this;
}

Option& Option::whole(std::int64_t from, std::int64_t to) {
  *check_ = [from, to](const std::string& text) { return whole_problem(text, from, to); };
  return *this;
}

Option& Option::number_from_zero() {
  *check_ = [](const std::string& text) {
    const std::optional<double> value = parse_number(text);
    if (value && std::isfinite(*value) && *value >= 0) return std::string();
    return concat("is ", text, "; it must be a number from 0 on, as 0.01");
  };
  return *this;
}

Option& Option::one_of(std::vector<std::string> names) {
  *check_ = [names = std::move(names)](const std::string& text) {
    if (std::find(names.begin(), names.end(), text) != names.end()) return std::string();
    return concat("is ", text, "; it must be ", tools::one_of(names), did_you_mean(text, names));
  };
  return *this;
}

Option Command::add(const char* name, OptionValue value, const char* type,
                    const std::string& about) {
  CLI::Option* const option = app_->add_option(
      name, [value](const CLI::results_t& texts) { return std::visit(Setter{texts}, value); },
      about, false, [value] { return std::visit(TextOf{}, value); });
  const bool several = std::holds_alternative<std::vector<std::string>*>(value) ||
                       std::holds_alternative<std::vector<std::filesystem::path>*>(value);
  option->type_name(type)->type_size(1)->expected(several ? CLI::detail::expected_max_vector_size
                                                          : 1);
  if (*group_ != '\0') option->group(group_);
  const auto check = std::make_shared<Option::Check>(std::visit(UsualCheck{}, value));
  option->check(CLI::Validator(
      [check](std::string& text) { return *check ? (*check)(text) : std::string(); }, ""));
  return {*option, check};
}

void Command::flag(const char* name, bool& value, const std::string& about) {
  CLI::Option* const option = app_->add_flag(name, value, about);
  if (*group_ != '\0') option->group(group_);
}

CommandLine::CommandLine(const char* program, const char* about, const char* examples, int width)
    : CommandLine(std::make_unique<CLI::App>(about, program)) {
  app_->footer(examples);
  app_->get_formatter()->column_width(static_cast<std::size_t>(width));
  app_->set_version_flag("--version", concat(program, " (wick) ", version()),
                         "print the version and end");
}

CommandLine::CommandLine(std::unique_ptr<CLI::App> app) : Command(*app), owner_(std::move(app)) {}

CommandLine::~CommandLine() = default;

void CommandLine::show_defaults() {
  app_->option_defaults()->always_capture_default();
}

Command CommandLine::command(const char* name, const char* about, std::function<void()> chosen) {
  app_->require_subcommand(1);
  CLI::App* const added = app_->add_subcommand(name, about);
  added->get_formatter()->column_width(26);
  added->footer("");
  added->final_callback(std::move(chosen));
  return Command(*added);
}

std::optional<std::string> CommandLine::parse(int argc, const char* const* argv) {
  refuse_empty_arguments(argc, argv);
  const Options options = options_for(*app_, argc, argv);
  require_values(options, argc, argv);
  try {
    app_->parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return app_->help();
  } catch (const CLI::CallForVersion& version) {
    return std::string(version.what()) + '\n';
  } catch (const CLI::ParseError& error) {
    throw ValueError(explain(error, *app_, options, argv));
  }
  return std::nullopt;
}

std::set<std::string> CommandLine::given() const {
  std::set<std::string> given;
  for (const CLI::Option* const option : app_->get_options()) {
    if (option->count() > 0) given.insert(option->get_name());
  }
  return given;
}

std::optional<std::int64_t> parse_whole(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace wick::tools
