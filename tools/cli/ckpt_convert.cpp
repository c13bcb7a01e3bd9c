// SPDX-License-Identifier: MIT
// ckpt convert, ckpt extract: from every format that can be read to every one that can be written.
#include <algorithm>
#include <array>
#include <iostream>
#include <map>
#include <unordered_set>

#include "core/containers.h"
#include "core/error.h"
#include "serialize/atomic_file.h"
#include "serialize/checkpoint.h"
#include "serialize/npy.h"
#include "serialize/safetensors.h"
#include "tools/cli/ckpt_commands.h"
#include "tools/cli/ckpt_path.h"
#include "tools/cli/ckpt_progress.h"
#include "tools/cli/ckpt_source.h"

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
  throw ValueError(concat(ending.empty() ? concat("'", options.out.string(), "' has no ending")
                                         : concat("no format is called '", ending, "'"),
                          "; give --to pt, safetensors, npz or npy"));
}

MapLocation location_of(const ConvertOptions& options) {
  return options.map_location.empty() ? MapLocation() : MapLocation(options.map_location);
}

// On the device meta there is nothing to convert.
Tensor in_dtype(const Tensor& tensor, DType dtype) {
  return tensor.device() == kMeta ? Tensor::empty(tensor.shape(), dtype, kMeta) : tensor.to(dtype);
}

// -- The whole tree, for .pt ----------------------------------------------------------------------

// Converts the floating-point tensors and typed storages of a value in place. Those that share a
// storage share the converted one.
class DTypeChange {
 public:
  explicit DTypeChange(DType dtype) : dtype_(dtype) {}

  void apply(const Value& value) {
    switch (value.kind()) {
      case Kind::tensor: convert(value.as_tensor_object().tensor); break;
      case Kind::dict:
        if (!seen_.insert(value.identity()).second) break;
        for (const auto& [key, child] : value.as_dict()) {
          if (child.kind() == Kind::storage) *value.as_dict().find(key) = converted(child);
          apply(child);
        }
        break;
      case Kind::list: apply_to_items(value, value.as_list()); break;
      case Kind::tuple: apply_to_items(value, value.as_tuple()); break;
      default: break;
    }
  }

  // A storage's new value, which nothing else refers to; anything else as it is.
  Value converted(const Value& value) {
    if (value.kind() != Kind::storage) return value;
    const StorageObject& object = value.as_storage();
    if (!object.dtype || !is_floating_point(*object.dtype)) return value;
    Tensor elements = object.tensor();
    convert(elements);
    return StorageObject{elements.storage(), dtype_};
  }

 private:
  void apply_to_items(const Value& container, std::vector<Value>& items) {
    if (!seen_.insert(container.identity()).second) return;
    for (Value& item : items) {
      if (item.kind() == Kind::storage) item = converted(item);
      apply(item);
    }
  }

  void convert(Tensor& tensor) {
    if (!is_floating_point(tensor.dtype()) || tensor.dtype() == dtype_) return;
    const std::shared_ptr<Storage>& old = tensor.storage();
    const auto count = static_cast<std::int64_t>(old->bytes() / size_of(tensor.dtype()));
    Tensor& whole = converted_[{old.get(), tensor.dtype()}];
    if (!whole.defined()) {
      whole = in_dtype(Tensor(old, tensor.dtype(), {count}, {1}, 0), dtype_);
      kept_.push_back(old);  // so that no new storage takes its address
    }
    const bool requires_grad = tensor.requires_grad();
    tensor = Tensor(whole.storage(), dtype_, tensor.shape(), tensor.strides(), tensor.offset());
    tensor.set_requires_grad(requires_grad);
  }

  DType dtype_;
  std::unordered_set<const void*> seen_;
  std::map<std::pair<const Storage*, DType>, Tensor> converted_;
  std::vector<std::shared_ptr<Storage>> kept_;
};

void convert_tree(const ConvertOptions& options) {
  const HeldValue root(load_any(options.in, location_of(options)));
  const Value* const part = find_part(root.get(), options.root);
  if (part == nullptr) {
    throw StateDictError(concat("nothing called \"", options.root, "\" in file ", options.in,
                                "; ckpt show ", options.in.string(), " shows what there is"));
  }
  Value value = *part;
  if (options.dtype) {
    DTypeChange change(*options.dtype);
    value = change.converted(value);
    change.apply(value);
  }
  save(value, options.out);
}

// -- Named tensors --------------------------------------------------------------------------------

struct Selected {
  std::string name;
  const SourceTensor* tensor;
};

// Those below the root, under what is left of their names, that fit one of the patterns.
std::vector<Selected> select(const CkptSource& source, const ConvertOptions& options) {
  std::vector<Selected> selected;
  std::vector<bool> used(options.only.size(), false);
  for (const SourceTensor& tensor : source.tensors) {
    if (tensor.is_storage()) continue;
    std::string name = tensor.info.name;
    if (!options.root.empty() && name != options.root) {
      if (!name.starts_with(options.root + '.')) continue;
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

StateDict read_selected(const std::vector<Selected>& selected, const ConvertOptions& options,
                        Target target) {
  std::uint64_t bytes = 0;
  for (const Selected& item : selected) bytes += item.tensor->info.nbytes();
  ByteProgress progress("reading", bytes);
  const MapLocation location = location_of(options);
  StateDict state;
  for (const Selected& item : selected) {
    Tensor tensor = item.tensor->read();
    const bool requires_grad = tensor.requires_grad();
    if (options.dtype && is_floating_point(tensor.dtype()))
      tensor = in_dtype(tensor, *options.dtype);
    // Only PyTorch's files say where a tensor was.
    if (target == Target::pt) {
      tensor = tensor.to(location.backend(item.tensor->info.device).device());
    }
    tensor.set_requires_grad(requires_grad);
    if (state.contains(item.name)) {
      throw StateDictError(
          concat("two tensors are called \"", item.name, "\" in file ", options.in));
    }
    state.set(item.name, std::move(tensor));
    progress.advance(item.tensor->info.nbytes());
  }
  return state;
}

// transformers refuses safetensors files that do not say from which framework they are.
TextMetadata metadata_for(const CkptSource& source) {
  if (source.format == FileFormat::safetensors) return source.metadata;
  return {{"format", "pt"}};
}

void write(const StateDict& state, const CkptSource& source, const ConvertOptions& options,
           Target target) {
  if (target == Target::pt) {
    const bool single = state.size() == 1 && state.begin()->first.empty();
    single ? save(state.begin()->second, options.out) : save(state, options.out);
    return;
  }
  if (target == Target::npy && state.size() != 1) {
    throw ValueError(concat("a .npy file holds one tensor, not ", state.size(),
                            "; choose one by --only NAME, or write .npz"));
  }
  std::uint64_t bytes = 0;
  for (const auto& [name, tensor] : state) bytes += tensor.nbytes();
  AtomicFile file(options.out);
  ByteProgress progress("writing", bytes);
  const ByteSink sink = [&](std::string_view piece) {
    file.write(piece);
    progress.advance(piece.size());
  };
  switch (target) {
    case Target::safetensors: write_safetensors(state, sink, metadata_for(source)); break;
    case Target::npz: write_npz(state, sink); break;
    default: write_npy(state.begin()->second, sink); break;
  }
  file.commit();
}

// The names of what a tree holds beside tensors.
void collect_values(const Value& value, const std::string& name,
                    std::unordered_set<const void*>& seen, std::vector<std::string>& names) {
  const auto below = [&name](const std::string& part) {
    return name.empty() ? part : name + '.' + part;
  };
  std::size_t position = 0;
  if (value.kind() == Kind::dict) {
    if (!seen.insert(value.identity()).second) return;
    for (const auto& [key, child] : value.as_dict()) {
      collect_values(child, below(key_part(key, position++)), seen, names);
    }
  } else if (value.kind() == Kind::list || value.kind() == Kind::tuple) {
    if (!seen.insert(value.identity()).second) return;
    for (const Value& child : value.as_sequence()) {
      collect_values(child, below(std::to_string(position++)), seen, names);
    }
  } else if (value.kind() != Kind::tensor) {
    names.push_back(plain_name(name));
  }
}

void note_left_out(const CkptSource& source, const ConvertOptions& options) {
  if (!source.tree) return;
  const Value* const part = find_part(*source.tree, options.root);
  if (part == nullptr) return;
  std::unordered_set<const void*> seen;
  std::vector<std::string> names;
  collect_values(*part, {}, seen, names);
  if (names.empty()) return;
  constexpr std::size_t kNamed = 3;
  std::string list;
  for (std::size_t i = 0; i < std::min(kNamed, names.size()); ++i) {
    list += (i == 0 ? "" : ", ");
    list += names[i];
  }
  std::cerr << "ckpt: note: " << format_count(names.size(), "value")
            << (names.size() == 1 ? " that is no tensor is" : " that are no tensors are")
            << " left out: " << list << (names.size() > kNamed ? ", ..." : "") << std::endl;
}

}  // namespace

void check_target(const ConvertOptions& options) {
  static_cast<void>(target_of(options));
}

int convert(const ConvertOptions& options, std::ostream& out) {
  const Target target = target_of(options);
  if (options.dtype && !is_floating_point(*options.dtype)) {
    throw ValueError(concat("--dtype ", *options.dtype,
                            ": floating-point tensors stay such; give float32, float16, bfloat16 "
                            "or another of them"));
  }
  if (target == Target::pt && options.only.empty()) {
    convert_tree(options);
    out << options.out.string() << ": " << format_bytes(std::filesystem::file_size(options.out))
        << '\n';
    return 0;
  }
  const CkptSource source = open_source(options.in);
  const std::vector<Selected> selected = select(source, options);
  const StateDict state = read_selected(selected, options, target);
  write(state, source, options, target);
  if (options.only.empty()) note_left_out(source, options);
  out << options.out.string() << ": " << format_count(state.size(), "tensor") << ", "
      << format_bytes(std::filesystem::file_size(options.out)) << '\n';
  return 0;
}

}  // namespace wick::tools
