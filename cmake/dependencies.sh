# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Finds, and on Debian and Ubuntu installs, what a build of wick needs. Sourced by tools/quickstart,
# tests/run and .ci/run (bash):
#
#     . cmake/dependencies.sh
#     wick_install_dependencies library tools

# The Debian packages of one set.
wick_packages_of() {
  case $1 in
    library) echo "g++ cmake ninja-build libeigen3-dev libdeflate-dev" ;;
    tools) echo "libcli11-dev libpng-dev libjpeg-dev nlohmann-json3-dev" ;;
    tests) echo "libgtest-dev libgmock-dev libboost-context-dev nlohmann-json3-dev python3 git valgrind strace gfortran abigail-tools pkg-config" ;;
    bench) echo "libbenchmark-dev" ;;
    deb) echo "dpkg-dev file lintian" ;;
    lint) echo "clang-format clang-tidy ccache doxygen" ;;
    fuzz) echo "clang libclang-rt-dev" ;;
    venv) echo "python3-venv python3-pip" ;;
    *)
      echo "wick_install_dependencies: unknown set '$1'" >&2
      return 2
      ;;
  esac
}

# What to look for where there is no dpkg.
wick_describe_needs() {
  cat >&2 <<'NEEDS'
wick needs, under whatever names your system has them:
  to build     a C++20 compiler, CMake >= 3.25, Ninja, Eigen >= 3.4, libdeflate
  for tools    CLI11 >= 2.1, libpng, nlohmann-json; libjpeg for JPEG images, if it is there
  for tests    GoogleTest with GoogleMock, Boost.Context, nlohmann-json, Python 3; valgrind, strace, gfortran, abigail-tools and pkg-config, if they are there
  for bench    Google Benchmark
NEEDS
}

# Succeeds where $1 >= $2, both as in 3.25.1.
wick_version_at_least() {
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n1)" = "$2" ]
}

# Checks what a package list cannot promise: versions.
wick_check_toolchain() {
  local cmake_version compiler=${CXX:-c++}
  if ! command -v cmake >/dev/null; then
    echo "error: cmake is not installed" >&2
    return 3
  fi
  cmake_version=$(cmake --version | sed -n '1s/[^0-9]*\([0-9.]*\).*/\1/p')
  if ! wick_version_at_least "$cmake_version" 3.25; then
    echo "error: wick needs CMake >= 3.25, found $cmake_version ($(command -v cmake));" \
      "see https://cmake.org/download" >&2
    return 3
  fi
  if ! command -v "$compiler" >/dev/null; then
    echo "error: no C++ compiler '$compiler'; install one or set CXX" >&2
    return 3
  fi
  if ! printf '#include <concepts>\n#include <span>\nint main() { return sizeof(std::span<int>) == 0; }\n' |
    "$compiler" -std=c++20 -fsyntax-only -x c++ - >/dev/null 2>&1; then
    echo "error: $("$compiler" --version | head -n1) does not compile C++20;" \
      "g++ >= 12 does. Set CXX to another compiler." >&2
    return 3
  fi
}

# wick_install_dependencies SET...: installs what is missing of the sets where it may, else prints
# the line that does it. Returns 3 where something stays missing.
wick_install_dependencies() {
  local set package needed="" missing=""
  for set in "$@"; do
    needed="$needed $(wick_packages_of "$set")" || return
  done
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    wick_check_toolchain || {
      wick_describe_needs
      return 3
    }
    echo "note: this is no Debian system, so that nobody checks for libraries before CMake does" >&2
    return 0
  fi
  for package in $needed; do
    if [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
      # A compiler and a CMake of another origin will do.
      case $package in
        g++) command -v "${CXX:-c++}" >/dev/null && continue ;;
        cmake | git | python3) command -v "$package" >/dev/null && continue ;;
        ninja-build) command -v ninja >/dev/null && continue ;;
      esac
      missing="$missing $package"
    fi
  done
  if [ -n "$missing" ]; then
    local as_root=""
    if [ "$(id -u)" -ne 0 ]; then
      if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
        echo "error: packages are missing. This installs them:" >&2
        echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends$missing" >&2
        return 3
      fi
      as_root="sudo -n"
    fi
    echo "Installing:$missing" >&2
    # shellcheck disable=SC2086  # both are lists of words
    if ! { $as_root apt-get update -qq &&
      $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $missing >/dev/null; }; then
      echo "error: apt-get could not install$missing" >&2
      return 3
    fi
  fi
  wick_check_toolchain
}
