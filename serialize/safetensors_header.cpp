// SPDX-License-Identifier: MIT
#include "serialize/safetensors_header.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "serialize/byte_writer.h"
#include "serialize/json_reader.h"
#include "serialize/tensor_bytes.h"
#include "wick/core/error.h"
#include "wick/core/keyed_hash.h"

namespace wick {
namespace {

constexpr std::string_view kMetadataKey = "__metadata__";
constexpr std::uint64_t kHeaderAlignment = 8;

struct NamedDType {
  std::string_view name;
  DType dtype;
};

// In the order in which tensors are written. It is that of the reference implementation's enum,
// reversed: BF16 and F16 go before U16, for example.
constexpr std::array kDTypes = {
    NamedDType{"U64", DType::uint64},
    NamedDType{"I64", DType::int64},
    NamedDType{"F64", DType::float64},
    NamedDType{"C64", DType::complex64},
    NamedDType{"F32", DType::float32},
    NamedDType{"U32", DType::uint32},
    NamedDType{"I32", DType::int32},
    NamedDType{"BF16", DType::bfloat16},
    NamedDType{"F16", DType::float16},
    NamedDType{"U16", DType::uint16},
    NamedDType{"I16", DType::int16},
    NamedDType{"F8_E5M2FNUZ", DType::float8_e5m2fnuz},
    NamedDType{"F8_E4M3FNUZ", DType::float8_e4m3fnuz},
    NamedDType{"F8_E8M0", DType::float8_e8m0fnu},
    NamedDType{"F8_E4M3", DType::float8_e4m3fn},
    NamedDType{"F8_E5M2", DType::float8_e5m2},
    NamedDType{"I8", DType::int8},
    NamedDType{"U8", DType::uint8},
    NamedDType{"BOOL", DType::boolean},
};

// Of the reference implementation, whose elements are no whole bytes.
constexpr std::array<std::string_view, 3> kNarrowDTypes = {"F4", "F6_E2M3", "F6_E3M2"};

std::size_t rank_of(DType dtype) {
  const auto* const found = std::ranges::find(kDTypes, dtype, &NamedDType::dtype);
  if (found == kDTypes.end()) refuse_dtype("safetensors", dtype);
  return static_cast<std::size_t>(found - kDTypes.begin());
}

// -- Reading --------------------------------------------------------------------------------------

std::string quoted(const std::string& name) {
  constexpr std::size_t kShown = 200;
  return json_quote(name.size() > kShown ? name.substr(0, kShown) + "..." : name);
}

void require_new(JsonReader& json, NameSet& seen, const std::string& key, std::string_view what) {
  if (!seen.insert(key).second) json.fail(concat(what, ' ', quoted(key), " is there twice"));
}

TextMetadata read_metadata(JsonReader& json) {
  TextMetadata metadata;
  if (json.peek() == JsonReader::Kind::null) {
    json.skip_value();
    return metadata;
  }
  NameSet seen;
  std::string key;
  json.enter_object();
  while (json.next_member(key)) {
    require_new(json, seen, key, "the metadata's key");
    metadata.emplace_back(key, json.read_string());
  }
  return metadata;
}

DType read_dtype(JsonReader& json, const std::string& tensor) {
  const std::string name = json.read_string();
  const auto* const found = std::ranges::find(kDTypes, name, &NamedDType::name);
  if (found != kDTypes.end()) return found->dtype;
  const bool narrow = std::ranges::find(kNarrowDTypes, name) != kNarrowDTypes.end();
  json.fail(concat(
      "tensor ", quoted(tensor), " has dtype ", quoted(name),
      narrow ? ", whose elements are no whole bytes; wick has none such" : ", which is not known"));
}

Dims read_shape(JsonReader& json, const std::string& tensor) {
  Dims shape;
  json.enter_array();
  while (json.next_item()) {
    const std::uint64_t size = json.read_unsigned();
    if (size > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      json.fail(concat("tensor ", quoted(tensor), ": its size ", size, " is too large"));
    }
    shape.push_back(static_cast<std::int64_t>(size));
  }
  return shape;
}

void read_offsets(JsonReader& json, SafetensorsEntry& entry) {
  json.enter_array();
  std::size_t count = 0;
  while (json.next_item()) {
    const std::uint64_t offset = json.read_unsigned();
    if (count < 2) (count == 0 ? entry.begin : entry.end) = offset;
    ++count;
  }
  if (count != 2) {
    json.fail(concat("tensor ", quoted(entry.name), " has ", count, " data_offsets, not 2"));
  }
}

void check_size(JsonReader& json, const SafetensorsEntry& entry) {
  std::uint64_t bytes = 0;
  try {
    const auto count = static_cast<std::uint64_t>(element_count(entry.shape));
    static_cast<void>(contiguous_strides(entry.shape));  // may overflow where a size is 0
    if (count > std::numeric_limits<std::int64_t>::max() / size_of(entry.dtype)) {
      throw ShapeError("more bytes than 63 bits count");
    }
    bytes = count * size_of(entry.dtype);
  } catch (const ShapeError& error) {
    json.fail(concat("tensor ", quoted(entry.name), ": ", error.what()));
  }
  if (entry.end < entry.begin || entry.end - entry.begin != bytes) {
    json.fail(concat("tensor ", quoted(entry.name), ": data_offsets [", entry.begin, ", ",
                     entry.end, "] do not hold the ", bytes, " bytes of ", entry.dtype, ' ',
                     entry.shape));
  }
}

SafetensorsEntry read_entry(JsonReader& json, const std::string& name) {
  SafetensorsEntry entry;
  entry.name = name;
  NameSet seen;
  std::string key;
  json.enter_object();
  while (json.next_member(key)) {
    require_new(json, seen, key, concat("tensor ", quoted(name), ": the key"));
    if (key == "dtype") {
      entry.dtype = read_dtype(json, name);
    } else if (key == "shape") {
      entry.shape = read_shape(json, name);
    } else if (key == "data_offsets") {
      read_offsets(json, entry);
    } else {
      json.skip_value();  // of a later version of the format
    }
  }
  for (const char* const needed : {"dtype", "shape", "data_offsets"}) {
    if (!seen.contains(needed)) json.fail(concat("tensor ", quoted(name), " has no ", needed));
  }
  check_size(json, entry);
  return entry;
}

void check_coverage(const std::vector<SafetensorsEntry>& entries, const std::string& where,
                    std::uint64_t data_bytes) {
  std::uint64_t covered = 0;
  for (const SafetensorsEntry& entry : entries) {
    if (entry.begin != covered) {
      throw FormatError(concat(where, ": tensor ", quoted(entry.name), " begins at byte ",
                               entry.begin, " of the data, but ",
                               entry.begin > covered ? "nothing lies before it from byte "
                                                     : "the one before it ends at byte ",
                               covered, entry.begin > covered ? " on" : ""));
    }
    covered = entry.end;
  }
  if (covered != data_bytes) {
    throw FormatError(concat(where, ": the tensors have ", covered, " bytes, but ", data_bytes,
                             " follow the header; the file is ",
                             covered > data_bytes ? "cut short" : "longer than it should be"));
  }
}

// -- Writing --------------------------------------------------------------------------------------

// Names and metadata must come back as they were.
std::string checked_json(std::string_view text, std::string_view what) {
  std::string json = json_quote(text);
  try {
    static_cast<void>(JsonReader(json, "").read_string());
  } catch (const FormatError&) {
    throw ValueError(concat("safetensors: ", what, " is not UTF-8: ", json.substr(0, 200)));
  }
  return json;
}

std::string metadata_json(const TextMetadata& metadata) {
  NameSet seen;
  std::string json;
  for (const auto& [key, text] : metadata) {
    if (!seen.insert(key).second) {
      throw ValueError(concat("safetensors: the metadata's key ", quoted(key), " is there twice"));
    }
    json += json.empty() ? "{" : ",";
    json += checked_json(key, "a key of the metadata") + ':' + checked_json(text, "the metadata");
  }
  return json + '}';
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view text, const std::string& where,
                                           std::uint64_t data_bytes) {
  SafetensorsHeader header;
  JsonReader json(text, where, sizeof(std::uint64_t));
  NameSet seen;
  std::string name;
  json.enter_object();
  while (json.next_member(name)) {
    require_new(json, seen, name, "the name");
    if (name == kMetadataKey) {
      header.metadata = read_metadata(json);
    } else {
      header.entries.push_back(read_entry(json, name));
    }
  }
  json.finish();
  // Tensors without elements may share their place with others.
  std::ranges::stable_sort(header.entries, [](const auto& a, const auto& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  check_coverage(header.entries, where, data_bytes);
  return header;
}

SafetensorsLayout lay_out_safetensors(const StateDict& state, const TextMetadata& metadata) {
  struct Item {
    std::size_t rank;
    const StateDict::Entry* entry;
  };
  std::vector<Item> items;
  for (const auto& entry : state) {
    try {
      items.push_back({rank_of(entry.second.dtype()), &entry});
    } catch (const DTypeError& error) {
      throw with_remedy_of<DTypeError>(
          error, concat("tensor ", quoted(entry.first), ": ", error.problem()));
    }
  }
  std::ranges::sort(items, [](const Item& a, const Item& b) {
    return a.rank != b.rank ? a.rank < b.rank : a.entry->first < b.entry->first;
  });
  SafetensorsLayout layout;
  std::string json = "{";
  if (!metadata.empty()) json += json_quote(kMetadataKey) + ':' + metadata_json(metadata);
  std::uint64_t offset = 0;
  for (const auto& [rank, entry] : items) {
    const auto& [name, tensor] = *entry;
    if (name == kMetadataKey) throw ValueError("safetensors: no tensor can be called __metadata__");
    if (json.size() > 1) json += ',';
    json += checked_json(name, "a tensor's name") + ":{\"dtype\":\"";
    json += kDTypes[rank].name;
    json += "\",\"shape\":[";
    for (std::size_t i = 0; i < tensor.shape().size(); ++i) {
      if (i > 0) json += ',';
      json += std::to_string(tensor.shape()[i]);
    }
    json += concat("],\"data_offsets\":[", offset, ',', offset + tensor.nbytes(), "]}");
    offset += tensor.nbytes();
    layout.tensors.push_back(tensor);
  }
  json += '}';
  json.append((kHeaderAlignment - json.size() % kHeaderAlignment) % kHeaderAlignment, ' ');
  if (json.size() > kMaxSafetensorsHeader) {
    throw ValueError(concat("safetensors: a header of ", json.size(), " bytes; at most ",
                            kMaxSafetensorsHeader, " can be read"));
  }
  ByteWriter header;
  header.write(static_cast<std::uint64_t>(json.size()));
  header.bytes(json);
  layout.header = header.release();
  return layout;
}

}  // namespace wick
