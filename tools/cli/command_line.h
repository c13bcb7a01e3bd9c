// SPDX-License-Identifier: MIT
// How all programs read their command lines: CLI11 parses, and what is wrong is said in one manner.
// CLI11 itself stays in command_line.cpp: to include it costs ten seconds of compilation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace wick::tools {

/// What an option sets. It must outlive the parsing.
using OptionValue =
    std::variant<std::string*, std::int64_t*, std::size_t*, int*, double*, std::filesystem::path*,
                 std::vector<std::string>*, std::vector<std::filesystem::path>*>;

/// An option, or an argument without a name, of a Command, which must outlive it. A check says what
/// values there may be; it takes the place of an earlier one.
class Option {
 public:
  Option& required();
  /// On the help page, the value that is there before parsing: shown or not.
  Option& show_default();
  Option& hide_default();
  /// "--batch-size is x; it must be a whole number from 1 to 1024". Any by default.
  Option& whole(std::int64_t from, std::int64_t to = std::numeric_limits<std::int64_t>::max());
  /// "--rtol is -1; it must be a number from 0 on, as 0.01". By default "it must be a number, as
  /// 0.01", where infinities and NaN are numbers; here they are none.
  Option& number_from_zero();
  /// "--optimizer is adan; it must be sgd, adam or adamw; did you mean adam?".
  Option& one_of(std::vector<std::string> names);

 private:
  friend class Command;
  /// What is wrong with a value; nothing where it is right.
  using Check = std::function<std::string(const std::string&)>;
  Option(CLI::Option& option, std::shared_ptr<Check> check)
      : option_(&option), check_(std::move(check)) {}
  CLI::Option* option_;
  std::shared_ptr<Check> check_;
};

/// The options of a program, or of one of its commands.
class Command {
 public:
  /// `name` is "--lr", or "FILE" for an argument by its place; `type` stands for the value on the
  /// help page. Numbers are checked.
  Option add(const char* name, OptionValue value, const char* type, const std::string& about);
  void flag(const char* name, bool& value, const std::string& about);
  /// The heading on the help page of the options that follow.
  void group(const char* heading) { group_ = heading; }

 private:
  friend class CommandLine;
  explicit Command(CLI::App& app) : app_(&app) {}
  CLI::App* app_;
  const char* group_ = "";
};

/// The command line of a program. It has --help and --version: "train (wick) 0.1.0".
class CommandLine : public Command {
 public:
  /// The help page begins with `about`, ends with `examples`, and has names in a column of `width`.
  CommandLine(const char* program, const char* about, const char* examples, int width);
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;
  ~CommandLine();

  /// For the options that are added later: their values before parsing are on the help page.
  void show_defaults();
  /// A command, as "ls" of "ckpt ls FILE"; one must be given then. Where it is, `chosen` is called
  /// at the end of parsing.
  Command command(const char* name, const char* about, std::function<void()> chosen);

  /// Returns the text to print where --help or --version is given, and nothing where the program
  /// is to go on. Throws ValueError of one line that names the argument, its value and what it may
  /// be: an option that there is not (with the one that may have been meant), one without a value
  /// or given twice, a value that does not fit, an empty argument, an argument that is missing or
  /// too many.
  [[nodiscard]] std::optional<std::string> parse(int argc, const char* const* argv);
  /// The options that the command line has named, as "--lr".
  [[nodiscard]] std::set<std::string> given() const;

 private:
  explicit CommandLine(std::unique_ptr<CLI::App> app);
  std::unique_ptr<CLI::App> owner_;
};

/// The whole number that a text is, in decimal and with nothing around it.
[[nodiscard]] std::optional<std::int64_t> parse_whole(const std::string& text);

}  // namespace wick::tools
