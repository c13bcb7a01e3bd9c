// SPDX-License-Identifier: MIT
#include "serialize/torch_rebuild.h"

#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "serialize/plain_rebuild.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/core/placeholder.h"

namespace wick {
namespace {

using Arguments = std::vector<Value>;
using Kind = Value::Kind;

const Function* function_in(const Value& value, const ObjectTable& objects) {
  const auto* const what = objects.stand_in(value);
  return what == nullptr ? nullptr : std::get_if<Function>(what);
}

void require_no_hooks(const Value& hooks) {
  const bool none = hooks.is_none() || (hooks.kind() == Kind::dict && hooks.as_dict().empty());
  if (!none) throw ValueError("a tensor has backward hooks, which are not admitted");
}

// The conj and neg bits of lazy views: {"conj": True}, or None.
LazyBits lazy_bits(const Value& metadata) {
  LazyBits bits;
  if (metadata.is_none()) return bits;
  for (const auto& [key, value] : metadata.as_dict()) {
    const bool is_set = value.as_bool();
    if (key == Value("conj")) {
      bits.conj = is_set;
    } else if (key == Value("neg")) {
      bits.neg = is_set;
    } else {
      throw ValueError("a tensor has metadata other than \"conj\" and \"neg\"");
    }
  }
  return bits;
}

struct Placement {
  Dims shape;
  Dims strides;
  std::int64_t offset = 0;
};

Tensor tensor_over(const StorageId& id, DType dtype, Placement placement,
                   const StorageSource& storages) {
  try {
    // Where only a part of the storage is the tensor's, it must lie in that; without an element
    // nothing lies outside.
    const std::int64_t extent = layout_extent(placement.shape, placement.strides);
    const bool in_part = id.view_numel != id.numel;
    if (in_part &&
        (placement.offset < 0 || (extent != 0 && (placement.offset > id.view_numel ||
                                                  extent > id.view_numel - placement.offset)))) {
      throw ShapeError(concat("shape ", placement.shape, " with strides ", placement.strides,
                              " at offset ", placement.offset, " reaches outside a view of ",
                              id.view_numel, " elements"));
    }
    if (__builtin_add_overflow(placement.offset, id.view_offset, &placement.offset)) {
      throw ShapeError("its offset overflows 63 bits");
    }
    return {storages(id, dtype), dtype, std::move(placement.shape), std::move(placement.strides),
            placement.offset};
  } catch (const ShapeError& error) {
    throw ShapeError(
        concat("a tensor over record data/", id.key.substr(0, 40), ": ", error.what()));
  }
}

// (storage, offset, size, stride), then for v2 and v3 (requires_grad, hooks), then for v3 (dtype),
// then for both perhaps (metadata).
Value rebuild_tensor(const Function& function, const Arguments& arguments, ObjectTable& objects,
                     const StorageSource& storages) {
  const bool first_version = function.callable == Callable::rebuild_tensor;
  const bool with_dtype = function.callable == Callable::rebuild_tensor_v3;
  const std::size_t count = first_version ? 4 : with_dtype ? 7 : 6;
  require_count(function.name, arguments, count, first_version ? count : count + 1);
  const auto* const what = objects.stand_in(arguments[0]);
  const auto* named = what == nullptr ? nullptr : std::get_if<StorageId>(what);
  if (named == nullptr) {
    throw ValueError(concat(function.name, ": its first argument is no storage"));
  }
  if (with_dtype == named->dtype.has_value()) {
    throw ValueError(concat(function.name, with_dtype ? ": its storage must be untyped"
                                                      : ": its storage must have a dtype"));
  }
  if (!first_version) require_no_hooks(arguments[5]);
  const DType dtype = with_dtype ? arguments[6].as_dtype() : *named->dtype;
  StorageId resolved;
  if (arguments.size() > count) {
    resolved = *named;
    resolved.bits = lazy_bits(arguments.back());
    require_lazy_bits(dtype, resolved.bits);
    named = &resolved;
  }
  Tensor tensor =
      tensor_over(*named, dtype,
                  {dims_of(arguments[2]), dims_of(arguments[3]), arguments[1].as_int()}, storages);
  if (!first_version) tensor.set_requires_grad(arguments[4].as_bool());
  return tensor;
}

// (dtype, size, stride, requires_grad): a tensor on the device "meta", which takes no memory.
Value rebuild_meta_tensor(const Function& function, const Arguments& arguments) {
  require_count(function.name, arguments, 4, 4);
  const DType dtype = arguments[0].as_dtype();
  Dims shape = dims_of(arguments[1]);
  Dims strides = dims_of(arguments[2]);
  const std::int64_t extent = layout_extent(shape, strides);
  if (extent >
      std::numeric_limits<std::int64_t>::max() / static_cast<std::int64_t>(size_of(dtype))) {
    throw ShapeError(concat(function.name, ": shape ", shape, " of ", dtype, " overflows 63 bits"));
  }
  const std::size_t bytes = static_cast<std::size_t>(extent) * size_of(dtype);
  Tensor tensor(std::make_shared<Storage>(bytes, backend_for(kMeta)), dtype, std::move(shape),
                std::move(strides), 0);
  tensor.set_requires_grad(arguments[3].as_bool());
  return tensor;
}

// The attributes of an object, as its __dict__ or as (__dict__, slots); None is none.
std::shared_ptr<Dict> attributes_of(const Value& state) {
  if (state.is_none()) return nullptr;
  if (state.kind() != Kind::dict || state.as_dict().type() != Dict::Type::dict) {
    throw ValueError(concat("the attributes of a tensor are a ", state.kind_name(), ", no dict"));
  }
  // Shares the dict's object, which keeps its address.
  const auto holder = std::make_shared<Value>(state);
  return {holder, &holder->as_dict()};
}

Value with_attributes(TensorObject object, const Value& state, ObjectTable& objects) {
  object.attributes = attributes_of(state);
  const bool has_some = object.attributes != nullptr;
  Value value(std::move(object));
  return has_some ? objects.add(std::move(value)) : value;
}

// (data, requires_grad, hooks[, attributes])
Value rebuild_parameter(const Function& function, const Arguments& arguments,
                        ObjectTable& objects) {
  const bool with_state = function.callable == Callable::rebuild_parameter_with_state;
  const std::size_t count = with_state ? 4 : 3;
  require_count(function.name, arguments, count, count);
  require_no_hooks(arguments[2]);
  Tensor tensor = arguments[0].as_tensor();
  tensor.set_requires_grad(arguments[1].as_bool());
  return with_attributes({std::move(tensor), true}, with_state ? arguments[3] : Value(), objects);
}

// Parameter(data, requires_grad=True)
Value make_parameter(const Arguments& arguments) {
  require_count("Parameter", arguments, 1, 2);
  return Value::parameter(arguments[0].as_tensor(), arguments.size() < 2 || arguments[1].as_bool());
}

// (function, class, arguments, attributes): a tensor on which Python code has set attributes.
Value rebuild_from_type(const Arguments& arguments, ObjectTable& objects,
                        const StorageSource& storages) {
  require_count("_rebuild_from_type_v2", arguments, 4, 4);
  const Function* const function = function_in(arguments[0], objects);
  const Function* const type = function_in(arguments[1], objects);
  const bool parameter = type != nullptr && type->callable == Callable::parameter_class;
  const bool subclass = type == nullptr && arguments[1].kind() == Kind::placeholder;
  if (!parameter && !subclass && (type == nullptr || type->callable != Callable::tensor_class)) {
    throw ValueError("_rebuild_from_type_v2: the class is neither Tensor nor Parameter");
  }
  if (function == nullptr || function->callable == Callable::rebuild_from_type ||
      arguments[2].kind() != Kind::tuple || objects.stand_in(arguments[2]) != nullptr) {
    throw ValueError("_rebuild_from_type_v2: it is not given a function and its arguments");
  }
  const Value made = call(*function, arguments[2].as_tuple(), objects, storages);
  if (made.kind() != Kind::tensor) {
    throw ValueError(concat("_rebuild_from_type_v2: ", function->name, " makes no tensor"));
  }
  if (subclass) {
    return objects.add(
        std::make_shared<Placeholder>(Placeholder{.type = arguments[1].as_placeholder().type,
                                                  .is_object = true,
                                                  .arguments = {made},
                                                  .state = arguments[3]}));
  }
  return with_attributes({made.as_tensor(), parameter}, arguments[3], objects);
}

// How many arguments at the front may be functions, classes or storages.
std::size_t stand_in_count(Callable callable) {
  switch (callable) {
    case Callable::rebuild_from_type: return 2;
    case Callable::rebuild_tensor:
    case Callable::rebuild_tensor_v2:
    case Callable::rebuild_tensor_v3:
    case Callable::default_dict: return 1;
    default: return 0;
  }
}

}  // namespace

Value call(const Function& function, const Arguments& arguments, ObjectTable& objects,
           const StorageSource& storages) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (i >= stand_in_count(function.callable) && objects.stand_in(arguments[i]) != nullptr) {
      throw ValueError("a class, a function or a storage is an argument where none may be");
    }
    objects.spend_content(arguments[i]);
  }
  switch (function.callable) {
    case Callable::rebuild_tensor:
    case Callable::rebuild_tensor_v2:
    case Callable::rebuild_tensor_v3: return rebuild_tensor(function, arguments, objects, storages);
    case Callable::rebuild_meta_tensor: return rebuild_meta_tensor(function, arguments);
    case Callable::rebuild_parameter:
    case Callable::rebuild_parameter_with_state:
      return rebuild_parameter(function, arguments, objects);
    case Callable::parameter_class: return make_parameter(arguments);
    case Callable::rebuild_from_type: return rebuild_from_type(arguments, objects, storages);
    default: return call_plain(function, arguments, objects);
  }
}

Value make_storage_object(const StorageId& id, const StorageSource& storages) {
  if (id.view_numel != id.numel) {
    throw ValueError("a storage that is a part of another one; save storage.clone() instead");
  }
  return StorageObject{storages(id, id.dtype.value_or(DType::uint8)), id.dtype};
}

StorageId storage_id(const Value& persistent_id, const ObjectTable& objects) {
  const bool is_tuple =
      persistent_id.kind() == Kind::tuple && objects.stand_in(persistent_id) == nullptr;
  const std::size_t size = is_tuple ? persistent_id.as_tuple().size() : 0;
  if (size > 0 && persistent_id.at_index(0) == Value("module")) {
    throw ValueError("it holds a whole module; save module.state_dict() instead");
  }
  if ((size != 5 && size != 6) || !(persistent_id.at_index(0) == Value("storage"))) {
    throw ValueError("a persistent id that is not ('storage', class, key, location, numel)");
  }
  const auto* const what = objects.stand_in(persistent_id.at_index(1));
  const auto* const storage = what == nullptr ? nullptr : std::get_if<StorageClass>(what);
  if (storage == nullptr) throw ValueError("a persistent id without a storage class");
  StorageId id{persistent_id.at_index(2).as_string(), storage->dtype,
               persistent_id.at_index(3).as_string(), persistent_id.at_index(4).as_int()};
  if (id.numel < 0) throw ValueError(concat("a storage of ", id.numel, " elements"));
  id.view_numel = id.numel;
  if (size == 6 && !persistent_id.at_index(5).is_none()) {
    const std::vector<Value>& view = persistent_id.at_index(5).as_tuple();  // key, offset, numel
    require_count("the view of a storage", view, 3, 3);
    id.view_offset = view[1].as_int();
    id.view_numel = view[2].as_int();
    if (!id.dtype) throw ValueError("a view of an untyped storage");
    if (id.view_offset < 0 || id.view_numel < 0 || id.view_offset > id.numel ||
        id.view_numel > id.numel - id.view_offset) {
      throw ValueError(concat("a view of ", id.view_numel, " elements at ", id.view_offset,
                              " lies outside its storage of ", id.numel));
    }
  }
  return id;
}

}  // namespace wick
