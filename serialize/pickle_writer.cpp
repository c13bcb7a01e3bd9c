// SPDX-License-Identifier: MIT
#include "serialize/pickle_writer.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "serialize/pickle_emitter.h"
#include "serialize/pickle_opcodes.h"
#include "serialize/pickle_steps.h"
#include "serialize/storage_emitter.h"
#include "serialize/storage_supply.h"
#include "serialize/torch_globals.h"
#include "serialize/torch_names.h"
#include "wick/core/error.h"
#include "wick/core/placeholder.h"

namespace wick {
namespace {

using pickle::Keys;
using pickle::Op;
using pickle::Step;
using pickle::Work;

constexpr std::size_t kBatchSize = 1000;  // of APPENDS and SETITEMS

// Walks over the value with a stack of its own, since a value may be nested to any depth. What a
// container has still to write lies there as a step; the topmost one goes on. A step that saves a
// container puts that one's step on top of itself.
class Pickler {
 public:
  explicit Pickler(const StorageSupply* supply) : supply_(supply) {}

  Pickled pickle(const Value& value) {
    root_ = &value;
    emit_.proto();
    save(value);
    while (!steps_.empty()) go_on();
    emit_.op(Op::stop);
    return {emit_.release(), storages_.release()};
  }

 private:
  void push(Step step) { steps_.push_back(step); }

  void go_on() {
    Step& step = steps_.back();
    switch (step.work) {
      case Work::tuple: go_on_tuple(step); return;
      case Work::list: go_on_list(step); return;
      case Work::dict_items:
      case Work::iterated_items: go_on_dict(step); return;
      default: break;
    }
    const Step last = step;
    steps_.pop_back();
    switch (last.work) {
      case Work::attributes: save_attributes(last.dict->attributes()); break;
      case Work::counter_end:
        emit_.op(Op::tuple1);
        emit_.memoize();
        finish_call(last.identity);
        break;
      case Work::set_end:
        emit_.op(Op::tuple1);
        emit_.memoize();
        emit_.op(Op::reduce);
        emit_.memoize(last.identity);
        break;
      case Work::tensor_end:
        emit_.op(Op::tuple);
        emit_.memoize();
        finish_call(last.identity);
        break;
      case Work::parameter_end:
        emit_.close_tuple(4);
        emit_.memoize();
        finish_call(last.identity);
        break;
      case Work::build: emit_.op(Op::build); break;
      default: emit_.op(Op::setitem); break;
    }
  }

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
      case Kind::device: emit_.device(value.as_device(), value.identity()); return;
      case Kind::layout: emit_.layout(value.as_layout()); return;
      case Kind::storage: storages_.add(value.as_storage()); return;
      case Kind::big_integer: emit_.integer(value.as_big_integer()); return;
      case Kind::placeholder: refuse_placeholder();
      case Kind::byte_array: emit_.byte_array(value.as_byte_array(), value.identity()); return;
      case Kind::tensor: save_tensor_object(value.as_tensor_object(), value.identity()); return;
      case Kind::list: save_list(value.as_list(), value.identity()); return;
      case Kind::tuple: save_tuple(value.as_tuple(), value.identity()); return;
      case Kind::dict: save_dict(value.as_dict(), value.identity(), Keys::interned); return;
      case Kind::set: save_set("set", value.as_set(), value.identity()); return;
      case Kind::frozen_set:
        save_set("frozenset", value.as_frozen_set().items(), value.identity());
        return;
    }
  }
  void save(const std::shared_ptr<Dict>& dict) {
    if (!emit_.get_known(dict.get())) save_dict(*dict, dict.get(), Keys::interned);
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

  // -- Containers -----------------------------------------------------------------------------

  void save_tuple(const std::vector<Value>& items, const void* identity) {
    if (items.empty()) {
      emit_.op(Op::empty_tuple);
      return;
    }
    if (items.size() > 3) emit_.op(Op::mark);
    push({.work = Work::tuple, .items = &items, .identity = identity});
  }

  void go_on_tuple(Step& step) {
    const std::vector<Value>& items = *step.items;
    if (step.next < items.size()) {
      save(items[step.next++]);
      return;
    }
    const void* const identity = step.identity;
    steps_.pop_back();
    if (emit_.knows(identity)) {
      // One of the items contains this tuple and has memoised it meanwhile: drop what was pushed.
      if (items.size() > 3) {
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
    push({.work = Work::list, .items = &items});
  }

  void go_on_list(Step& step) {
    if (step.next < step.stop) {
      const std::size_t index = step.next++;
      save(step.set == nullptr ? (*step.items)[index]
                               : (step.set->begin() + static_cast<std::ptrdiff_t>(index))->first);
      return;
    }
    if (step.open) emit_.op(step.single ? Op::append : Op::appends);
    const std::size_t size = step.set == nullptr ? step.items->size() : step.set->size();
    if (step.next == size) {
      steps_.pop_back();
      return;
    }
    step.open = true;
    step.single = size == 1;
    step.stop = std::min(size, step.next + kBatchSize);
    if (!step.single) emit_.op(Op::mark);
  }

  void save_dict(const Dict& dict, const void* identity, Keys keys) {
    switch (dict.type()) {
      case Dict::Type::dict: save_plain_dict(dict, identity, keys); return;
      case Dict::Type::counter:
        // Counter(items), the items as a dict made for this.
        emit_.global("collections", "Counter");
        push({.work = Work::counter_end, .identity = identity});
        save_plain_dict(dict, nullptr, Keys::interned);
        return;
      case Dict::Type::default_dict:
        save_empty_default_dict(dict.default_factory(), identity);
        break;
      case Dict::Type::ordered_dict:
        save_empty_ordered_dict(identity);
        if (dict.attributes() != nullptr && !dict.attributes()->empty()) {
          push({.work = Work::build});
          push({.work = Work::attributes, .dict = &dict});
        }
        break;
    }
    push({.work = Work::iterated_items, .dict = &dict, .keys = keys});
  }

  void save_plain_dict(const Dict& dict, const void* identity, Keys keys) {
    emit_.op(Op::empty_dict);
    emit_.memoize(identity);
    push({.work = Work::dict_items, .dict = &dict, .keys = keys});
  }

  // As CPython does. For exact dicts: a full last batch is followed by an empty one. For an
  // iterator of items: a last one alone goes without a mark.
  void go_on_dict(Step& step) {
    const Dict& dict = *step.dict;
    if (step.next < step.stop) {
      const auto& [key, value] = *(dict.begin() + static_cast<std::ptrdiff_t>(step.next));
      if (!std::exchange(step.key_done, !step.key_done)) {
        save_key(key, step.keys);
      } else {
        ++step.next;
        save(value);
      }
      return;
    }
    const bool plain = step.work == Work::dict_items;
    bool done = step.next == dict.size();
    if (step.open) {
      emit_.op(step.single ? Op::setitem : Op::setitems);
      done = done && !(plain && step.stop - step.first == kBatchSize);
    }
    if (done) {
      steps_.pop_back();
      return;
    }
    const std::size_t left = dict.size() - step.next;
    step.open = true;
    step.single = plain ? dict.size() == 1 : left == 1;
    step.first = step.next;
    step.stop = step.next + std::min(left, kBatchSize);
    if (!step.single) emit_.op(Op::mark);
  }

  void save_key(const Value& key, Keys keys) {
    if (keys == Keys::fresh && key.kind() == Value::Kind::string && key.as_string().size() > 1) {
      emit_.fresh_string(key.as_string());
    } else {
      save(key);
    }
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

  // The __dict__ of an OrderedDict. In `_metadata` Module.state_dict() makes every key anew.
  void save_attributes(const std::shared_ptr<Dict>& attributes) {
    if (emit_.get_known(attributes.get())) return;
    const bool is_metadata = attributes->type() == Dict::Type::dict && attributes->size() == 1 &&
                             attributes->begin()->first.kind() == Value::Kind::string &&
                             attributes->begin()->first.as_string() == "_metadata" &&
                             attributes->begin()->second.kind() == Value::Kind::dict;
    if (!is_metadata) {
      save_dict(*attributes, attributes.get(), Keys::interned);
      return;
    }
    emit_.op(Op::empty_dict);
    emit_.memoize(attributes.get());
    emit_.string("_metadata");
    push({.work = Work::set_item});
    const Value& metadata = attributes->begin()->second;
    if (!emit_.get_known(metadata.identity())) {
      save_dict(metadata.as_dict(), metadata.identity(), Keys::fresh);
    }
  }

  // Protocol 2 has no opcode for sets: set([items]), frozenset([items]).
  void save_set(std::string_view type, const Set& set, const void* identity) {
    emit_.global("__builtin__", type);
    push({.work = Work::set_end, .identity = identity});
    emit_.op(Op::empty_list);
    emit_.memoize(nullptr);
    push({.work = Work::list, .set = &set});
  }

  // -- Tensors --------------------------------------------------------------------------------

  static bool has_attributes(const TensorObject& object) {
    return object.attributes != nullptr && !object.attributes->empty();
  }

  void save_tensor_object(const TensorObject& object, const void* identity) {
    if (object.is_parameter) {
      save_parameter(object, identity);
    } else if (has_attributes(object)) {
      // torch._tensor._rebuild_from_type_v2(function, class, arguments, attributes)
      emit_.global("torch._tensor", "_rebuild_from_type_v2");
      emit_.op(Op::mark);
      save_tensor_function(object.tensor);
      emit_.global("torch", "Tensor");
      save_tensor_arguments(object.tensor, object.tensor.requires_grad());
      push({.work = Work::tensor_end, .identity = identity});
      save(object.attributes);
    } else {
      save_tensor_function(object.tensor);
      save_tensor_arguments(object.tensor, object.tensor.requires_grad());
      finish_call(identity);
    }
  }

  // torch._utils._rebuild_parameter(data, requires_grad, hooks), or _with_state(..., attributes).
  void save_parameter(const TensorObject& object, const void* identity) {
    const bool with_state = has_attributes(object);
    emit_.global("torch._utils",
                 with_state ? "_rebuild_parameter_with_state" : "_rebuild_parameter");
    if (with_state) emit_.op(Op::mark);
    save_tensor_function(object.tensor);
    save_tensor_arguments(object.tensor, false);
    finish_call(nullptr);
    emit_.boolean(object.tensor.requires_grad());
    save_empty_ordered_dict(nullptr);  // backward hooks, never saved
    if (with_state) {
      push({.work = Work::parameter_end, .identity = identity});
      save(object.attributes);
      return;
    }
    emit_.close_tuple(3);
    emit_.memoize();
    finish_call(identity);
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
  std::vector<Step> steps_;
  StorageEmitter storages_{emit_, supply_};
};

}  // namespace

Pickled pickle_value(const Value& value, const StorageSupply* supply) {
  return Pickler(supply).pickle(value);
}

}  // namespace wick
