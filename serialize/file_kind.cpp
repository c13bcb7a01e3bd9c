// SPDX-License-Identifier: MIT
#include "serialize/file_kind.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace wick {
namespace {

using namespace std::string_view_literals;

struct Kind {
  std::size_t offset;
  std::string_view magic;
  std::string_view description;
};

constexpr std::array kKinds = {
    Kind{0, "\x80"sv, "it looks like a bare pickle, not like a file of torch.save"},
    Kind{0, "\x1f\x8b"sv, "it looks like gzip; decompress it first"},
    Kind{0, "BZh"sv, "it looks like bzip2; decompress it first"},
    Kind{0,
         "\xfd"
         "7zXZ\0"sv,
         "it looks like xz; decompress it first"},
    Kind{0, "\x28\xb5\x2f\xfd"sv, "it looks like Zstandard; decompress it first"},
    Kind{8, "{\""sv, "it looks like a safetensors file; load_safetensors reads those"},
    Kind{0, "\x93NUMPY"sv, "it looks like a NumPy array; load_npy reads those"},
    Kind{0, "\x89HDF"sv, "it looks like an HDF5 file"},
    Kind{0, "GGUF"sv, "it looks like a GGUF file"},
    Kind{257, "ustar"sv,
         "it looks like a tar archive, as PyTorch 0.1 wrote; load such a checkpoint in PyTorch "
         "and save it again"},
};

std::string beginning(const InputFile& file, std::uint64_t count) {
  std::string bytes(static_cast<std::size_t>(std::min(file.size(), count)), '\0');
  file.read_at(0, bytes);
  return bytes;
}

}  // namespace

bool looks_like_zip(const InputFile& file) {
  const std::string start = beginning(file, 4);
  return start == "PK\x03\x04"sv || start == "PK\x05\x06"sv;
}

std::string describe_foreign_file(const InputFile& file) {
  const std::string start = beginning(file, 512);
  if (start.empty()) return "it is empty";
  for (const Kind& kind : kKinds) {
    if (start.size() > kind.offset &&
        std::string_view(start).substr(kind.offset).starts_with(kind.magic)) {
      return std::string(kind.description);
    }
  }
  const bool is_text = std::ranges::all_of(
      start, [](char c) { return (c >= ' ' && c <= '~') || c == '\n' || c == '\r' || c == '\t'; });
  if (is_text) return "it looks like text";
  return "it does not begin like a ZIP archive";
}

}  // namespace wick
