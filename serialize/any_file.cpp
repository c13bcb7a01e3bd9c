// SPDX-License-Identifier: MIT
#include "wick/serialize/any_file.h"

#include <algorithm>
#include <memory>
#include <string>

#include "serialize/file_kind.h"
#include "serialize/input_file.h"
#include "serialize/legacy_reader.h"
#include "serialize/npy_header.h"
#include "serialize/zip_reader.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/core/placeholder.h"
#include "wick/serialize/checkpoint.h"
#include "wick/serialize/npy.h"
#include "wick/serialize/safetensors.h"
#include "wick/serialize/sharded.h"

namespace wick {
namespace {

std::string beginning(const InputFile& file) {
  constexpr std::uint64_t kLooked = 64;
  std::string bytes(static_cast<std::size_t>(std::min(file.size(), kLooked)), '\0');
  file.read_at(0, bytes);
  return bytes;
}

// Where tensors go from a format that does not name devices.
Device plain_device(const MapLocation& map_location) {
  return map_location.backend("cpu").device();
}

// What no tensor can hold becomes a placeholder, where that is wanted.
Value load_arrays(const std::filesystem::path& path, Device device, const LoadOptions& options) {
  const NpzFile file(path, options);
  if (!options.placeholders || file.others().empty()) return file.read_all(device).to_value();
  Dict dict(Dict::Type::ordered_dict);
  for (const NpzFile::Entry& entry : file.entries()) dict.set(entry.name, file.read(entry, device));
  for (const NpzFile::Other& other : file.others()) {
    dict.set(other.name,
             std::make_shared<Placeholder>(Placeholder{
                 .type = other.is_array ? "numpy.ndarray" : "bytes", .is_object = true}));
  }
  return dict;
}

}  // namespace

std::string_view name(FileFormat format) noexcept {
  switch (format) {
    case FileFormat::torch: return "PyTorch";
    case FileFormat::safetensors: return "safetensors";
    case FileFormat::npy: return "NumPy array";
    case FileFormat::npz: return "NumPy archive";
    case FileFormat::shard_index: return "index of shards";
  }
  return "unknown";
}

FileFormat recognise_file(const std::filesystem::path& path) {
  refuse_foreign_path(path);
  const InputFile file(path);
  if (looks_like_zip(file)) {
    return is_npz(ZipReader(file)) ? FileFormat::npz : FileFormat::torch;
  }
  const std::string start = beginning(file);
  if (is_npy(start)) return FileFormat::npy;
  // Eight bytes of length, which is below 2^32, and the JSON's brace, maybe behind blanks.
  if (start.size() > 8 && start.substr(4, 4) == std::string(4, '\0')) {
    const std::size_t first = start.find_first_not_of(" \t\r\n", 8);
    if (first != std::string::npos && start[first] == '{') return FileFormat::safetensors;
  }
  const std::size_t first = start.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && start[first] == '{') return FileFormat::shard_index;
  // torch.save's format from before PyTorch 1.6 begins with a pickle; load() knows it better.
  if (looks_like_legacy(file)) return FileFormat::torch;
  throw foreign_file(file);
}

Value load_any(const std::filesystem::path& path, const MapLocation& map_location,
               const LoadOptions& options) {
  switch (recognise_file(path)) {
    case FileFormat::torch: return load(path, map_location, options);
    case FileFormat::safetensors:
      return load_safetensors(path, plain_device(map_location)).to_value();
    case FileFormat::npy: return load_npy(path, plain_device(map_location));
    case FileFormat::npz: return load_arrays(path, plain_device(map_location), options);
    case FileFormat::shard_index: return load_sharded(path, map_location, options).to_value();
  }
  throw FormatError(concat("file ", path, ": unknown format"));
}

}  // namespace wick
