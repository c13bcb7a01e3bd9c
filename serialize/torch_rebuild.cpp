// SPDX-License-Identifier: MIT
#include "serialize/torch_rebuild.h"

#include <limits>
#include <string>
#include <utility>

#include "core/error.h"
#include "serialize/utf8.h"

namespace wick {
namespace {

using Arguments = std::vector<Value>;
using Kind = Value::Kind;

void require_count(const char* function, const Arguments& arguments, std::size_t least,
                   std::size_t most) {
  if (arguments.size() < least || arguments.size() > most) {
    throw ValueError(concat(function, " does not take ", arguments.size(), " argument(s)"));
  }
}

Dims dims_of(const Value& value) {
  if (value.kind() == Kind::size) return value.as_size();
  Dims dims;
  for (const Value& size : value.as_sequence()) dims.push_back(size.as_int());
  return dims;
}

// OrderedDict(), or OrderedDict([(key, value), ...]) as Python 2 wrote it.
Value make_ordered_dict(const Arguments& arguments, ObjectTable& objects) {
  require_count("OrderedDict", arguments, 0, 1);
  auto dict = std::make_shared<Dict>(Dict::Type::ordered_dict);
  if (!arguments.empty()) {
    for (const Value& pair : arguments[0].as_sequence()) {
      const std::vector<Value>& items = pair.as_sequence();
      require_count("an item of OrderedDict", items, 2, 2);
      objects.spend_key(items[0]);
      dict->set(items[0], items[1]);
    }
  }
  return objects.add(std::move(dict));
}

Value make_set(const Arguments& arguments, ObjectTable& objects) {
  require_count("set", arguments, 0, 1);
  auto set = std::make_shared<Set>();
  if (!arguments.empty()) {
    for (const Value& item : arguments[0].as_sequence()) {
      objects.spend_key(item);
      set->insert(item);
    }
  }
  return objects.add(std::move(set));
}

Value make_bytes(const Arguments& arguments) {
  require_count("bytes", arguments, 0, 0);
  return Bytes{};
}

Value encode(const Arguments& arguments) {
  require_count("_codecs.encode", arguments, 2, 2);
  const std::string& encoding = arguments[1].as_string();
  if (encoding != "latin1" && encoding != "latin-1") {
    throw ValueError(concat("_codecs.encode: the encoding must be \"latin1\", got \"",
                            encoding.substr(0, 40), '"'));
  }
  auto bytes = utf8_to_latin1(arguments[0].as_string());
  if (!bytes) throw ValueError("_codecs.encode: a character is above U+00FF");
  return Bytes{*std::move(bytes)};
}

Value make_complex(const Arguments& arguments) {
  require_count("complex", arguments, 2, 2);
  return std::complex<double>(arguments[0].as_double(), arguments[1].as_double());
}

Value make_device(const Arguments& arguments) {
  require_count("torch.device", arguments, 1, 2);
  std::string text = arguments[0].as_string().substr(0, 40);
  if (arguments.size() == 2) text += ':' + std::to_string(arguments[1].as_int());
  try {
    return Device::parse(text);
  } catch (const DeviceError& error) {
    throw ValueError(error.what());
  }
}

Value make_size(const Arguments& arguments) {
  require_count("torch.Size", arguments, 0, 1);
  return arguments.empty() ? Size{} : Size{dims_of(arguments[0])};
}

// (storage, offset, size, stride, requires_grad, hooks[, dtype][, metadata])
Value rebuild_tensor(const Arguments& arguments, bool with_dtype, ObjectTable& objects,
                     const StorageSource& storages) {
  const std::size_t dtype_count = with_dtype ? 1 : 0;
  require_count("_rebuild_tensor", arguments, 6 + dtype_count, 7 + dtype_count);
  const auto* const what = objects.stand_in(arguments[0]);
  const auto* const id = what == nullptr ? nullptr : std::get_if<StorageId>(what);
  if (id == nullptr) throw ValueError("_rebuild_tensor: its first argument is no storage");
  if (with_dtype == id->dtype.has_value()) {
    throw ValueError(with_dtype ? "_rebuild_tensor_v3: its storage must be untyped"
                                : "_rebuild_tensor_v2: its storage must have a dtype");
  }
  const bool no_hooks = arguments[5].is_none() ||
                        (arguments[5].kind() == Kind::dict && arguments[5].as_dict().empty());
  if (!no_hooks) throw ValueError("_rebuild_tensor: backward hooks are not admitted");
  if (arguments.size() == 7 + dtype_count) {
    // The conj and neg bits of lazy views, which wick's tensors do not have.
    for (const auto& [key, value] : arguments.back().as_dict()) {
      if (value.kind() != Kind::boolean || value.as_bool()) {
        throw ValueError(
            "_rebuild_tensor: a lazily conjugated or negated tensor; save "
            "tensor.resolve_conj().resolve_neg() instead");
      }
    }
  }
  const DType dtype = with_dtype ? arguments[6].as_dtype() : *id->dtype;
  const Dims shape = dims_of(arguments[2]);
  const Dims strides = dims_of(arguments[3]);
  try {
    Tensor tensor(storages(*id, dtype), dtype, shape, strides, arguments[1].as_int());
    tensor.set_requires_grad(arguments[4].as_bool());
    return tensor;
  } catch (const ShapeError& error) {
    throw ShapeError(concat("a tensor over record data/", id->key, ": ", error.what()));
  }
}

// nn.Parameter(data, requires_grad), which is a tensor here.
Value rebuild_parameter(const Arguments& arguments) {
  require_count("_rebuild_parameter", arguments, 3, 3);
  Tensor tensor = arguments[0].as_tensor();
  tensor.set_requires_grad(arguments[1].as_bool());
  return tensor;
}

}  // namespace

Value call(Callable callable, const Arguments& arguments, ObjectTable& objects,
           const StorageSource& storages) {
  const bool takes_storage =
      callable == Callable::rebuild_tensor_v2 || callable == Callable::rebuild_tensor_v3;
  for (std::size_t i = takes_storage ? 1 : 0; i < arguments.size(); ++i) {
    if (objects.stand_in(arguments[i]) != nullptr) {
      throw ValueError("a class, a function or a storage is an argument where none may be");
    }
  }
  switch (callable) {
    case Callable::ordered_dict: return make_ordered_dict(arguments, objects);
    case Callable::set: return make_set(arguments, objects);
    case Callable::bytes: return make_bytes(arguments);
    case Callable::complex: return make_complex(arguments);
    case Callable::encode: return encode(arguments);
    case Callable::size: return make_size(arguments);
    case Callable::device: return make_device(arguments);
    case Callable::rebuild_tensor_v2: return rebuild_tensor(arguments, false, objects, storages);
    case Callable::rebuild_tensor_v3: return rebuild_tensor(arguments, true, objects, storages);
    case Callable::rebuild_parameter: return rebuild_parameter(arguments);
  }
  throw ValueError("an unknown function");
}

StorageId storage_id(const Value& persistent_id, const ObjectTable& objects) {
  if (persistent_id.kind() != Kind::tuple || persistent_id.as_tuple().size() != 5 ||
      persistent_id.at_index(0).kind() != Kind::string ||
      persistent_id.at_index(0).as_string() != "storage") {
    throw ValueError("a persistent id that is not ('storage', class, key, location, numel)");
  }
  const auto* const what = objects.stand_in(persistent_id.at_index(1));
  const auto* const storage = what == nullptr ? nullptr : std::get_if<StorageClass>(what);
  if (storage == nullptr) throw ValueError("a persistent id without a storage class");
  StorageId id{persistent_id.at_index(2).as_string(), storage->dtype,
               persistent_id.at_index(3).as_string(), persistent_id.at_index(4).as_int()};
  if (id.numel < 0) throw ValueError(concat("a storage of ", id.numel, " elements"));
  return id;
}

}  // namespace wick
