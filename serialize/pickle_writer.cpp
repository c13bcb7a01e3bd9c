// SPDX-License-Identifier: MIT
#include "serialize/pickle_writer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/error.h"
#include "core/placeholder.h"
#include "serialize/pickle_emitter.h"
#include "serialize/pickle_opcodes.h"
#include "serialize/storage_emitter.h"
#include "serialize/storage_supply.h"
#include "serialize/torch_globals.h"
#include "serialize/torch_names.h"

namespace wick {
namespace {

using pickle::Op;

constexpr std::size_t kBatchSize = 1000;  // of APPENDS and SETITEMS

class Pickler {
 public:
  explicit Pickler(const StorageSupply* supply) : supply_(supply) {}

  Pickled pickle(const Value& value) {
    root_ = &value;
    emit_.proto();
    save(value);
    emit_.op(Op::stop);
    return {emit_.release(), storages_.release()};
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
      case Kind::layout: emit_.layout(value.as_layout()); return;
      case Kind::storage: storages_.add(value.as_storage()); return;
      case Kind::big_integer: emit_.integer(value.as_big_integer()); return;
      case Kind::placeholder: refuse_placeholder();
      case Kind::byte_array: emit_.byte_array(value.as_byte_array(), value.identity()); return;
      case Kind::tensor:
        if (has_attributes(value.as_tensor_object())) break;
        save_tensor_object(value.as_tensor_object(), value.identity());
        return;
      case Kind::list:
      case Kind::tuple:
      case Kind::dict:
      case Kind::set:
      case Kind::frozen_set: break;
    }
    descend(1);
    switch (value.kind()) {
      case Kind::list: save_list(value.as_list(), value.identity()); break;
      case Kind::tuple: save_tuple(value.as_tuple(), value.identity()); break;
      case Kind::dict: save_dict(value.as_dict(), value.identity(), Keys::interned); break;
      case Kind::set: save_set("set", value.as_set(), value.identity()); break;
      case Kind::frozen_set:
        save_set("frozenset", value.as_frozen_set().items(), value.identity());
        break;
      default: save_tensor_object(value.as_tensor_object(), value.identity()); break;
    }
    --depth_;
  }

  [[noreturn]] void refuse_placeholder() const {
    const PlaceholderReport report = placeholders_in(*root_, 1);
    const auto& [name, type, is_object] = report.first.at(0);
    throw ValueError(
        concat("save: ", name.empty() ? "the value" : concat('"', name.substr(0, 200), '"'),
               is_object ? " is a placeholder for an object of class " : " is a placeholder for ",
               type.substr(0, 200), ", which wick does not have",
               report.count > 1 ? concat("; there are ", report.count - 1, " more") : ""),
        Remedy::admitted_part, "save a part without placeholders");
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
    switch (dict.type()) {
      case Dict::Type::dict: save_plain_dict(dict, identity, keys); return;
      case Dict::Type::counter: save_counter(dict, identity); return;
      case Dict::Type::default_dict:
        save_empty_default_dict(dict.default_factory(), identity);
        save_iterated_items(dict, keys);
        return;
      case Dict::Type::ordered_dict: break;
    }
    save_empty_ordered_dict(identity);
    save_iterated_items(dict, keys);
    if (dict.attributes() != nullptr && !dict.attributes()->empty()) {
      save_attributes(dict.attributes());
      emit_.op(Op::build);
    }
  }

  void save_plain_dict(const Dict& dict, const void* identity, Keys keys) {
    emit_.op(Op::empty_dict);
    emit_.memoize(identity);
    save_plain_items(dict, keys);
  }

  // Counter(items), the items as a dict made for this.
  void save_counter(const Dict& counter, const void* identity) {
    emit_.global("collections", "Counter");
    save_plain_dict(counter, nullptr, Keys::interned);
    emit_.op(Op::tuple1);
    emit_.memoize();
    finish_call(identity);
  }

  // defaultdict(factory), or defaultdict().
  void save_empty_default_dict(std::string_view factory, const void* identity) {
    emit_.global("collections", "defaultdict");
    if (factory.empty()) {
      emit_.op(Op::empty_tuple);
    } else {
      const auto [module, name] = factory_global(factory);
      emit_.global(module, name);
      emit_.op(Op::tuple1);
      emit_.memoize();
    }
    emit_.op(Op::reduce);
    emit_.memoize(identity);
  }

  // Calls the function below the tuple on top, and memoises the result; if meanwhile an argument
  // that contains this very object has done so, drops the result for that.
  void finish_call(const void* identity) {
    emit_.op(Op::reduce);
    if (identity != nullptr && emit_.knows(identity)) {
      emit_.op(Op::pop);
      emit_.get_known(identity);
    } else {
      emit_.memoize(identity);
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
  void save_iterated_items(const Dict& dict, Keys keys) {
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

  // Protocol 2 has no opcode for sets: set([items]), frozenset([items]).
  void save_set(std::string_view type, const Set& set, const void* identity) {
    emit_.global("__builtin__", type);
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

  static bool has_attributes(const TensorObject& object) {
    return object.attributes != nullptr && !object.attributes->empty();
  }

  void save_tensor_object(const TensorObject& object, const void* identity) {
    if (object.is_parameter) {
      save_parameter_call(object);
    } else if (has_attributes(object)) {
      // torch._tensor._rebuild_from_type_v2(function, class, arguments, attributes)
      emit_.global("torch._tensor", "_rebuild_from_type_v2");
      emit_.op(Op::mark);
      save_tensor_function(object.tensor);
      emit_.global("torch", "Tensor");
      save_tensor_arguments(object.tensor, object.tensor.requires_grad());
      save(Value(object.attributes));
      emit_.op(Op::tuple);
      emit_.memoize();
    } else {
      save_tensor_function(object.tensor);
      save_tensor_arguments(object.tensor, object.tensor.requires_grad());
    }
    finish_call(identity);
  }

  // torch._utils._rebuild_parameter(data, requires_grad, hooks), or _with_state(..., attributes).
  void save_parameter_call(const TensorObject& object) {
    const bool with_state = has_attributes(object);
    emit_.global("torch._utils",
                 with_state ? "_rebuild_parameter_with_state" : "_rebuild_parameter");
    if (with_state) emit_.op(Op::mark);
    save_tensor_function(object.tensor);
    save_tensor_arguments(object.tensor, false);
    finish_call(nullptr);
    emit_.boolean(object.tensor.requires_grad());
    save_empty_ordered_dict(nullptr);  // backward hooks, never saved
    if (with_state) save(Value(object.attributes));
    emit_.close_tuple(with_state ? 4 : 3);
    emit_.memoize();
  }

  // torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks), or _v3
  // with the dtype behind them; on the device "meta" _rebuild_meta_tensor_no_storage(dtype, size,
  // stride, requires_grad).
  [[nodiscard]] bool is_without_storage(const Tensor& tensor) const {
    return tensor.device() == kMeta &&
           (supply_ == nullptr || supply_->location(*tensor.storage()).empty());
  }
  void save_tensor_function(const Tensor& tensor) {
    if (!tensor.defined()) throw ValueError("save: a tensor is undefined");
    emit_.global("torch._utils", is_without_storage(tensor)      ? "_rebuild_meta_tensor_no_storage"
                                 : storage_class(tensor.dtype()) ? "_rebuild_tensor_v2"
                                                                 : "_rebuild_tensor_v3");
  }
  void save_tensor_arguments(const Tensor& tensor, bool requires_grad) {
    const bool with_storage = !is_without_storage(tensor);
    emit_.op(Op::mark);
    if (with_storage) {
      storages_.add_for(tensor);
      emit_.integer(tensor.offset());
    } else {
      emit_.dtype(tensor.dtype());
    }
    emit_.dims(tensor.shape());
    emit_.dims(tensor.strides());
    emit_.boolean(requires_grad);
    if (with_storage) {
      save_empty_ordered_dict(nullptr);
      if (!storage_class(tensor.dtype())) emit_.dtype(tensor.dtype());
    }
    emit_.op(Op::tuple);
    emit_.memoize();
  }

  const StorageSupply* supply_;
  const Value* root_ = nullptr;
  PickleEmitter emit_;
  std::size_t depth_ = 0;
  StorageEmitter storages_{emit_, supply_};
};

}  // namespace

Pickled pickle_value(const Value& value, const StorageSupply* supply) {
  return Pickler(supply).pickle(value);
}

}  // namespace wick
