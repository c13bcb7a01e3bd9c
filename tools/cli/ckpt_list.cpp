// SPDX-License-Identifier: MIT
// ckpt ls: the tensors of a file in a table, or as JSON.
#include <map>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "tools/cli/ckpt_commands.h"
#include "tools/cli/ckpt_foreign.h"
#include "tools/cli/ckpt_source.h"
#include "tools/cli/standard_input.h"
#include "wick/core/error.h"

namespace wick::tools {
namespace {

using Json = nlohmann::ordered_json;

struct Totals {
  std::size_t tensors = 0;
  std::size_t storages = 0;  // that are values themselves
  std::uint64_t elements = 0;
  std::uint64_t bytes = 0;    // of the elements
  std::uint64_t storage = 0;  // of the storages, those that are shared counted once
};

Totals add_up(const CkptSource& source) {
  Totals totals;
  std::set<std::string_view> records;
  for (const auto& [info, read, storage_class, handle] : source.tensors) {
    if (storage_class.empty()) {
      ++totals.tensors;
      totals.elements += static_cast<std::uint64_t>(element_count(info.shape));
      totals.bytes += info.nbytes();
    } else {
      ++totals.storages;
    }
    const bool known = !info.record.empty() && !records.insert(info.record).second;
    if (!known) totals.storage += info.storage_bytes;
  }
  return totals;
}

// JSON must be UTF-8; a name of a file need not be.
std::string dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

void print_json(const CkptSource& source, std::ostream& out) {
  const Totals totals = add_up(source);
  Json metadata = Json::object();
  // The keys are distinct; operator[] would look through all before each.
  for (const auto& [key, text] : source.metadata) {
    metadata.get_ref<Json::object_t&>().emplace_back(key, text);
  }
  Json tensors = Json::array();
  Json storages = Json::array();
  for (const auto& [info, read, storage_class, handle] : source.tensors) {
    if (!storage_class.empty()) {
      storages.push_back({{"name", info.name},
                          {"class", concat("torch.", storage_class)},
                          {"dtype", std::string(name(info.dtype))},
                          {"size", element_count(info.shape)},
                          {"device", info.device},
                          {"storage", info.record},
                          {"storage_bytes", info.storage_bytes}});
      continue;
    }
    tensors.push_back({{"name", info.name},
                       {"dtype", std::string(name(info.dtype))},
                       {"shape", std::vector(info.shape.begin(), info.shape.end())},
                       {"strides", std::vector(info.strides.begin(), info.strides.end())},
                       {"storage_offset", info.offset},
                       {"device", info.device},
                       {"requires_grad", info.requires_grad},
                       {"bytes", info.nbytes()},
                       {"storage", info.record},
                       {"storage_bytes", info.storage_bytes}});
  }
  Json placeholders = Json::array();
  for (const auto& [where, type, is_object] : source.placeholders.first) {
    placeholders.push_back({{"name", where}, {"class", type}, {"is_object", is_object}});
  }
  out << dump({{"file", with_shown_names(source.path.string())},
               {"format", std::string(name(source.format))},
               {"file_bytes", source.file_bytes},
               {"metadata", std::move(metadata)},
               {"tensors", std::move(tensors)},
               {"storages", std::move(storages)},
               {"placeholders", std::move(placeholders)},
               {"total",
                {{"tensors", totals.tensors},
                 {"storages", totals.storages},
                 {"placeholders", source.placeholders.count},
                 {"elements", totals.elements},
                 {"bytes", totals.bytes},
                 {"storage_bytes", totals.storage}}}})
      << '\n';
}

void print_table(const CkptSource& source, std::ostream& out, const Style& style) {
  using Align = Table::Align;
  Table table({{"NAME"}, {"DTYPE"}, {"SHAPE"}, {"DEVICE"}, {"SIZE", Align::right}});
  for (const auto& [info, read, storage_class, handle] : source.tensors) {
    const bool untyped = storage_class == "UntypedStorage";
    table.add({plain_name(info.name), untyped ? "" : concat(info.dtype),
               storage_class.empty() ? concat(info.shape) : std::string(storage_class),
               plain_name(info.device), format_bytes(info.nbytes())});
  }
  if (!table.empty()) {
    table.print(out, style);
    out << '\n';
  }
  const Totals totals = add_up(source);
  out << style.bold << format_count(totals.tensors, "tensor") << style.reset << ", "
      << (totals.storages == 0 ? "" : format_count(totals.storages, "storage") + ", ")
      << format_count(totals.elements, "element") << ", " << format_bytes(totals.bytes);
  if (totals.storage < totals.bytes) {
    out << " (" << format_bytes(totals.storage) << " stored: some share their memory)";
  } else if (totals.storage > totals.bytes) {
    out << " (" << format_bytes(totals.storage) << " stored: "
        << (totals.storages == 0 ? "some are views of more)" : "views and storages hold more)");
  }
  out << "; " << name(source.format) << ", " << format_bytes(source.file_bytes);
  if (source.trailing_bytes > 0) {
    out << ", the last " << format_count(source.trailing_bytes, "byte") << " behind its content";
  }
  out << '\n';
  for (const std::string& note : foreign_notes(source)) {
    out << style.dim << note << style.reset << '\n';
  }
  for (const auto& [key, text] : source.metadata) {
    out << style.dim << "metadata " << plain_name(key) << ": " << quote(text, 200) << style.reset
        << '\n';
  }
}

}  // namespace

int list_tensors(const std::filesystem::path& file, bool json, const LoadOptions& load,
                 std::ostream& out, const Style& style) {
  const CkptSource source = open_source(file, load);
  json ? print_json(source, out) : print_table(source, out, style);
  return 0;
}

}  // namespace wick::tools
