// SPDX-License-Identifier: MIT
#include "wick/serialize/sharded.h"

#include <algorithm>
#include <system_error>
#include <unordered_map>
#include <unordered_set>

#include "serialize/input_file.h"
#include "serialize/json_reader.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/core/keyed_hash.h"
#include "wick/serialize/any_file.h"
#include "wick/serialize/checkpoint.h"
#include "wick/serialize/safetensors.h"

namespace wick {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxIndexBytes = 100'000'000;

// A name from the index must not lead out of its folder.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
}

void read_weight_map(JsonReader& json, ShardIndex& index) {
  NameSet seen;
  std::string tensor;
  json.enter_object();
  while (json.next_member(tensor)) {
    if (!seen.insert(tensor).second) {
      json.fail(concat("the tensor ", json_quote(tensor), " is there twice"));
    }
    std::string shard = json.read_string();
    if (!is_plain_name(shard)) {
      json.fail(concat("the shard ", json_quote(shard), " of tensor ", json_quote(tensor),
                       " is not a plain file name"));
    }
    index.weight_map.emplace_back(tensor, std::move(shard));
  }
}

std::string read_text(const fs::path& path) {
  const InputFile file(path);
  if (file.size() > kMaxIndexBytes) {
    throw FormatError(concat("file ", path, ": no index of shards: it has ", file.size(),
                             " bytes; at most ", kMaxIndexBytes, " are read"));
  }
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  file.read_at(0, text);
  return text;
}

[[noreturn]] void fail_missing(const std::string& tensor, const fs::path& shard,
                               const fs::path& index) {
  throw StateDictError(concat("tensor \"", tensor, "\" is missing in shard ", shard,
                              ", where file ", index, " says it is"));
}

// The tensors `names` of one shard.
StateDict load_shard(const fs::path& path, const std::vector<std::string>& names,
                     const fs::path& index, const MapLocation& map_location,
                     const LoadOptions& options) {
  const FileFormat format = recognise_file(path);
  StateDict tensors;
  if (format == FileFormat::torch) {
    const StateDict all = StateDict::from_value(load(path, map_location, options));
    for (const std::string& name : names) {
      const Tensor* const tensor = all.find(name);
      if (tensor == nullptr) fail_missing(name, path, index);
      tensors.set(name, *tensor);
    }
    return tensors;
  }
  if (format != FileFormat::safetensors) {
    throw FormatError(concat("file ", path, ": a shard of file ", index,
                             " must be a safetensors file or one of torch.save; it is a ",
                             name(format)));
  }
  const SafetensorsFile file(path, false);
  for (const std::string& name : names) {
    if (file.find(name) == nullptr) fail_missing(name, path, index);
    tensors.set(name, file.read(name, map_location.backend("cpu").device()));
  }
  return tensors;
}

}  // namespace

std::vector<std::string> ShardIndex::shards() const {
  std::vector<std::string> names;
  std::unordered_set<std::string_view, NameHash> seen;
  for (const auto& [tensor, shard] : weight_map) {
    if (seen.insert(shard).second) names.push_back(shard);
  }
  return names;
}

fs::path ShardIndex::shard_path(const std::string& shard) const {
  return path.parent_path() / shard;
}

ShardIndex read_shard_index(const fs::path& path) {
  const std::string text = read_text(path);
  JsonReader json(text, concat("file ", path));
  ShardIndex index{path, {}};
  bool found = false;
  std::string key;
  json.enter_object();
  while (json.next_member(key)) {
    if (key != "weight_map") {
      json.skip_value();
      continue;
    }
    if (found) json.fail("\"weight_map\" is there twice");
    found = true;
    read_weight_map(json, index);
  }
  json.finish();
  if (!found) json.fail("no index of shards: there is no \"weight_map\"");
  return index;
}

void require_shards(const ShardIndex& index) {
  for (const std::string& shard : index.shards()) {
    std::error_code ignored;
    if (fs::exists(index.shard_path(shard), ignored)) continue;
    throw StateDictError(
        concat("shard ", index.shard_path(shard), " is missing; file ", index.path, " names it"));
  }
}

StateDict load_sharded(const fs::path& path, const MapLocation& map_location,
                       const LoadOptions& options) {
  const ShardIndex index = read_shard_index(path);
  require_shards(index);
  std::unordered_map<std::string_view, std::vector<std::string>, NameHash> names;
  for (const auto& [tensor, shard] : index.weight_map) names[shard].push_back(tensor);
  NameMap<StateDict> loaded;
  for (const std::string& shard : index.shards()) {
    loaded.emplace(
        shard, load_shard(index.shard_path(shard), names.at(shard), path, map_location, options));
  }
  StateDict state;
  for (const auto& [tensor, shard] : index.weight_map) {
    state.set(tensor, loaded.at(shard).at(tensor));
  }
  return state;
}

}  // namespace wick
