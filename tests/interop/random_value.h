// SPDX-License-Identifier: MIT
// Random values made by wick, for torch.load to read (live_values.py).
#pragma once

#include <array>
#include <bit>
#include <complex>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "wick/core/dtype.h"
#include "wick/core/value.h"

namespace wick::testing {

class RandomValue {
 public:
  explicit RandomValue(std::uint64_t seed) : random_(seed) {}

  Value tree(int depth = 0) {
    if (depth > 5 || (depth > 0 && chance(0.5))) return leaf();
    if (!made_.empty() && chance(0.15)) return made_[below(made_.size())];
    Value value;
    switch (below(5)) {
      case 0: value = List{items(depth)}; break;
      case 1: value = Tuple{items(depth)}; break;
      case 2: value = set(); break;
      default: value = dict(depth); break;
    }
    made_.push_back(value);
    return value;
  }

 private:
  std::uint64_t below(std::uint64_t end) { return random_() % end; }
  bool chance(double part) { return static_cast<double>(random_() >> 11U) * 0x1p-53 < part; }

  std::string bytes(std::size_t count) {
    std::string text(count, '\0');
    for (char& byte : text) byte = static_cast<char>(below(256));
    return text;
  }

  std::string text() {
    constexpr std::array<const char*, 10> kParts = {
        "a", "weight", ".", "_", " ", "\n", "\xc3\xa9", "\xe4\xb8\xad", "\xf0\x9f\x98\x80", "\x7f"};
    std::string text;
    for (std::uint64_t count = below(chance(0.05) ? 400 : 8); count > 0; --count) {
      text += kParts[below(kParts.size())];
    }
    return text;
  }

  Value integer() {
    if (chance(0.2)) return BigInteger::from_bytes(bytes(below(chance(0.1) ? 300 : 20)));
    return static_cast<std::int64_t>(random_()) >> below(64);
  }

  double real() {
    return chance(0.5) ? std::bit_cast<double>(random_()) : static_cast<double>(below(9)) - 4;
  }

  Value hashable(int depth = 0) {
    switch (below(depth < 2 ? 12 : 10)) {
      case 0: return nullptr;
      case 1: return chance(0.5);
      case 2: return integer();
      case 3: return real();
      case 4: return std::complex<double>(real(), real());
      case 5: return Bytes{bytes(below(chance(0.1) ? 300 : 6))};
      case 6: return static_cast<DType>(below(kDTypeCount));
      case 7: return static_cast<Layout>(below(8));
      case 10: {
        Tuple tuple;
        for (std::uint64_t count = below(5); count > 0; --count) {
          tuple.items.push_back(hashable(depth + 1));
        }
        return tuple;
      }
      case 11: {
        Set items;
        for (std::uint64_t count = below(4); count > 0; --count) items.insert(hashable(depth + 1));
        return FrozenSet(std::move(items));
      }
      default: return text();
    }
  }

  Value leaf() {
    switch (below(8)) {
      case 0:
      case 1: return hashable();
      case 2: return ByteArray{bytes(below(50))};
      case 3: {
        Size size;
        for (std::uint64_t count = below(5); count > 0; --count) {
          size.dims.push_back(static_cast<std::int64_t>(random_() >> (24 + below(40))));
        }
        return size;
      }
      case 4: {
        // The dtypes that have a class of storages in PyTorch.
        constexpr std::array kTyped = {DType::float32, DType::float16,   DType::uint8,
                                       DType::int64,   DType::complex64, DType::boolean};
        const DType dtype = kTyped[below(kTyped.size())];
        const Tensor elements = Tensor::empty({static_cast<std::int64_t>(below(6))}, dtype);
        fill(elements);
        if (dtype == DType::uint8 && chance(0.5)) return StorageObject{elements.storage()};
        return StorageObject{elements.storage(), dtype};
      }
      default: return tensor();
    }
  }

  void fill(const Tensor& tensor) {
    auto* const data = static_cast<unsigned char*>(tensor.raw());
    const bool boolean = tensor.dtype() == DType::boolean;
    for (std::size_t at = 0; at < tensor.nbytes(); ++at) {
      data[at] = static_cast<unsigned char>(below(boolean ? 2 : 256));
    }
  }

  // A view of a new storage, or of one that an earlier tensor lies in.
  Value tensor() {
    if (tensors_.empty() || chance(0.7)) {
      Dims shape;
      for (std::uint64_t count = below(5); count > 0; --count) {
        shape.push_back(static_cast<std::int64_t>(below(5)));
      }
      tensors_.push_back(Tensor::empty(shape, static_cast<DType>(below(kDTypeCount))));
      fill(tensors_.back());
    }
    Tensor view = tensors_[below(tensors_.size())];
    for (int change = 0; change < 3 && !view.shape().empty(); ++change) {
      const auto axis = static_cast<std::int64_t>(below(view.shape().size()));
      const std::int64_t size = view.shape()[static_cast<std::size_t>(axis)];
      if (chance(0.3))
        view = view.transpose(0, axis);
      else if (size > 0 && chance(0.3))
        view = view.slice(axis, 1, size);
      else if (size > 0 && chance(0.2))
        view = view.select(axis, size - 1);
    }
    Value value(view);
    if (chance(0.2)) {
      value = Value::parameter(view, is_floating_point(view.dtype()) && chance(0.5));
    }
    if (chance(0.1)) {
      auto attributes = std::make_shared<Dict>();
      attributes->set("note", hashable());
      attributes->set("more", tree(4));
      value.as_tensor_object().attributes = std::move(attributes);
    }
    made_.push_back(value);
    return value;
  }

  std::vector<Value> items(int depth) {
    std::vector<Value> items;
    const bool many = chance(0.005);
    for (std::uint64_t count = many ? 999 + below(4) : below(6); count > 0; --count) {
      items.push_back(many ? integer() : tree(depth + 1));
    }
    return items;
  }

  Value set() {
    Set items;
    for (std::uint64_t count = below(5); count > 0; --count) items.insert(hashable());
    return chance(0.5) ? Value(FrozenSet(std::move(items))) : Value(std::move(items));
  }

  Value dict(int depth) {
    constexpr std::array<const char*, 5> kFactories = {"", "list", "int", "dict", "set"};
    Dict dict;
    if (chance(0.3))
      dict = Dict(Dict::Type::ordered_dict);
    else if (chance(0.15))
      dict = Dict(Dict::Type::counter);
    else if (chance(0.15))
      dict = Dict::default_dict(kFactories[below(kFactories.size())]);
    for (std::uint64_t count = below(6); count > 0; --count) {
      dict.set(hashable(), tree(depth + 1));
    }
    if (dict.type() == Dict::Type::ordered_dict && chance(0.3)) {
      auto attributes = std::make_shared<Dict>();
      attributes->set("_metadata", tree(depth + 2));
      dict.set_attributes(std::move(attributes));
    }
    return dict;
  }

  std::mt19937_64 random_;
  std::vector<Value> made_;      // what may occur once more
  std::vector<Tensor> tensors_;  // whose storages others may share
};

}  // namespace wick::testing
