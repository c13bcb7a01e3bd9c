// SPDX-License-Identifier: MIT
// Reads the fixtures that tests/fixtures/core/generate.py made with PyTorch.
#pragma once

#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "wick/core/dims.h"

namespace wick::testing {

inline std::string read_fixture(const std::string& name) {
  const std::filesystem::path path = std::filesystem::path(WICK_FIXTURES) / "core" / name;
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("no fixture " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The lines of a text fixture, split at spaces.
inline std::vector<std::vector<std::string>> read_fixture_lines(const std::string& name) {
  std::vector<std::vector<std::string>> lines;
  std::istringstream text(read_fixture(name));
  for (std::string line; std::getline(text, line);) {
    std::istringstream words(line);
    lines.emplace_back(std::istream_iterator<std::string>(words),
                       std::istream_iterator<std::string>());
  }
  return lines;
}

/// Numbers with commas between, in a base; "-" stands for none.
template <typename T>
std::vector<T> parse_list(std::string_view text, int base = 10) {
  std::vector<T> values;
  if (text == "-") return values;
  for (const char* at = text.data(); at < text.data() + text.size(); ++at) {
    T value{};
    const auto [end, error] = std::from_chars(at, text.data() + text.size(), value, base);
    if (error != std::errc{}) throw std::runtime_error("no list: " + std::string(text));
    values.push_back(value);
    at = end;
  }
  return values;
}

inline Dims parse_dims(std::string_view text) {
  return Dims(std::span<const std::int64_t>(parse_list<std::int64_t>(text)));
}

/// Takes values off the front of a binary fixture.
class FixtureReader {
 public:
  explicit FixtureReader(const std::string& name) : data_(read_fixture(name)) {}
  template <typename T>
  T take() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  std::string_view take(std::size_t count) {
    if (count > data_.size() - at_) throw std::runtime_error("the fixture is too short");
    at_ += count;
    return std::string_view(data_).substr(at_ - count, count);
  }
  [[nodiscard]] bool at_end() const { return at_ == data_.size(); }

 private:
  std::string data_;
  std::size_t at_ = 0;
};

/// FNV-1a of bytes, 64 bits.
inline std::uint64_t fnv1a(const void* data, std::size_t count) {
  std::uint64_t value = 0xCBF29CE484222325ULL;
  for (std::size_t i = 0; i < count; ++i) {
    value = (value ^ static_cast<const unsigned char*>(data)[i]) * 0x100000001B3ULL;
  }
  return value;
}

}  // namespace wick::testing
