// SPDX-License-Identifier: MIT
// ckpt convert, ckpt extract: from every format that can be read to every one that can be written.
#include <algorithm>
#include <array>
#include <iostream>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "serialize/atomic_file.h"
#include "serialize/visit_leaves.h"
#include "tools/cli/ckpt_commands.h"
#include "tools/cli/ckpt_foreign.h"
#include "tools/cli/ckpt_path.h"
#include "tools/cli/ckpt_progress.h"
#include "tools/cli/ckpt_recast.h"
#include "tools/cli/ckpt_rewrite.h"
#include "tools/cli/ckpt_source.h"
#include "wick/core/error.h"
#include "wick/serialize/npy.h"
#include "wick/serialize/safetensors.h"

namespace wick::tools {
namespace {

using Kind = Value::Kind;

enum class Target : std::uint8_t { pt, safetensors, npz, npy };

struct Ending {
  std::string_view text;
  Target target;
};

constexpr std::array kEndings = {
    Ending{"pt", Target::pt},   Ending{"pth", Target::pt},
    Ending{"tar", Target::pt},  Ending{"bin", Target::pt},
    Ending{"ckpt", Target::pt}, Ending{"safetensors", Target::safetensors},
    Ending{"npz", Target::npz}, Ending{"npy", Target::npy},
};

Target target_of(const ConvertOptions& options) {
  std::string ending = options.to;
  if (ending.empty()) {
    ending = options.out.extension().string();
    if (!ending.empty()) ending.erase(0, 1);
  }
  const auto* const found = std::ranges::find(kEndings, ending, &Ending::text);
  if (found != kEndings.end()) return found->target;
  if (!options.to.empty()) {
    throw ValueError(concat("--to is ", ending, "; it must be pt, safetensors, npz or npy"));
  }
  throw ValueError(
      concat("OUT is '", options.out.string(),
             ending.empty() ? "', which has no ending" : "', whose ending says no format",
             "; give --to pt, safetensors, npz or npy"));
}

// -- Named tensors --------------------------------------------------------------------------------

struct Selected {
  std::string name;
  const SourceTensor* tensor;
};

// Those below the root, under what is left of their names, that fit one of the patterns. A tensor
// that is called as the root is meant alone: beside "weight" there may be a "weight.absmax".
std::vector<Selected> select(const CkptSource& source, const ConvertOptions& options) {
  const bool is_tensor =
      std::ranges::any_of(source.tensors, [&options](const SourceTensor& tensor) {
        return !tensor.is_storage() && tensor.info.name == options.root;
      });
  std::vector<Selected> selected;
  std::vector<bool> used(options.only.size(), false);
  for (const SourceTensor& tensor : source.tensors) {
    if (tensor.is_storage()) continue;
    std::string name = tensor.info.name;
    if (!options.root.empty() && name != options.root) {
      if (is_tensor || !name.starts_with(options.root + '.')) continue;
      name.erase(0, options.root.size() + 1);
    }
    bool wanted = options.only.empty();
    for (std::size_t i = 0; i < options.only.size(); ++i) {
      if (!matches(name, options.only[i])) continue;
      wanted = used[i] = true;
    }
    if (wanted) selected.push_back({std::move(name), &tensor});
  }
  const auto unused = std::ranges::find(used, false);
  if (unused != used.end()) {
    const auto& pattern = options.only[static_cast<std::size_t>(unused - used.begin())];
    static_cast<void>(source.at(pattern));
    throw StateDictError(concat("no tensor \"", pattern, "\" in file ", source.path));
  }
  if (selected.empty() && !options.root.empty()) static_cast<void>(source.at(options.root));
  return selected;
}

// Descriptions of what is written, and the way to their elements.
class Described {
 public:
  Described(const std::vector<Selected>& selected, const ConvertOptions& options)
      : options_(options), progress_("writing", bytes_of(selected)) {
    for (const Selected& item : selected) {
      const TensorInfo& info = item.tensor->info;
      const DType dtype = is_recast(info.dtype, options.dtype) ? *options.dtype : info.dtype;
      Tensor described = Tensor::empty(info.shape, dtype, kMeta);
      by_storage_.emplace(described.storage().get(), item);
      if (state_.contains(item.name)) {
        throw StateDictError(
            concat("two tensors are called ", quote(item.name), " in file ", options.in));
      }
      state_.set(item.name, std::move(described));
    }
  }

  [[nodiscard]] const StateDict& state() const noexcept { return state_; }
  Tensor read(const Tensor& described) {
    const Selected& item = by_storage_.at(described.storage().get());
    Tensor tensor = recast(item.name, item.tensor->read(), options_.dtype, losses_);
    progress_.advance(item.tensor->info.nbytes());
    return tensor;
  }
  [[nodiscard]] const Losses& losses() const noexcept { return losses_; }

 private:
  static std::uint64_t bytes_of(const std::vector<Selected>& selected) {
    std::uint64_t bytes = 0;
    for (const Selected& item : selected) bytes += item.tensor->info.nbytes();
    return bytes;
  }

  const ConvertOptions& options_;
  StateDict state_;
  std::unordered_map<const Storage*, Selected> by_storage_;
  Losses losses_;
  ByteProgress progress_;
};

// transformers refuses safetensors files that do not say from which framework they are.
TextMetadata metadata_for(const CkptSource& source) {
  if (source.format == FileFormat::safetensors || !source.metadata.empty()) return source.metadata;
  return {{"format", "pt"}};
}

Losses write_tensors(const CkptSource& source, const std::vector<Selected>& selected,
                     const ConvertOptions& options, Target target) {
  if (target == Target::npy && selected.size() != 1) {
    throw ValueError(concat("a .npy file holds one tensor, not ", selected.size(),
                            "; choose one by --only NAME, or write .npz"));
  }
  Described described(selected, options);
  const StateDict& state = described.state();
  const TensorReader read = [&described](const Tensor& tensor) { return described.read(tensor); };
  AtomicFile file(options.out);
  const ByteSink sink = [&file](std::string_view piece) { file.write(piece); };
  switch (target) {
    case Target::safetensors: write_safetensors(state, sink, metadata_for(source), read); break;
    case Target::npz: write_npz(state, sink, read); break;
    default: write_npy(state.begin()->second, sink, read); break;
  }
  file.commit();
  return described.losses();
}

// -- The tree, for .pt ----------------------------------------------------------------------------

// The part of the tree, or of the names of a format that has no tree.
Value part_of(const CkptSource& source, const ConvertOptions& options) {
  Value root;
  if (source.tree) {
    root = *source.tree;
  } else if (source.tensors.size() == 1 && source.tensors.front().info.name.empty()) {
    root = source.tensors.front().handle;
  } else {
    Dict dict(Dict::Type::ordered_dict);
    for (const SourceTensor& tensor : source.tensors) dict.set(tensor.info.name, tensor.handle);
    root = std::move(dict);
  }
  std::optional<Value> part = find_part(root, options.root);
  if (!part) {
    throw StateDictError(concat("nothing called ", quote(options.root), " in file ", options.in,
                                "; ckpt show ", options.in.string(), " shows what there is"));
  }
  return *std::move(part);
}

Losses write_tree(CkptSource& source, const std::vector<Selected>& selected,
                  const ConvertOptions& options) {
  RewriteOptions rewriting{.dtype = options.dtype,
                           .compact = !options.root.empty() || !options.only.empty()};
  if (!options.map_location.empty()) {
    const Device device = Device::parse(options.map_location);
    rewriting.location = to_string(device);
    if (device == kMeta) source.storages.clear();  // nothing of the elements is kept
  }
  if (options.only.empty()) {
    return rewrite(source, part_of(source, options), options.out, rewriting);
  }
  Dict dict(Dict::Type::ordered_dict);
  for (const Selected& item : selected) {
    if (dict.find(item.name) != nullptr) {
      throw StateDictError(
          concat("two tensors are called ", quote(item.name), " in file ", options.in));
    }
    dict.set(item.name, item.tensor->handle);
  }
  const bool single = selected.size() == 1 && selected.front().name.empty();
  return rewrite(source, single ? Value(selected.front().tensor->handle) : Value(std::move(dict)),
                 options.out, rewriting);
}

// -- Notes ----------------------------------------------------------------------------------------

void note(const std::string& text) {
  std::cerr << "ckpt: note: " << message_line(text) << std::endl;
}

constexpr std::size_t kNamed = 3;

// What a tree holds beside tensors: the names of the first kNamed, and empty ones for the others.
std::vector<std::string> values_in(const Value& root) {
  std::vector<std::string> names;
  const auto visit = [&names](const std::string& name, const Value& value) {
    const bool empty =
        value.kind() == Kind::dict || value.kind() == Kind::list || value.kind() == Kind::tuple;
    if (empty || value.kind() == Kind::tensor) return;
    names.push_back(names.size() < kNamed ? plain_name(name) : std::string());
  };
  visit_leaves(root, visit, Placeholders::whole);
  return names;
}

std::string first_of(const std::vector<std::string>& names) {
  std::string list;
  for (std::size_t i = 0; i < std::min(kNamed, names.size()); ++i) {
    list += (i == 0 ? "" : ", ") + names[i];
  }
  return list + (names.size() > kNamed ? ", ..." : "");
}

// What a target that holds nothing but tensors does not get.
void note_left_out(const CkptSource& source, const ConvertOptions& options) {
  std::vector<std::string> names;
  if (source.tree) {
    const std::optional<Value> part = find_part(*source.tree, options.root);
    if (part) names = values_in(*part);
  } else {
    for (const auto& found : source.placeholders.first) names.push_back(plain_name(found.name));
  }
  if (names.empty()) return;
  note(concat(format_count(names.size(), "value"),
              names.size() == 1 ? " that is no tensor is" : " that are no tensors are",
              " left out: ", first_of(names)));
}

// Only safetensors has metadata. That it is PyTorch's is no loss.
void note_metadata(const CkptSource& source, Target target) {
  if (target == Target::safetensors) return;
  std::vector<std::string> keys;
  for (const auto& [key, text] : source.metadata) {
    if (key != "format") keys.push_back(plain_name(key));
  }
  if (keys.empty()) return;
  note(concat("the metadata of the safetensors file ", keys.size() == 1 ? "is" : "are",
              " left out: ", first_of(keys)));
}

}  // namespace

void check_target(const ConvertOptions& options) {
  if (options.out == "-") {
    throw ValueError(
        "OUT is -; what ckpt writes must be a file, which appears whole or not at all");
  }
  const Target target = target_of(options);
  if (target == Target::pt || options.map_location.empty()) return;
  throw ValueError(concat("--map-location has no effect with OUT '", options.out.string(),
                          "', since only .pt files keep devices; leave it out"));
}

int convert(const ConvertOptions& options, std::ostream& out) {
  const Target target = target_of(options);
  if (options.dtype && !is_floating_point(*options.dtype)) {
    throw ValueError(concat("--dtype ", *options.dtype,
                            ": floating-point tensors stay such; give float32, float16, bfloat16 "
                            "or another of them"));
  }
  // What is written has a checksum of its own, which must not cover up damage.
  CkptSource source = open_source(options.in, options.load);
  const bool whole = target == Target::pt && options.only.empty();
  const std::vector<Selected> selected = whole ? std::vector<Selected>() : select(source, options);
  const Losses losses = target == Target::pt ? write_tree(source, selected, options)
                                             : write_tensors(source, selected, options, target);
  if (target != Target::pt && options.only.empty()) note_left_out(source, options);
  if (source.foreign.any()) note(numpy_note(source.foreign));
  note_metadata(source, target);
  if (options.dtype) {
    for (const std::string& line : losses.notes(*options.dtype)) note(line);
  }
  out << plain_name(options.out.string()) << ": "
      << (whole ? "" : format_count(selected.size(), "tensor") + ", ")
      << format_bytes(std::filesystem::file_size(options.out)) << '\n';
  return 0;
}

}  // namespace wick::tools
