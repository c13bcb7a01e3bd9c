// SPDX-License-Identifier: MIT
#include "serialize/pickle_writer.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <unordered_map>

#include "core/error.h"
#include "serialize/byte_writer.h"
#include "serialize/pickle_opcodes.h"
#include "serialize/torch_names.h"
#include "serialize/utf8.h"

namespace wick {
namespace {

using pickle::Op;

constexpr std::size_t kBatchSize = 1000;  // of APPENDS and SETITEMS

// True for text of which CPython keeps one object: what looks like an identifier in source code,
// and single latin-1 characters.
bool is_interned(std::string_view text) {
  const auto is_name_character = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return text.size() <= 1 || std::ranges::all_of(text, is_name_character);
}

class Pickler {
 public:
  Pickled pickle(const Value& value) {
    op(Op::proto);
    out_.write(std::uint8_t{2});
    save(value);
    op(Op::stop);
    return {out_.release(), std::move(storages_)};
  }

 private:
  enum class Keys { interned, fresh };

  void op(Op code) { out_.write(static_cast<std::uint8_t>(code)); }

  // -- Memo -----------------------------------------------------------------------------------

  std::uint32_t memoize() {
    const std::uint32_t index = next_memo_++;
    if (index < 256) {
      op(Op::binput);
      out_.write(static_cast<std::uint8_t>(index));
    } else {
      op(Op::long_binput);
      out_.write(index);
    }
    return index;
  }
  void memoize(const void* identity) {
    const std::uint32_t index = memoize();
    if (identity != nullptr) objects_.emplace(identity, index);
  }
  void get(std::uint32_t index) {
    if (index < 256) {
      op(Op::binget);
      out_.write(static_cast<std::uint8_t>(index));
    } else {
      op(Op::long_binget);
      out_.write(index);
    }
  }
  bool get_known(const void* identity) {
    const auto known = objects_.find(identity);
    if (known == objects_.end()) return false;
    get(known->second);
    return true;
  }

  // -- Objects --------------------------------------------------------------------------------

  void save(const Value& value) {
    using Kind = Value::Kind;
    if (value.identity() != nullptr && get_known(value.identity())) return;
    switch (value.kind()) {
      case Kind::none:
        op(Op::none);
        return;
      case Kind::boolean:
        save_bool(value.as_bool());
        return;
      case Kind::integer:
        save_int(value.as_int());
        return;
      case Kind::real:
        save_float(value.as_double());
        return;
      case Kind::complex:
        save_complex(value.as_complex());
        return;
      case Kind::string:
        save_string(value.as_string());
        return;
      case Kind::bytes:
        save_bytes(value.as_bytes().data);
        return;
      case Kind::size:
        save_size(value.as_size(), value.identity());
        return;
      case Kind::dtype:
        save_dtype(value.as_dtype());
        return;
      case Kind::device:
        save_device(value.as_device());
        return;
      case Kind::tensor:
        save_tensor(value.as_tensor(), value.identity());
        return;
      case Kind::list:
      case Kind::tuple:
      case Kind::dict:
      case Kind::set:
        break;
    }
    if (++depth_ > pickle::kMaxDepth) {
      throw ValueError(
          concat("save: containers are nested more than ", pickle::kMaxDepth, " deep"));
    }
    switch (value.kind()) {
      case Kind::list:
        save_list(value.as_list(), value.identity());
        break;
      case Kind::tuple:
        save_tuple(value.as_tuple(), value.identity());
        break;
      case Kind::dict:
        save_dict(value.as_dict(), value.identity(), Keys::interned);
        break;
      default:
        save_set(value.as_set(), value.identity());
        break;
    }
    --depth_;
  }

  void save_bool(bool value) { op(value ? Op::newtrue : Op::newfalse); }

  void save_int(std::int64_t value) {
    if (value >= 0 && value <= 0xFF) {
      op(Op::binint1);
      out_.write(static_cast<std::uint8_t>(value));
    } else if (value >= 0 && value <= 0xFFFF) {
      op(Op::binint2);
      out_.write(static_cast<std::uint16_t>(value));
    } else if (value >= std::numeric_limits<std::int32_t>::min() &&
               value <= std::numeric_limits<std::int32_t>::max()) {
      op(Op::binint);
      out_.write(static_cast<std::uint32_t>(static_cast<std::int32_t>(value)));
    } else {
      // The fewest bytes of two's complement that keep the sign.
      const auto bits = static_cast<std::uint64_t>(value);
      const int used = 64 - std::countl_zero(value < 0 ? ~bits : bits) + 1;
      const auto bytes = static_cast<std::uint8_t>((used + 7) / 8);
      op(Op::long1);
      out_.write(bytes);
      for (unsigned i = 0; i < bytes; ++i) out_.write(static_cast<std::uint8_t>(bits >> (8 * i)));
    }
  }

  void save_float(double value) {
    op(Op::binfloat);  // the one big-endian number of the format
    const auto bits = std::bit_cast<std::uint64_t>(value);
    for (int shift = 56; shift >= 0; shift -= 8) {
      out_.write(static_cast<std::uint8_t>(bits >> shift));
    }
  }

  void save_complex(std::complex<double> value) {
    save_global("__builtin__", "complex");
    save_float(value.real());
    save_float(value.imag());
    op(Op::tuple2);
    memoize();
    op(Op::reduce);
    memoize();
  }

  // A str that no other one shares.
  std::uint32_t save_fresh_string(std::string_view text) {
    if (text.size() > std::numeric_limits<std::uint32_t>::max()) {
      throw ValueError("save: a str of more than 4 GiB does not fit a pickle of protocol 2");
    }
    if (!is_utf8(text)) {
      throw ValueError(concat("save: a str is not valid UTF-8: \"", text.substr(0, 40),
                              "\"; use Bytes for binary data"));
    }
    op(Op::binunicode);
    out_.write(static_cast<std::uint32_t>(text.size()));
    out_.bytes(text);
    return memoize();
  }

  void save_string(const std::string& text) {
    if (!is_interned(text)) {
      save_fresh_string(text);
    } else if (const auto known = strings_.find(text); known != strings_.end()) {
      get(known->second);
    } else {
      strings_.emplace(text, save_fresh_string(text));
    }
  }

  // Protocol 2 has no opcode for bytes: _codecs.encode(text, "latin1").
  void save_bytes(const std::string& bytes) {
    // CPython keeps one object for each of the shortest ones.
    if (bytes.size() <= 1) {
      if (const auto known = short_bytes_.find(bytes); known != short_bytes_.end()) {
        get(known->second);
        return;
      }
    }
    if (bytes.empty()) {
      save_global("__builtin__", "bytes");
      op(Op::empty_tuple);
    } else {
      save_global("_codecs", "encode");
      save_fresh_string(latin1_to_utf8(bytes));
      save_string("latin1");
      op(Op::tuple2);
      memoize();
    }
    op(Op::reduce);
    const std::uint32_t index = memoize();
    if (bytes.size() <= 1) short_bytes_.emplace(bytes, index);
  }

  void save_global(std::string_view module, std::string_view name) {
    std::string line = concat(module, '\n', name, '\n');
    if (const auto known = globals_.find(line); known != globals_.end()) {
      get(known->second);
      return;
    }
    op(Op::global);
    out_.bytes(line);
    globals_.emplace(std::move(line), memoize());
  }

  void save_dtype(DType dtype) { save_global("torch", name(dtype)); }

  void save_device(Device device) {
    save_global("torch", "device");
    if (device.type == DeviceType::cpu) {
      save_fresh_string("cpu");
      op(Op::tuple1);
    } else {
      save_fresh_string("cuda");
      save_int(device.index);
      op(Op::tuple2);
    }
    memoize();
    op(Op::reduce);
    memoize();
  }

  void save_size(const Dims& dims, const void* identity) {
    save_global("torch", "Size");
    save_dims(dims);
    op(Op::tuple1);
    memoize();
    op(Op::reduce);
    memoize(identity);
  }

  // -- Containers -----------------------------------------------------------------------------

  // A tuple of so many items on the stack, above a mark where there are more than three.
  void close_tuple(std::size_t count) {
    constexpr Op kSmall[] = {Op::tuple1, Op::tuple2, Op::tuple3};
    op(count <= 3 ? kSmall[count - 1] : Op::tuple);
  }

  void save_dims(const Dims& dims) {
    if (dims.empty()) {
      op(Op::empty_tuple);
      return;
    }
    if (dims.size() > 3) op(Op::mark);
    for (const std::int64_t size : dims) save_int(size);
    close_tuple(dims.size());
    memoize();
  }

  void save_tuple(const std::vector<Value>& items, const void* identity) {
    if (items.empty()) {
      op(Op::empty_tuple);
      return;
    }
    const bool marked = items.size() > 3;
    if (marked) op(Op::mark);
    for (const Value& item : items) save(item);
    if (objects_.contains(identity)) {
      // One of the items contains this tuple and has memoised it meanwhile: drop what was pushed.
      if (marked) {
        op(Op::pop_mark);
      } else {
        for (std::size_t i = 0; i < items.size(); ++i) op(Op::pop);
      }
      get_known(identity);
      return;
    }
    close_tuple(items.size());
    memoize(identity);
  }

  void save_list(const std::vector<Value>& items, const void* identity) {
    op(Op::empty_list);
    memoize(identity);
    if (items.size() == 1) {
      save(items[0]);
      op(Op::append);
      return;
    }
    for (std::size_t done = 0; done < items.size();) {
      op(Op::mark);
      const std::size_t stop = std::min(items.size(), done + kBatchSize);
      for (; done < stop; ++done) save(items[done]);
      op(Op::appends);
    }
  }

  void save_dict(const Dict& dict, const void* identity, Keys keys) {
    if (dict.type() == Dict::Type::dict) {
      op(Op::empty_dict);
      memoize(identity);
      save_plain_items(dict, keys);
      return;
    }
    save_empty_ordered_dict(identity);
    save_ordered_items(dict, keys);
    if (dict.attributes() != nullptr && !dict.attributes()->empty()) {
      save_attributes(dict.attributes());
      op(Op::build);
    }
  }

  void save_empty_ordered_dict(const void* identity) {
    save_global("collections", "OrderedDict");
    op(Op::empty_tuple);
    op(Op::reduce);
    memoize(identity);
  }

  void save_item(const Dict::Entry& entry, Keys keys) {
    const Value& key = entry.first;
    if (keys == Keys::fresh && key.kind() == Value::Kind::string && key.as_string().size() > 1) {
      save_fresh_string(key.as_string());
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
      op(Op::setitem);
      return;
    }
    auto entry = dict.begin();
    std::size_t count = 0;
    do {
      op(Op::mark);
      for (count = 0; count < kBatchSize && entry != dict.end(); ++count, ++entry) {
        save_item(*entry, keys);
      }
      op(Op::setitems);
    } while (count == kBatchSize);
  }

  // As CPython does for an iterator of items: a last one alone goes without a mark.
  void save_ordered_items(const Dict& dict, Keys keys) {
    for (auto entry = dict.begin(); entry != dict.end();) {
      if (dict.end() - entry == 1) {
        save_item(*entry++, keys);
        op(Op::setitem);
        continue;
      }
      op(Op::mark);
      for (std::size_t count = 0; count < kBatchSize && entry != dict.end(); ++count, ++entry) {
        save_item(*entry, keys);
      }
      op(Op::setitems);
    }
  }

  // The __dict__ of an OrderedDict. In `_metadata` Module.state_dict() makes every key anew.
  void save_attributes(const std::shared_ptr<Dict>& attributes) {
    if (get_known(attributes.get())) return;
    const bool is_metadata = attributes->size() == 1 &&
                             attributes->begin()->first.kind() == Value::Kind::string &&
                             attributes->begin()->first.as_string() == "_metadata" &&
                             attributes->begin()->second.kind() == Value::Kind::dict;
    if (!is_metadata) {
      save(Value(attributes));
      return;
    }
    op(Op::empty_dict);
    memoize(attributes.get());
    save_string("_metadata");
    const Value& metadata = attributes->begin()->second;
    if (!get_known(metadata.identity())) {
      depth_ += 2;
      save_dict(metadata.as_dict(), metadata.identity(), Keys::fresh);
      depth_ -= 2;
    }
    op(Op::setitem);
  }

  // Protocol 2 has no opcode for sets: set([items]).
  void save_set(const Set& set, const void* identity) {
    save_global("__builtin__", "set");
    std::vector<Value> items;
    items.reserve(set.size());
    for (const auto& [item, unused] : set) items.push_back(item);
    save_list(items, nullptr);
    op(Op::tuple1);
    memoize();
    op(Op::reduce);
    memoize(identity);
  }

  // -- Tensors --------------------------------------------------------------------------------

  // torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks), or _v3
  // with the dtype behind them.
  void save_tensor(const Tensor& tensor, const void* identity) {
    if (!tensor.defined()) throw ValueError("save: a tensor is undefined");
    const bool typed = storage_class(tensor.dtype()).has_value();
    save_global("torch._utils", typed ? "_rebuild_tensor_v2" : "_rebuild_tensor_v3");
    op(Op::mark);
    save_storage(tensor.storage(), tensor.dtype());
    save_int(tensor.offset());
    save_dims(tensor.shape());
    save_dims(tensor.strides());
    save_bool(tensor.requires_grad());
    save_empty_ordered_dict(nullptr);  // backward hooks, never saved
    if (!typed) save_dtype(tensor.dtype());
    op(Op::tuple);
    memoize();
    op(Op::reduce);
    memoize(identity);
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
    op(Op::mark);
    save_string("storage");
    if (legacy_class) {
      save_global("torch", *legacy_class);
    } else {
      save_global("torch.storage", "UntypedStorage");
    }
    const auto [known, added] = known_storages_.try_emplace(storage.get());
    if (added) {
      known->second = {storages_.size(), stored,
                       save_fresh_string(std::to_string(storages_.size()))};
      storages_.push_back(storage);
    } else {
      if (known->second.dtype != stored && storage->bytes() != 0) {
        throw DTypeError(concat("save: tensors of ", known->second.dtype, " and ", stored,
                                " share one storage, which PyTorch's format cannot hold; "
                                "clone() one of them"));
      }
      get(known->second.key_memo);
    }
    const Device device = storage->device();
    if (device.type == DeviceType::cpu) {
      save_string("cpu");
    } else {
      save_fresh_string(to_string(device));
    }
    save_int(static_cast<std::int64_t>(storage->bytes() / size_of(stored)));
    op(Op::tuple);
    memoize();
    op(Op::binpersid);
  }

  ByteWriter out_;
  std::uint32_t next_memo_ = 0;
  std::size_t depth_ = 0;
  std::unordered_map<const void*, std::uint32_t> objects_;
  std::unordered_map<std::string, std::uint32_t> strings_;
  std::unordered_map<std::string, std::uint32_t> short_bytes_;
  std::unordered_map<std::string, std::uint32_t> globals_;
  std::unordered_map<const Storage*, KnownStorage> known_storages_;
  std::vector<std::shared_ptr<Storage>> storages_;
};

}  // namespace

Pickled pickle_value(const Value& value) {
  return Pickler().pickle(value);
}

}  // namespace wick
