// SPDX-License-Identifier: MIT
// Shows to other programs what wick makes of a checkpoint:
//   wick_checkpoint describe FILE [DEVICE]  prints the value as JSON, every bit of it
//   wick_checkpoint roundtrip IN OUT        loads IN and saves it as OUT
//   wick_checkpoint create OUT              saves a value with all kinds and dtypes
//   wick_checkpoint batch                   does one line of standard input after the other:
//     roundtrip, IN, OUT, DEVICE            the same; DEVICE may be empty
//     random, SEED, OUT                     saves a random value, and prints it as describe does
//   with tabs between the words, and answers each with a line: "ok", the value or "error: ...".
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <exception>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tests/interop/random_value.h"
#include "wick/core/containers.h"
#include "wick/core/error.h"
#include "wick/serialize/checkpoint.h"

namespace {

using wick::Value;

std::string hex(const void* data, std::size_t count) {
  std::ostringstream out;
  out << std::hex << std::setfill('0');
  const auto* const bytes = static_cast<const unsigned char*>(data);
  for (std::size_t i = 0; i < count; ++i) out << std::setw(2) << int{bytes[i]};
  return std::move(out).str();
}

// Prints `["kind", content...]`; text and numbers go as hexadecimal bytes, so that nothing is
// rounded or escaped. An object seen before is `["same", number]`, numbered in order of first
// sight.
class Printer {
 public:
  void print(const Value& value) {
    using Kind = Value::Kind;
    const Kind kind = value.kind();
    if (value.identity() != nullptr && kind != Kind::device && !empty_constant(value)) {
      const auto [known, added] = seen_.try_emplace(value.identity(), seen_.size());
      if (!added) {
        std::cout << "[\"same\"," << known->second << ']';
        return;
      }
    }
    std::cout << "[\"" << value.kind_name() << '"';
    switch (kind) {
      case Kind::none: break;
      case Kind::boolean: std::cout << ',' << int{value.as_bool()}; break;
      case Kind::integer:
      case Kind::big_integer:
        std::cout << ",\"" << value.as_big_integer().to_string() << '"';
        break;
      case Kind::real: print_double(value.as_double()); break;
      case Kind::complex:
        print_double(value.as_complex().real());
        print_double(value.as_complex().imag());
        break;
      case Kind::string: print_bytes(value.as_string()); break;
      case Kind::bytes: print_bytes(value.as_bytes().data); break;
      case Kind::byte_array: print_bytes(value.as_byte_array()); break;
      case Kind::list:
      case Kind::tuple:
        for (const Value& item : value.as_sequence()) print_next(item);
        break;
      case Kind::dict: print_dict(value.as_dict()); break;
      case Kind::set:
        for (const auto& [item, unused] : value.as_set()) print_next(item);
        break;
      case Kind::frozen_set:
        for (const auto& [item, unused] : value.as_frozen_set()) print_next(item);
        break;
      case Kind::size: print_dims(value.as_size()); break;
      case Kind::dtype: std::cout << ",\"torch." << value.as_dtype() << '"'; break;
      case Kind::device: std::cout << ",\"" << value.as_device() << '"'; break;
      case Kind::layout: std::cout << ",\"torch." << value.as_layout() << '"'; break;
      case Kind::storage: print_storage_object(value.as_storage()); break;
      case Kind::tensor: print_tensor(value.as_tensor_object()); break;
      case Kind::placeholder: break;  // asked for by nobody here
    }
    std::cout << ']';
  }

 private:
  static bool empty_constant(const Value& value) {  // Python has only one of each
    return (value.kind() == Value::Kind::tuple && value.as_tuple().empty()) ||
           (value.kind() == Value::Kind::frozen_set && value.as_frozen_set().size() == 0);
  }
  void print_next(const Value& value) {
    std::cout << ',';
    print(value);
  }
  static void print_bytes(std::string_view bytes) {
    std::cout << ",\"" << hex(bytes.data(), bytes.size()) << '"';
  }
  static void print_double(double value) { std::cout << ",\"" << hex(&value, 8) << '"'; }
  static void print_dims(const wick::Dims& dims) {
    std::cout << ",[";
    for (std::size_t i = 0; i < dims.size(); ++i) std::cout << (i == 0 ? "" : ",") << dims[i];
    std::cout << ']';
  }
  void print_dict(const wick::Dict& dict) {
    using Type = wick::Dict::Type;
    switch (dict.type()) {
      case Type::dict: std::cout << ",\"plain\""; break;
      case Type::ordered_dict: std::cout << ",\"ordered\""; break;
      case Type::counter: std::cout << ",\"counter\""; break;
      case Type::default_dict:
        std::cout << ",\"default\",\"" << dict.default_factory() << '"';
        break;
    }
    for (const auto& [key, value] : dict) {
      print_next(key);
      print_next(value);
    }
    if (dict.attributes() != nullptr && !dict.attributes()->empty()) {
      std::cout << ",\"attributes\"";
      print_next(Value(dict.attributes()));
    }
  }
  // Its number, and its bytes where it is new.
  void print_storage(const wick::Storage& storage) {
    const auto [known, added] = storages_.try_emplace(&storage, storages_.size());
    std::cout << ',' << known->second << ",\"";
    if (added) std::cout << hex(storage.data(), storage.bytes());
    std::cout << '"';
  }
  // PyTorch itself reads an UntypedStorage as a TypedStorage of uint8.
  void print_storage_object(const wick::StorageObject& object) {
    std::cout << ",\"torch." << object.tensor().dtype() << "\",\"" << object.storage->device()
              << '"';
    print_storage(*object.storage);
  }
  void print_tensor(const wick::TensorObject& object) {
    const wick::Tensor& tensor = object.tensor;
    std::cout << ",\"torch." << tensor.dtype() << "\",\"" << tensor.device() << '"';
    print_dims(tensor.shape());
    print_dims(tensor.strides());
    std::cout << ',' << tensor.offset() << ',' << int{tensor.requires_grad()};
    print_storage(*tensor.storage());
    std::cout << ",\"" << (object.is_parameter ? "Parameter\"" : "Tensor\"");
    if (object.attributes != nullptr) print_next(Value(object.attributes));
  }

  std::unordered_map<const void*, std::size_t> seen_;
  std::unordered_map<const void*, std::size_t> storages_;
};

Value everything() {
  wick::Dict dtypes;
  for (int i = 0; i < wick::kDTypeCount; ++i) {
    const auto dtype = static_cast<wick::DType>(i);
    const wick::Tensor tensor = wick::Tensor::empty({2, 3}, dtype);
    auto* const bytes = static_cast<unsigned char*>(tensor.raw());
    for (std::size_t at = 0; at < tensor.nbytes(); ++at) {
      // For bool the only bytes there are; else anything, NaNs included.
      bytes[at] = static_cast<unsigned char>(dtype == wick::DType::boolean ? at % 2 : at * 37 + 5);
    }
    dtypes.set(std::string(name(dtype)), tensor);
  }
  const wick::Tensor base = wick::Tensor::arange(24, wick::DType::float32).view({4, 6});
  const Value shared = wick::List{{1, 2}};
  wick::Dict counter(wick::Dict::Type::counter);
  counter.set("a", 2);
  wick::Dict groups = wick::Dict::default_dict("list");
  groups.set("a", wick::List{{1}});
  Value noted = wick::Tensor::ones({2});
  noted.as_tensor_object().attributes = std::make_shared<wick::Dict>(wick::Dict{{"note", "kept"}});
  return wick::Dict{
      {"big", wick::List{{wick::BigInteger::from_string("123456789012345678901234567890"),
                          wick::BigInteger::from_string("-9223372036854775809")}}},
      {"byte_array", wick::ByteArray{std::string("\0\xff", 2)}},
      {"counter", counter},
      {"groups", groups},
      {"parameter", Value::parameter(wick::Tensor::ones({3}))},
      {"noted", noted},
      {"none", nullptr},
      {"flags", wick::List{{true, false}}},
      {"ints", wick::List{{0, 255, 256, 65535, 65536, -1, INT32_MIN, INT32_MAX, 1LL << 31,
                           INT64_MIN, INT64_MAX}}},
      {"floats", wick::List{{0.0, -0.0, 0.1, 1e300}}},
      {"complex", std::complex<double>(1.5, -2.5)},
      {"text", wick::List{{"", "a", "two words", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"}}},
      {"bytes", wick::List{{wick::Bytes{""}, wick::Bytes{std::string("\0\xff", 2)}}}},
      {"tuples", wick::List{{wick::Tuple{}, wick::Tuple{{1}}, wick::Tuple{{1, 2, 3, 4}}}}},
      {3, wick::Set{7}},
      {wick::Tuple{{1, "x"}}, wick::Size{{2, 3}}},
      {"dtype", wick::DType::bfloat16},
      {"device", wick::Device{wick::DeviceType::cuda, 1}},
      {"shared", wick::List{{shared, shared}}},
      {"views", wick::List{{base, base.transpose(0, 1), base.slice(0, 1, 3), base.select(1, 2)}}},
      {"empty", wick::Tensor::empty({0, 4})},
      {"scalar", wick::Tensor::scalar(2.5)},
      {"dtypes", dtypes},
      {"layouts", wick::List{{wick::Layout::strided, wick::Layout::mkldnn, wick::Layout::strided}}},
      {"storages",
       wick::List{{wick::StorageObject{base.storage(), wick::DType::float32},
                   wick::StorageObject{wick::Tensor::ones({3}).storage()},
                   wick::StorageObject{wick::Tensor::empty({0}).storage(), wick::DType::int64}}}},
  };
}

void run_line(const std::vector<std::string>& words) {
  if (words.size() == 4 && words[0] == "roundtrip") {
    const wick::MapLocation where = words[3].empty() ? wick::MapLocation() : words[3];
    const wick::HeldValue value(wick::load(words[1], where));  // it may contain itself
    wick::save(value.get(), words[2]);
    std::cout << "ok";
  } else if (words.size() == 3 && words[0] == "random") {
    const Value value = wick::testing::RandomValue(std::stoull(words[1])).tree();
    wick::save(value, words[2]);
    Printer().print(value);
  } else {
    throw wick::ValueError("wick_checkpoint batch: no such command");
  }
}

void run_lines() {
  for (std::string line; std::getline(std::cin, line);) {
    std::vector<std::string> words(1);
    for (const char letter : line) {
      if (letter == '\t')
        words.emplace_back();
      else
        words.back() += letter;
    }
    try {
      run_line(words);
    } catch (const std::exception& error) {
      std::string message = error.what();
      std::ranges::replace(message, '\n', ' ');
      std::cout << "error: " << message;
    }
    std::cout << std::endl;  // who waits for the answer gets it now
  }
}

int run(int argc, char** argv) {
  const std::string_view command = argc > 1 ? argv[1] : "";
  if (command == "describe" && (argc == 3 || argc == 4)) {
    const wick::MapLocation where = argc == 4 ? argv[3] : wick::MapLocation();
    Printer().print(wick::load(argv[2], where));
    std::cout << '\n';
  } else if (command == "roundtrip" && argc == 4) {
    wick::save(wick::load(argv[2]), argv[3]);
  } else if (command == "create" && argc == 3) {
    wick::save(everything(), argv[2]);
  } else if (command == "batch" && argc == 2) {
    run_lines();
  } else {
    std::cerr << "usage: wick_checkpoint describe FILE [DEVICE] | roundtrip IN OUT | create OUT | "
                 "batch\n";
    return 2;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 1;
  }
}
