// SPDX-License-Identifier: MIT
// A program whose host writes numbers in another manner: "1.234,5".
#pragma once

#include <clocale>
#include <cstdlib>
#include <locale>
#include <string>

#include "tests/support.h"

namespace wick::testing {

/// While it lives, the global C++ locale groups digits and has a decimal comma, and so has C's
/// where the machine has such a locale, or can make one.
class ForeignLocale {
 public:
  ForeignLocale()
      : c_before_(std::setlocale(LC_ALL, nullptr)),
        cpp_before_(std::locale::global(std::locale(std::locale::classic(), new Grouped))) {
    // A C++ locale without a name leaves C's as it is.
    for (const char* const name :
         {"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8", "ru_RU.UTF-8"}) {
      if (std::setlocale(LC_ALL, name) != nullptr) return;
    }
    const std::string made = (directory_ / "de_DE.UTF-8").string();
    const std::string command = "localedef -i de_DE -f UTF-8 '" + made + "' >/dev/null 2>&1";
    if (std::system(command.c_str()) != 0) return;  // NOLINT(*-env33-c,concurrency-*): a test
    ::setenv("LOCPATH", directory_.path().c_str(), 1);
    std::setlocale(LC_ALL, "de_DE.UTF-8");
    ::unsetenv("LOCPATH");
  }
  ForeignLocale(const ForeignLocale&) = delete;
  ForeignLocale& operator=(const ForeignLocale&) = delete;
  ~ForeignLocale() {
    std::locale::global(cpp_before_);
    std::setlocale(LC_ALL, c_before_.c_str());
  }
  /// Whether C's locale has a decimal comma, too.
  [[nodiscard]] static bool has_c() { return std::string(std::localeconv()->decimal_point) == ","; }

 private:
  class Grouped : public std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
    std::string do_truename() const override { return "wahr"; }
    std::string do_falsename() const override { return "falsch"; }
  };

  TempDir directory_;
  std::string c_before_;
  std::locale cpp_before_;
};

}  // namespace wick::testing
