// SPDX-License-Identifier: MIT
#include "serialize/pickle_reader.h"

#include <cstdint>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "serialize/byte_reader.h"
#include "serialize/object_table.h"
#include "serialize/pickle_opcodes.h"
#include "serialize/pickle_scalars.h"
#include "serialize/placeholder_maker.h"
#include "serialize/plain_rebuild.h"
#include "serialize/unsupported_globals.h"
#include "serialize/utf8.h"
#include "wick/core/error.h"

namespace wick {
namespace {

using pickle::Op;
using Kind = Value::Kind;

class Machine {
 public:
  Machine(std::string_view bytes, const std::string& where, const StorageSource& storages,
          std::uint64_t stored_bytes, std::uint64_t base, ForeignObjects* foreign)
      : reader_(bytes, where, base),
        storages_(storages),
        objects_(stored_bytes, foreign != nullptr) {
    if (foreign != nullptr) foreign_.emplace(objects_, *foreign);
  }

  Value run() {
    read_protocol();
    while (true) {
      const std::size_t start = reader_.offset();
      const auto op = static_cast<Op>(reader_.read<std::uint8_t>());
      try {
        if (op == Op::stop) return finish();
        step(op);
      } catch (const ValueError& error) {
        throw with_remedy_of<FormatError>(error, reader_.message_at(start, error.problem()));
      } catch (const ShapeError& error) {
        reader_.fail_at(start, error.what());
      }
    }
  }

 private:
  void read_protocol() {
    if (reader_.remaining() < 2 || reader_.read<std::uint8_t>() != static_cast<int>(Op::proto)) {
      reader_.fail_at(0, "not a pickle of protocol 2 or later");
    }
    const auto protocol = reader_.read<std::uint8_t>();
    if (protocol < 2 || protocol > 5) {
      reader_.fail_at(1, concat("pickle protocol ", int{protocol}, " is not one of 2 to 5"));
    }
  }

  Value finish() {
    Value result = pop();
    if (reader_.remaining() != 0) throw ValueError("bytes follow the end of the pickle");
    if (foreign_) foreign_->finish();
    objects_.accept(result,
                    [this](const StorageId& id) { return make_storage_object(id, storages_); });
    return result;
  }

  // -- Stack and memo ---------------------------------------------------------------------------

  void push(Value value) {
    objects_.spend(sizeof(Value));
    stack_.push_back(std::move(value));
  }

  [[nodiscard]] std::size_t above_mark() const {
    return stack_.size() - (marks_.empty() ? 0 : marks_.back());
  }
  Value& top() {
    if (above_mark() == 0) throw ValueError("the stack is empty");
    return stack_.back();
  }
  Value pop() {
    Value value = std::move(top());
    stack_.pop_back();
    return value;
  }
  std::vector<Value> pop_many(std::size_t count) {
    if (above_mark() < count) throw ValueError("the stack holds too few values");
    const auto first = stack_.end() - static_cast<std::ptrdiff_t>(count);
    std::vector<Value> values(std::make_move_iterator(first),
                              std::make_move_iterator(stack_.end()));
    stack_.erase(first, stack_.end());
    return values;
  }
  std::vector<Value> pop_to_mark() {
    if (marks_.empty()) throw ValueError("no mark is set");
    std::vector<Value> values = pop_many(above_mark());
    marks_.pop_back();
    return values;
  }
  void push_copy(const Value& value) {
    objects_.spend_copy(value);
    push(value);
  }

  void put(std::uint64_t index) {
    // Each entry takes at least two bytes of the pickle, so real indices stay below its size.
    if (index >= reader_.size()) throw ValueError(concat("memo index ", index, " is out of range"));
    if (index >= memo_.size()) {
      objects_.spend((index + 1 - memo_.size()) * sizeof(memo_[0]));
      memo_.resize(static_cast<std::size_t>(index) + 1);
    }
    std::optional<Value>& entry = memo_[static_cast<std::size_t>(index)];
    if (!entry) ++memo_count_;
    objects_.spend_copy(top());
    entry = top();
  }
  void get(std::uint64_t index) {
    if (index >= memo_.size() || !memo_[static_cast<std::size_t>(index)]) {
      throw ValueError(concat("memo entry ", index, " was never set"));
    }
    push_copy(*memo_[static_cast<std::size_t>(index)]);
  }

  // -- Objects ----------------------------------------------------------------------------------

  void push_global(std::string_view module, std::string_view name) {
    const auto global = find_global(module, name);
    if (!global && foreign_) {
      push(foreign_->global(module, name));
      return;
    }
    if (!global) throw refused_global(name_on_stack(), module, name, reader_.bytes());
    if (const auto* const dtype = std::get_if<DType>(&*global)) {
      push(*dtype);
    } else if (const auto* const function = std::get_if<Function>(&*global)) {
      push(objects_.add_stand_in(*function));
    } else {
      push(objects_.add_stand_in(std::get<StorageClass>(*global)));
    }
  }

  void push_tuple(std::vector<Value> items) {
    push(objects_.add(std::make_shared<Tuple>(Tuple{std::move(items)})));
  }

  void require_plain(const Value& value, Kind kind, const char* message) const {
    if (value.kind() != kind || objects_.stand_in(value) != nullptr) throw ValueError(message);
  }

  void reduce() {
    const Value arguments = pop();
    const Value function = pop();
    require_plain(arguments, Kind::tuple, "the arguments of a call are no tuple");
    push_called(function, arguments);
  }
  void push_called(const Value& function, const Value& arguments) {
    const auto* const what = objects_.stand_in(function);
    const auto* const callable = what == nullptr ? nullptr : std::get_if<Function>(what);
    if (callable == nullptr) {
      push(call_placeholder(function, arguments, {}));
      return;
    }
    try {
      push(call(*callable, arguments.as_tuple(), objects_, storages_));
    } catch (const ValueError&) {
      // An admitted class may be called here only as what it is in Python, a class.
      const bool type = callable->callable == Callable::plain_type ||
                        callable->callable == Callable::tensor_class;
      const bool foreign = foreign_ && (type || foreign_->has_placeholder(arguments.as_tuple()));
      if (!foreign) throw;
      objects_.spend_content(arguments);
      push(foreign_->call(*callable, arguments.as_tuple()));
    } catch (const ShapeError& error) {
      throw ValueError(concat(name_on_stack(), error.what()));
    }
  }
  // NEWOBJ_EX: class, arguments, keywords.
  void call_with_keywords() {
    const Value keywords = pop();
    const Value arguments = pop();
    const Value function = pop();
    require_plain(arguments, Kind::tuple, "the arguments of a call are no tuple");
    require_plain(keywords, Kind::dict, "the keywords of a call are no dict");
    if (keywords.as_dict().empty()) {
      push_called(function, arguments);
    } else {
      push(call_placeholder(function, arguments, keywords));
    }
  }
  // INST and OBJ, of Python 2's classes: the arguments lie above a mark.
  void call_above_mark(const Value& function, std::vector<Value> arguments) {
    push_called(function, objects_.add(std::make_shared<Tuple>(Tuple{std::move(arguments)})));
  }
  void instantiate() {
    const std::string_view module = reader_.take_line();
    const std::string_view name = reader_.take_line();
    std::vector<Value> arguments = pop_to_mark();
    push_global(module, name);
    call_above_mark(pop(), std::move(arguments));
  }
  void instantiate_above_mark() {
    std::vector<Value> arguments = pop_to_mark();
    if (arguments.empty()) throw ValueError("what is called is missing");
    const Value function = arguments.front();
    arguments.erase(arguments.begin());
    call_above_mark(function, std::move(arguments));
  }
  Value call_placeholder(const Value& function, const Value& arguments, Value keywords) {
    if (!foreign_ || function.kind() != Kind::placeholder) {
      throw ValueError("what is called is no function");
    }
    objects_.spend_content(arguments);
    return foreign_->call(function, arguments.as_tuple(), std::move(keywords));
  }

  void push_persistent() {
    const Value id = pop();
    try {
      push(objects_.add_stand_in(storage_id(id, objects_)));
    } catch (const ValueError&) {
      // Damaged ids of storages stay errors.
      const bool storage = id.kind() == Kind::tuple && id.as_tuple().size() > 1 &&
                           id.at_index(0) == Value("storage") &&
                           objects_.stand_in(id.at_index(1)) != nullptr;
      if (!foreign_ || storage) throw;
      push(foreign_->persistent(id));
    }
  }

  // Python 2's str is bytes, which torch.load takes for text.
  void push_string(std::uint64_t length) {
    if (foreign_ && !is_utf8(reader_.peek(length))) {
      push(pickle::read_bytes(reader_, length));
    } else {
      push(pickle::read_text(reader_, length));
    }
  }

  // The key under which the value being made will be put, where there is one.
  [[nodiscard]] std::string name_on_stack() const {
    if (above_mark() == 0 || stack_.back().kind() != Kind::string) return {};
    return in_quotes(stack_.back().as_string()) + ": ";
  }

  void build() {
    const Value state = pop();
    if (foreign_ && top().kind() == Kind::placeholder) {
      top().as_placeholder().state = state;
      return;
    }
    require_plain(state, Kind::dict, "the attributes of an object are no dict");
    Value& object = top();
    if (object.kind() != Kind::dict || object.as_dict().type() != Dict::Type::ordered_dict) {
      throw ValueError(concat("a ", object.kind_name(), " cannot be given attributes"));
    }
    // Shares the state's object, which keeps its address.
    const auto holder = std::make_shared<Value>(state);
    object.as_dict().set_attributes(std::shared_ptr<Dict>(holder, &holder->as_dict()));
  }

  void append(std::vector<Value> items) {
    const bool foreign = foreign_ && top().kind() == Kind::placeholder;
    if (!foreign) require_plain(top(), Kind::list, "items are appended to what is no list");
    std::vector<Value>& list = foreign ? top().as_placeholder().items : top().as_list();
    list.insert(list.end(), std::make_move_iterator(items.begin()),
                std::make_move_iterator(items.end()));
  }
  void set_items(std::vector<Value> items) {
    const bool foreign = foreign_ && top().kind() == Kind::placeholder;
    if (!foreign) require_plain(top(), Kind::dict, "items are set in what is no dict");
    if (items.size() % 2 != 0) throw ValueError("a key has no value");
    Dict& dict = foreign ? top().as_placeholder().entries : top().as_dict();
    for (std::size_t i = 0; i < items.size(); i += 2) {
      objects_.spend_key(items[i]);
      dict.set(std::move(items[i]), std::move(items[i + 1]));
    }
  }
  void add_items(std::vector<Value> items) {
    if (foreign_ && top().kind() == Kind::placeholder) {
      append(std::move(items));
      return;
    }
    require_plain(top(), Kind::set, "items are added to what is no set");
    for (Value& item : items) {
      objects_.spend_key(item);
      top().as_set().insert(std::move(item));
    }
  }

  void step(Op op) {
    switch (op) {
      case Op::frame: {
        const auto length = reader_.read<std::uint64_t>();
        if (length > reader_.remaining()) throw ValueError("a frame is longer than the pickle");
        return;
      }
      case Op::mark: marks_.push_back(stack_.size()); return;
      case Op::pop:
        // As in Python: on top of the stack may lie a mark.
        if (above_mark() == 0 && !marks_.empty()) {
          marks_.pop_back();
        } else {
          pop();
        }
        return;
      case Op::pop_mark: pop_to_mark(); return;
      case Op::dup: push_copy(Value(top())); return;

      case Op::short_binstring: push_string(reader_.read<std::uint8_t>()); return;
      case Op::binstring: push_string(reader_.read<std::uint32_t>()); return;
      case Op::bytearray8:
        push(objects_.add(
            ByteArray{pickle::read_bytes(reader_, reader_.read<std::uint64_t>()).data}));
        return;
      case Op::empty_list: push(objects_.add(List{})); return;
      case Op::append: append(pop_many(1)); return;
      case Op::appends: append(pop_to_mark()); return;
      case Op::empty_tuple: push_tuple({}); return;
      case Op::tuple1: push_tuple(pop_many(1)); return;
      case Op::tuple2: push_tuple(pop_many(2)); return;
      case Op::tuple3: push_tuple(pop_many(3)); return;
      case Op::tuple: push_tuple(pop_to_mark()); return;
      case Op::empty_dict: push(objects_.add(Dict{})); return;
      case Op::setitem: set_items(pop_many(2)); return;
      case Op::setitems: set_items(pop_to_mark()); return;
      case Op::empty_set: push(objects_.add(Set{})); return;
      case Op::additems: add_items(pop_to_mark()); return;
      case Op::frozenset: push(make_frozen_set(pop_to_mark(), objects_)); return;

      case Op::binput: put(reader_.read<std::uint8_t>()); return;
      case Op::long_binput: put(reader_.read<std::uint32_t>()); return;
      case Op::memoize: put(memo_count_); return;
      case Op::binget: get(reader_.read<std::uint8_t>()); return;
      case Op::long_binget: get(reader_.read<std::uint32_t>()); return;

      case Op::global: {
        const std::string_view module = reader_.take_line();
        push_global(module, reader_.take_line());
        return;
      }
      case Op::stack_global: {
        const std::vector<Value> names = pop_many(2);
        push_global(names[0].as_string(), names[1].as_string());
        return;
      }
      case Op::newobj:
      case Op::reduce: reduce(); return;
      case Op::newobj_ex:
        if (!foreign_) break;
        call_with_keywords();
        return;
      case Op::inst:
        if (!foreign_) break;
        instantiate();
        return;
      case Op::obj:
        if (!foreign_) break;
        instantiate_above_mark();
        return;
      case Op::build: build(); return;
      case Op::binpersid: push_persistent(); return;
      case Op::ext1:
      case Op::ext2:
      case Op::ext4:
        throw ValueError("extension codes are not admitted: they name nothing in the file");
      case Op::proto:
      case Op::stop: break;
      default:
        if (auto scalar = pickle::read_scalar(reader_, op)) {
          push(*std::move(scalar));
          return;
        }
    }
    throw ValueError(concat("opcode ", static_cast<int>(op), " is not admitted"));
  }

  ByteReader reader_;
  const StorageSource& storages_;
  ObjectTable objects_;
  std::vector<Value> stack_;
  std::vector<std::size_t> marks_;  // sizes of the stack
  std::vector<std::optional<Value>> memo_;
  std::size_t memo_count_ = 0;
  std::optional<PlaceholderMaker> foreign_;  // none: what is not admitted is refused
};

}  // namespace

Value unpickle_value(std::string_view bytes, const std::string& where,
                     const StorageSource& storages, std::uint64_t stored_bytes, std::uint64_t base,
                     ForeignObjects* foreign) {
  return Machine(bytes, where, storages, stored_bytes, base, foreign).run();
}

}  // namespace wick
