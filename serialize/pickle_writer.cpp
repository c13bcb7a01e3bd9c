// SPDX-License-Identifier: MIT
#include "serialize/pickle_writer.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "core/error.h"
#include "serialize/pickle_emitter.h"
#include "serialize/pickle_opcodes.h"
#include "serialize/torch_names.h"

namespace wick {
namespace {

using pickle::Op;

constexpr std::size_t kBatchSize = 1000;  // of APPENDS and SETITEMS

class Pickler {
 public:
  Pickled pickle(const Value& value) {
    emit_.proto();
    save(value);
    emit_.op(Op::stop);
    return {emit_.release(), std::move(storages_)};
  }

 private:
  enum class Keys { interned, fresh };

  // -- Objects --------------------------------------------------------------------------------

  void save(const Value& value) {
    using Kind = Value::Kind;
    if (value.identity() != nullptr && emit_.get_known(value.identity())) return;
    switch (value.kind()) {
      case Kind::none: emit_.op(Op::none); return;
      case Kind::boolean: emit_.boolean(value.as_bool()); return;
      case Kind::integer: emit_.integer(value.as_int()); return;
      case Kind::real: emit_.real(value.as_double()); return;
      case Kind::complex:
        emit_.complex(value.as_complex().real(), value.as_complex().imag());
        return;
      case Kind::string: emit_.string(value.as_string()); return;
      case Kind::bytes: emit_.bytes(value.as_bytes().data); return;
      case Kind::size: emit_.size(value.as_size(), value.identity()); return;
      case Kind::dtype: emit_.dtype(value.as_dtype()); return;
      case Kind::device: emit_.device(value.as_device()); return;
      case Kind::tensor: save_tensor(value.as_tensor(), value.identity()); return;
      case Kind::list:
      case Kind::tuple:
      case Kind::dict:
      case Kind::set: break;
    }
    descend(1);
    switch (value.kind()) {
      case Kind::list: save_list(value.as_list(), value.identity()); break;
      case Kind::tuple: save_tuple(value.as_tuple(), value.identity()); break;
      case Kind::dict: save_dict(value.as_dict(), value.identity(), Keys::interned); break;
      default: save_set(value.as_set(), value.identity()); break;
    }
    --depth_;
  }

  void descend(std::size_t levels) {
    depth_ += levels;
    if (depth_ > pickle::kMaxDepth) {
      throw ValueError(
          concat("save: containers are nested more than ", pickle::kMaxDepth, " deep"));
    }
  }

  // -- Containers -----------------------------------------------------------------------------

  void save_tuple(const std::vector<Value>& items, const void* identity) {
    if (items.empty()) {
      emit_.op(Op::empty_tuple);
      return;
    }
    const bool marked = items.size() > 3;
    if (marked) emit_.op(Op::mark);
    for (const Value& item : items) save(item);
    if (emit_.knows(identity)) {
      // One of the items contains this tuple and has memoised it meanwhile: drop what was pushed.
      if (marked) {
        emit_.op(Op::pop_mark);
      } else {
        for (std::size_t i = 0; i < items.size(); ++i) emit_.op(Op::pop);
      }
      emit_.get_known(identity);
      return;
    }
    emit_.close_tuple(items.size());
    emit_.memoize(identity);
  }

  void save_list(const std::vector<Value>& items, const void* identity) {
    emit_.op(Op::empty_list);
    emit_.memoize(identity);
    if (items.size() == 1) {
      save(items[0]);
      emit_.op(Op::append);
      return;
    }
    for (std::size_t done = 0; done < items.size();) {
      emit_.op(Op::mark);
      const std::size_t stop = std::min(items.size(), done + kBatchSize);
      for (; done < stop; ++done) save(items[done]);
      emit_.op(Op::appends);
    }
  }

  void save_dict(const Dict& dict, const void* identity, Keys keys) {
    if (dict.type() == Dict::Type::dict) {
      emit_.op(Op::empty_dict);
      emit_.memoize(identity);
      save_plain_items(dict, keys);
      return;
    }
    save_empty_ordered_dict(identity);
    save_ordered_items(dict, keys);
    if (dict.attributes() != nullptr && !dict.attributes()->empty()) {
      save_attributes(dict.attributes());
      emit_.op(Op::build);
    }
  }

  void save_empty_ordered_dict(const void* identity) {
    emit_.global("collections", "OrderedDict");
    emit_.op(Op::empty_tuple);
    emit_.op(Op::reduce);
    emit_.memoize(identity);
  }

  void save_item(const Dict::Entry& entry, Keys keys) {
    const Value& key = entry.first;
    if (keys == Keys::fresh && key.kind() == Value::Kind::string && key.as_string().size() > 1) {
      emit_.fresh_string(key.as_string());
    } else {
      save(key);
    }
    save(entry.second);
  }

  // As CPython does for exact dicts: a full last batch is followed by an empty one.
  void save_plain_items(const Dict& dict, Keys keys) {
    if (dict.empty()) return;
    if (dict.size() == 1) {
      save_item(*dict.begin(), keys);
      emit_.op(Op::setitem);
      return;
    }
    auto entry = dict.begin();
    std::size_t count = 0;
    do {
      emit_.op(Op::mark);
      for (count = 0; count < kBatchSize && entry != dict.end(); ++count, ++entry) {
        save_item(*entry, keys);
      }
      emit_.op(Op::setitems);
    } while (count == kBatchSize);
  }

  // As CPython does for an iterator of items: a last one alone goes without a mark.
  void save_ordered_items(const Dict& dict, Keys keys) {
    for (auto entry = dict.begin(); entry != dict.end();) {
      if (dict.end() - entry == 1) {
        save_item(*entry++, keys);
        emit_.op(Op::setitem);
        continue;
      }
      emit_.op(Op::mark);
      for (std::size_t count = 0; count < kBatchSize && entry != dict.end(); ++count, ++entry) {
        save_item(*entry, keys);
      }
      emit_.op(Op::setitems);
    }
  }

  // The __dict__ of an OrderedDict. In `_metadata` Module.state_dict() makes every key anew.
  void save_attributes(const std::shared_ptr<Dict>& attributes) {
    if (emit_.get_known(attributes.get())) return;
    const bool is_metadata = attributes->size() == 1 &&
                             attributes->begin()->first.kind() == Value::Kind::string &&
                             attributes->begin()->first.as_string() == "_metadata" &&
                             attributes->begin()->second.kind() == Value::Kind::dict;
    if (!is_metadata) {
      save(Value(attributes));
      return;
    }
    emit_.op(Op::empty_dict);
    emit_.memoize(attributes.get());
    emit_.string("_metadata");
    const Value& metadata = attributes->begin()->second;
    if (!emit_.get_known(metadata.identity())) {
      descend(2);
      save_dict(metadata.as_dict(), metadata.identity(), Keys::fresh);
      depth_ -= 2;
    }
    emit_.op(Op::setitem);
  }

  // Protocol 2 has no opcode for sets: set([items]).
  void save_set(const Set& set, const void* identity) {
    emit_.global("__builtin__", "set");
    std::vector<Value> items;
    items.reserve(set.size());
    for (const auto& [item, unused] : set) items.push_back(item);
    save_list(items, nullptr);
    emit_.op(Op::tuple1);
    emit_.memoize();
    emit_.op(Op::reduce);
    emit_.memoize(identity);
  }

  // -- Tensors --------------------------------------------------------------------------------

  // torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks), or _v3
  // with the dtype behind them.
  void save_tensor(const Tensor& tensor, const void* identity) {
    if (!tensor.defined()) throw ValueError("save: a tensor is undefined");
    const bool typed = storage_class(tensor.dtype()).has_value();
    emit_.global("torch._utils", typed ? "_rebuild_tensor_v2" : "_rebuild_tensor_v3");
    emit_.op(Op::mark);
    save_storage(tensor.storage(), tensor.dtype());
    emit_.integer(tensor.offset());
    emit_.dims(tensor.shape());
    emit_.dims(tensor.strides());
    emit_.boolean(tensor.requires_grad());
    save_empty_ordered_dict(nullptr);  // backward hooks, never saved
    if (!typed) emit_.dtype(tensor.dtype());
    emit_.op(Op::tuple);
    emit_.memoize();
    emit_.op(Op::reduce);
    emit_.memoize(identity);
  }

  struct KnownStorage {
    std::size_t key = 0;
    DType dtype = DType::float32;
    std::uint32_t key_memo = 0;
  };

  void save_storage(const std::shared_ptr<Storage>& storage, DType dtype) {
    const auto legacy_class = storage_class(dtype);
    // PyTorch counts an untyped storage as one of uint8.
    const DType stored = legacy_class ? dtype : DType::uint8;
    emit_.op(Op::mark);
    emit_.string("storage");
    if (legacy_class) {
      emit_.global("torch", *legacy_class);
    } else {
      emit_.global("torch.storage", "UntypedStorage");
    }
    const auto [known, added] = known_storages_.try_emplace(storage.get());
    if (added) {
      known->second = {storages_.size(), stored,
                       emit_.fresh_string(std::to_string(storages_.size()))};
      storages_.push_back(storage);
    } else {
      if (known->second.dtype != stored && storage->bytes() != 0) {
        throw DTypeError(concat("save: tensors of ", known->second.dtype, " and ", stored,
                                " share one storage, which PyTorch's format cannot hold; "
                                "clone() one of them"));
      }
      emit_.get(known->second.key_memo);
    }
    const Device device = storage->device();
    if (device.type == DeviceType::cpu) {
      emit_.string("cpu");
    } else {
      emit_.fresh_string(to_string(device));
    }
    emit_.integer(static_cast<std::int64_t>(storage->bytes() / size_of(stored)));
    emit_.op(Op::tuple);
    emit_.memoize();
    emit_.op(Op::binpersid);
  }

  PickleEmitter emit_;
  std::size_t depth_ = 0;
  std::unordered_map<const Storage*, KnownStorage> known_storages_;
  std::vector<std::shared_ptr<Storage>> storages_;
};

}  // namespace

Pickled pickle_value(const Value& value) {
  return Pickler().pickle(value);
}

}  // namespace wick
