// SPDX-License-Identifier: MIT
#include "tools/cli/ckpt_rewrite.h"

#include <algorithm>
#include <map>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "serialize/storage_supply.h"
#include "tools/cli/ckpt_progress.h"
#include "wick/core/backend.h"
#include "wick/core/containers.h"
#include "wick/core/error.h"

namespace wick::tools {
namespace {

using Kind = Value::Kind;

// Everything of one storage that is of one dtype, and what is written of it.
struct Group {
  std::shared_ptr<Storage> storage;
  DType dtype = DType::uint8;
  std::string name;  // of the first tensor in it
  std::vector<TensorObject*> tensors = {};
  std::vector<Value*> objects = {};  // storages that are values
  // Of the storage, in elements; contiguous when written.
  Dims shape = {};
  Dims strides = {};
  std::int64_t offset = 0;
};

std::int64_t count_in(const Storage& storage, DType dtype) {
  return static_cast<std::int64_t>(storage.bytes() / size_of(dtype));
}

// The tensors and storages of a value by what they lie in, in its order. Walks with a stack of its
// own; places of storages stay valid since nothing is inserted anywhere.
class Groups {
 public:
  explicit Groups(Value& root) {
    for (const auto& [name, tensor] : named_objects(root).tensors) {
      names_.try_emplace(tensor.storage().get(), name);
    }
    add(root);
    while (!pending_.empty()) {
      const Value container = std::move(pending_.back());
      pending_.pop_back();
      enter(container);
    }
  }
  std::vector<Group> all;
  [[nodiscard]] bool has_one_dtype(const Storage* storage) const {
    return dtypes_.at(storage) == 1;
  }

 private:
  void enter(const Value& container) {
    std::vector<Value*> children;
    const auto add_dict = [&children](const Dict& dict) {
      for (const auto& [key, value] : dict) children.push_back(&const_cast<Value&>(value));
    };
    if (container.kind() == Kind::list) {
      for (Value& item : container.as_list()) children.push_back(&item);
    } else if (container.kind() == Kind::tuple) {
      for (Value& item : container.as_tuple()) children.push_back(&item);
    } else if (container.kind() == Kind::dict) {
      add_dict(container.as_dict());
      if (container.as_dict().attributes()) add_dict(*container.as_dict().attributes());
    } else if (container.kind() == Kind::tensor && container.as_tensor_object().attributes) {
      add_dict(*container.as_tensor_object().attributes);
    }
    for (Value* const child : children) add(*child);
  }

  void add(Value& value) {
    if (value.kind() == Kind::storage) {
      const StorageObject& object = value.as_storage();
      group_of(object.storage, object.dtype.value_or(DType::uint8)).objects.push_back(&value);
      return;
    }
    if (value.identity() == nullptr || !seen_.insert(value.identity()).second) return;
    if (value.kind() == Kind::tensor) {
      TensorObject& object = value.as_tensor_object();
      group_of(object.tensor.storage(), object.tensor.dtype()).tensors.push_back(&object);
    }
    pending_.push_back(value);
  }

  Group& group_of(const std::shared_ptr<Storage>& storage, DType dtype) {
    const auto [known, added] = index_.try_emplace({storage.get(), dtype}, all.size());
    if (added) {
      ++dtypes_[storage.get()];
      all.push_back({.storage = storage, .dtype = dtype, .name = names_[storage.get()]});
    }
    return all[known->second];
  }

  std::unordered_map<const Storage*, std::string> names_;
  std::unordered_map<const Storage*, int> dtypes_;
  std::map<std::pair<const Storage*, DType>, std::size_t> index_;
  std::vector<Value> pending_;
  std::unordered_set<const void*> seen_;
};

// Chooses what is written: all, the one tensor's elements, or the range that the tensors lie in.
void choose_part(Group& group, bool compact) {
  const std::int64_t count = count_in(*group.storage, group.dtype);
  group.shape = {count};
  group.strides = {1};
  if (!compact || !group.objects.empty()) return;
  std::int64_t low = count;
  std::int64_t high = 0;
  for (const TensorObject* const object : group.tensors) {
    const std::int64_t extent = layout_extent(object->tensor.shape(), object->tensor.strides());
    if (extent == 0) continue;
    low = std::min(low, object->tensor.offset());
    high = std::max(high, object->tensor.offset() + extent);
  }
  low = std::min(low, high);
  const Tensor& first = group.tensors.front()->tensor;
  const bool alone = std::ranges::all_of(group.tensors, [&](const TensorObject* object) {
    return object->tensor.shape() == first.shape() && object->tensor.strides() == first.strides() &&
           object->tensor.offset() == first.offset();
  });
  // Where there are no gaps, strides stay; an expanded tensor has more elements than memory.
  if (alone && first.numel() < high - low) {
    group.shape = first.shape();
    group.strides = first.strides();
    group.offset = first.offset();
  } else {
    group.shape = {high - low};
    group.offset = low;
  }
}

std::uint64_t bytes_in(const CkptSource& source) {
  std::uint64_t total = 0;
  for (const auto& [storage, stored] : source.storages) total += storage->bytes();
  return total;
}

class Rewriter : public StorageSupply {
 public:
  Rewriter(const CkptSource& source, const RewriteOptions& options)
      : source_(source), options_(options), progress_("writing", bytes_in(source)) {}

  void change(Value& value) {
    Groups groups(value);
    for (Group& group : groups.all) {
      if (group.storage->device() == kMeta && !source_.storages.contains(group.storage.get())) {
        describe_anew(group);
        continue;
      }
      // Two dtypes over one storage must go on sharing it whole.
      choose_part(group, options_.compact && groups.has_one_dtype(group.storage.get()));
      replace(std::move(group));
    }
  }

  [[nodiscard]] std::string location(const Storage& storage) const override {
    const Storage* from = &storage;
    const auto made = made_.find(from);
    if (made != made_.end()) from = made->second.storage.get();
    const auto stored = source_.storages.find(from);
    if (made == made_.end() && stored == source_.storages.end()) return {};
    if (!options_.location.empty()) return options_.location;
    return stored == source_.storages.end() ? to_string(from->device()) : stored->second.location;
  }

  [[nodiscard]] std::shared_ptr<const Storage> bytes(const Storage& storage) const override {
    const auto made = made_.find(&storage);
    if (made == made_.end()) {
      auto whole = read(&storage);
      progress_.advance(whole->bytes());
      return whole;
    }
    const Group& group = made->second;
    const Tensor part(read(group.storage.get()), group.dtype, group.shape, group.strides,
                      group.offset);
    progress_.advance(group.storage->bytes());
    const Tensor plain = recast(group.name, part, options_.dtype, losses_).contiguous();
    return (plain.storage()->bytes() == plain.nbytes() ? plain : plain.clone()).storage();
  }

  [[nodiscard]] Losses take_losses() { return std::move(losses_); }

 private:
  [[nodiscard]] std::shared_ptr<Storage> read(const Storage* storage) const {
    const auto stored = source_.storages.find(storage);
    if (stored != source_.storages.end()) return stored->second.read();
    return in_memory_.at(storage);
  }

  // Tensors without elements.
  void describe_anew(Group& group) const {
    if (!is_recast(group.dtype, options_.dtype)) return;
    for (TensorObject* const object : group.tensors) {
      const bool requires_grad = object->tensor.requires_grad();
      object->tensor = Tensor::empty(object->tensor.shape(), *options_.dtype, kMeta);
      object->tensor.set_requires_grad(requires_grad);
    }
  }

  void replace(Group group) {
    const bool changed_dtype = is_recast(group.dtype, options_.dtype);
    const bool covers = element_count(group.shape) == count_in(*group.storage, group.dtype);
    const bool in_file = source_.storages.contains(group.storage.get());
    // What is in memory only has no device to change.
    if (covers && !changed_dtype && (in_file || options_.location.empty())) return;
    const DType dtype = changed_dtype ? *options_.dtype : group.dtype;
    const std::int64_t count = element_count(group.shape);
    const auto made = std::make_shared<Storage>(static_cast<std::size_t>(count) * size_of(dtype),
                                                backend_for(kMeta));
    if (!in_file) in_memory_.emplace(group.storage.get(), group.storage);
    const bool alone = group.strides != Dims{1} || group.shape.size() != 1;
    for (TensorObject* const object : group.tensors) {
      const Tensor& old = object->tensor;
      const bool requires_grad = old.requires_grad();
      Dims strides = alone ? contiguous_strides(group.shape) : old.strides();
      const std::int64_t offset = alone || old.numel() == 0 ? 0 : old.offset() - group.offset;
      Tensor changed(made, dtype, old.shape(), std::move(strides), offset);
      changed.set_requires_grad(requires_grad);
      object->tensor = std::move(changed);
    }
    for (Value* const object : group.objects) {
      const bool typed = object->as_storage().dtype.has_value();
      if (typed && changed_dtype) *object = StorageObject{made, dtype};
    }
    made_.emplace(made.get(), std::move(group));
    kept_.push_back(made);
  }

  const CkptSource& source_;
  const RewriteOptions& options_;
  std::unordered_map<const Storage*, Group> made_;
  std::unordered_map<const Storage*, std::shared_ptr<Storage>> in_memory_;
  std::vector<std::shared_ptr<Storage>> kept_;  // so that addresses stay apart
  mutable Losses losses_;
  mutable ByteProgress progress_;
};

}  // namespace

Losses rewrite(const CkptSource& source, Value value, const std::filesystem::path& out,
               const RewriteOptions& options) {
  Rewriter rewriter(source, options);
  rewriter.change(value);
  save(value, out, rewriter);
  return rewriter.take_losses();
}

}  // namespace wick::tools
