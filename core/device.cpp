// SPDX-License-Identifier: MIT
#include "wick/core/device.h"

#include <algorithm>
#include <charconv>
#include <ostream>
#include <utility>

#include "wick/core/error.h"

namespace wick {

namespace {

constexpr std::size_t kLongestType = 64;
constexpr std::size_t kShown = 80;  // of a text that is no device

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= kLongestType && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

}  // namespace

Device Device::parse(std::string_view text) {
  if (text == "cpu" || text == "cpu:0") return kCpu;
  if (text == "meta") return kMeta;
  if (text.starts_with("cuda")) {
    try {
      const DeviceName name = DeviceName::parse(text);
      if (name.type() == "cuda") return name.device();
    } catch (const DeviceError&) {  // said below
    }
  }
  throw DeviceError(concat("unknown device \"", text.substr(0, kShown),
                           "\"; use \"cpu\", \"cuda\", \"cuda:N\" or \"meta\""));
}

std::string to_string(Device device) {
  switch (device.type) {
    case DeviceType::cpu: return "cpu";
    case DeviceType::meta: return "meta";
    case DeviceType::cuda: break;
  }
  return "cuda:" + std::to_string(device.index);
}

std::ostream& operator<<(std::ostream& out, Device device) {
  return out << to_string(device);
}

DeviceName::DeviceName(Device device)
    : type_(device.type == DeviceType::cuda ? "cuda" : to_string(device)) {
  if (device.type == DeviceType::cuda) index_ = device.index;
}

DeviceName::DeviceName(std::string type, std::optional<int> index)
    : type_(std::move(type)), index_(index) {
  if (!is_word(type_)) {
    throw DeviceError(concat("\"", type_.substr(0, kShown),
                             "\" is no type of device: a word of letters, digits and underscores"));
  }
  if (index_ && *index_ < 0) {
    throw DeviceError(concat("the device ", type_, ":", *index_, " has a negative index"));
  }
}

DeviceName DeviceName::parse(std::string_view text) {
  const std::size_t colon = text.find(':');
  std::string type(text.substr(0, std::min(colon, kLongestType + 1)));
  if (colon == std::string_view::npos) return DeviceName(std::move(type));
  const std::string_view digits = text.substr(colon + 1);
  const char* const end = digits.data() + digits.size();
  int index = -1;
  const auto [stop, error] = std::from_chars(digits.data(), end, index);
  if (error != std::errc{} || stop != end || index < 0) {
    throw DeviceError(concat("\"", text.substr(0, kShown),
                             "\" is no device: after the colon there must be its index"));
  }
  return DeviceName(std::move(type), index);
}

Device DeviceName::device() const {
  if (type_ == "cuda") return {DeviceType::cuda, index_.value_or(0)};
  if (type_ == "cpu") return kCpu;
  if (type_ == "meta") return kMeta;
  throw DeviceError(concat("wick drives no devices of type \"", type_,
                           "\"; there are \"cpu\", \"cuda\" and \"meta\""));
}

std::string to_string(const DeviceName& name) {
  return name.index() ? concat(name.type(), ':', *name.index()) : name.type();
}

std::ostream& operator<<(std::ostream& out, const DeviceName& name) {
  return out << to_string(name);
}

}  // namespace wick
