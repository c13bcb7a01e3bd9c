// SPDX-License-Identifier: MIT
#include "serialize/legacy_reader.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "serialize/byte_reader.h"
#include "serialize/pickle_extent.h"
#include "serialize/pickle_reader.h"
#include "wick/core/backend.h"
#include "wick/core/containers.h"
#include "wick/core/error.h"
#include "wick/core/keyed_hash.h"

namespace wick {
namespace {

// The number 0x1950a86a20f9469cfc6c, as pickles hold it.
constexpr std::string_view kMagic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
constexpr std::int64_t kProtocolVersion = 1001;
constexpr std::uint64_t kFirstWindow = std::uint64_t{1} << 12;
constexpr std::size_t kPieceBytes = std::size_t{8} << 20;

std::shared_ptr<Storage> no_storages(const StorageId& /*id*/, DType /*dtype*/) {
  throw ValueError("a storage lies where none may be");
}

// Makes the memory of a storage of so many bytes.
using StorageMaker =
    std::function<std::shared_ptr<Storage>(const std::string& location, std::size_t bytes)>;

// Reads the pickles, and finds out where the storages lie; reads nothing of these.
class LegacyReader {
 public:
  LegacyReader(const InputFile& file, StorageMaker make, ForeignObjects* foreign)
      : file_(file), make_(std::move(make)), foreign_(foreign) {}

  Value read() {
    expect("the magic number", BigInteger::from_bytes(std::string(kMagic)));
    expect("the protocol version", kProtocolVersion);
    // Byte order and sizes of C types: the storages look the same whatever they were.
    const HeldValue system(next("the system's information", no_storages));
    const std::uint64_t start = offset_;
    HeldValue value(next(
        "the value", [this](const StorageId& id, DType dtype) { return storage(id, dtype); },
        foreign_));
    pickle_bytes_ = offset_ - start;
    locate_storages();
    return value.release();
  }

  /// In the order in which the pickle names them.
  [[nodiscard]] std::vector<LegacyStorage> release_storages() {
    std::vector<LegacyStorage> storages;
    for (Wanted& wanted : wanted_) storages.push_back(std::move(wanted.storage));
    return storages;
  }
  /// Where the last storage ends.
  [[nodiscard]] std::uint64_t end() const noexcept { return offset_; }
  [[nodiscard]] std::uint64_t pickle_bytes() const noexcept { return pickle_bytes_; }

 private:
  struct Wanted {
    LegacyStorage storage;
    std::vector<std::size_t> element_bytes;  // of the classes under which it is named
    bool found = false;
  };

  [[nodiscard]] std::string describe(std::string_view part) const {
    return concat("file ", file_.path(), ", ", part);
  }
  [[noreturn]] void fail(std::string_view part, std::uint64_t offset, std::string_view what) const {
    throw FormatError(concat(describe(part), ", offset ", offset, ": ", what));
  }

  void expect(std::string_view part, const Value& wanted) {
    const std::uint64_t start = offset_;
    const HeldValue found(next(part, no_storages));
    if (!(found.get() == wanted)) fail(part, start, "it is not that of torch.save");
  }

  // The pickle at the current offset. Its length is found out by reading more and more.
  Value next(std::string_view part, const StorageSource& storages,
             ForeignObjects* foreign = nullptr) {
    const std::uint64_t left = file_.size() - offset_;
    std::string window;
    for (std::uint64_t size = kFirstWindow;; size *= 4) {
      const std::size_t known = window.size();
      window.resize(static_cast<std::size_t>(std::min(size, left)));
      file_.read_at(offset_ + known, std::span(window).subspan(known));
      std::optional<std::size_t> extent;
      try {
        extent = pickle_extent(window);
      } catch (const ValueError& error) {
        // Read as far as it goes: the reader says where the wrong opcode stands.
        extent = window.size();
      }
      if (!extent && window.size() == left) extent = window.size();  // it has no end
      if (!extent) continue;
      window.resize(*extent);
      Value value =
          unpickle_value(window, describe(part), storages, window.size(), offset_, foreign);
      offset_ += *extent;
      return value;
    }
  }

  // The storage in which a tensor lies, not yet filled. Several classes may name one storage: what
  // counts is how many bytes it has.
  std::shared_ptr<Storage> storage(const StorageId& id, DType dtype) {
    const std::size_t element_bytes = id.dtype ? size_of(*id.dtype) : 1;
    const auto [known, added] = numbers_.try_emplace(id.key, wanted_.size());
    if (!added) {
      Wanted& wanted = wanted_[known->second];
      const bool same =
          wanted.storage.bytes % element_bytes == 0 &&
          wanted.storage.bytes / element_bytes == static_cast<std::uint64_t>(id.numel);
      if (!same) {
        throw ValueError(concat("storage ", id.key.substr(0, 40), " has two sizes"));
      }
      if (std::ranges::find(wanted.element_bytes, element_bytes) == wanted.element_bytes.end()) {
        wanted.element_bytes.push_back(element_bytes);
      }
      return copy_in(wanted.storage, id, dtype);
    }
    // All storages lie in this file, so together they are smaller than it.
    const std::uint64_t free = file_.size() - claimed_bytes_;
    if (static_cast<std::uint64_t>(id.numel) > free / element_bytes) {
      throw ValueError(concat("storage ", id.key.substr(0, 40), " of ", id.numel,
                              " elements does not fit the file"));
    }
    const std::uint64_t bytes = static_cast<std::uint64_t>(id.numel) * element_bytes;
    wanted_.push_back({.storage = {.key = id.key, .bytes = bytes, .location = id.location},
                       .element_bytes = {element_bytes}});
    claimed_bytes_ += bytes;
    return copy_in(wanted_.back().storage, id, dtype);
  }

  // At most four of each storage: there are two bits.
  std::shared_ptr<Storage> copy_in(LegacyStorage& wanted, const StorageId& id, DType dtype) const {
    NumberChange change{.bits = id.bits, .dtype = id.bits.any() ? dtype : DType::uint8};
    if (wanted.bytes == 0) change = {};
    for (const LegacyStorage::Copy& copy : wanted.copies) {
      if (copy.change == change) return copy.storage;
      if (copy.change.bits == change.bits) {
        throw ValueError(concat("lazily conjugated or negated views of ", copy.change.dtype,
                                " and of ", change.dtype, " share storage ", id.key.substr(0, 40)));
      }
    }
    auto storage = make_(id.location, static_cast<std::size_t>(wanted.bytes));
    wanted.copies.push_back({storage, change});
    return storage;
  }

  void locate_storages() {
    const std::uint64_t keys_offset = offset_;
    const HeldValue keys(next("the list of storages", no_storages));
    if (keys.get().kind() != Value::Kind::list) {
      fail("the list of storages", keys_offset, "it is no list");
    }
    for (const Value& key : keys.get().as_list()) {
      const auto known =
          key.kind() == Value::Kind::string ? numbers_.find(key.as_string()) : numbers_.end();
      if (known == numbers_.end()) {
        fail("the list of storages", keys_offset, "it names a storage that no tensor lies in");
      }
      Wanted& wanted = wanted_[known->second];
      const std::string part = concat("storage ", known->first.substr(0, 40));
      if (std::exchange(wanted.found, true)) fail(part, offset_, "it is there twice");
      locate(wanted, part);
    }
    for (const Wanted& wanted : wanted_) {
      if (!wanted.found) {
        fail("the list of storages", keys_offset,
             concat("storage ", wanted.storage.key.substr(0, 40),
                    ", which a tensor lies in, is missing"));
      }
    }
  }

  // A count of elements in 8 bytes and the elements, little-endian on every machine.
  void locate(Wanted& wanted, const std::string& part) {
    const std::uint64_t bytes = wanted.storage.bytes;
    std::array<char, 8> header{};
    if (file_.size() - offset_ < header.size() + bytes) {
      fail(part, offset_, concat("its ", bytes, " bytes go beyond the end of the file"));
    }
    file_.read_at(offset_, header);
    const auto count = ByteReader({header.data(), header.size()}, part).read<std::uint64_t>();
    const bool agrees = std::ranges::any_of(wanted.element_bytes, [&](std::size_t element_bytes) {
      return count == bytes / element_bytes;
    });
    if (!agrees) {
      fail(part, offset_,
           concat("it counts ", count, " elements, but its tensors ",
                  bytes / wanted.element_bytes.front()));
    }
    offset_ += header.size();
    wanted.storage.offset = offset_;
    offset_ += bytes;
  }

  const InputFile& file_;
  StorageMaker make_;
  ForeignObjects* foreign_;
  std::uint64_t offset_ = 0;
  std::uint64_t claimed_bytes_ = 0;
  std::uint64_t pickle_bytes_ = 0;  // of the value
  std::vector<Wanted> wanted_;
  NameMap<std::size_t> numbers_;  // of wanted_, by key
};

// Fills one with the bytes at `offset`.
void fill(const InputFile& file, std::uint64_t offset, Storage& storage,
          const NumberChange& change) {
  Backend& backend = storage.backend();
  auto* const memory = static_cast<char*>(storage.data());
  if (backend.device().type == DeviceType::cpu) {
    const std::span<char> bytes(memory, storage.bytes());
    file.read_at(offset, bytes);
    change.apply(bytes);
  } else if (backend.device().type != DeviceType::meta) {
    std::string piece;
    for (std::size_t done = 0; done < storage.bytes(); done += piece.size()) {
      piece.resize(std::min(kPieceBytes, storage.bytes() - done));
      file.read_at(offset + done, piece);
      change.apply(piece);
      backend.copy_from_host(memory + done, piece.data(), piece.size());
    }
    backend.synchronize();
  }
}

}  // namespace

bool looks_like_legacy(const InputFile& file) {
  std::string start(static_cast<std::size_t>(std::min<std::uint64_t>(file.size(), 64)), '\0');
  file.read_at(0, start);
  if (start.size() < 2 || start[0] != '\x80') return false;
  // Whatever the protocol, the number's ten bytes stand in the first pickle.
  return start.find(kMagic) < 16;
}

Value load_legacy(const InputFile& file, const MapLocation& map_location, ForeignObjects* foreign) {
  LegacyReader reader(
      file,
      [&map_location](const std::string& location, std::size_t bytes) {
        return std::make_shared<Storage>(bytes, map_location.backend(location));
      },
      foreign);
  HeldValue value(reader.read());
  for (const LegacyStorage& storage : reader.release_storages()) {
    for (const LegacyStorage::Copy& copy : storage.copies) {
      fill(file, storage.offset, *copy.storage, copy.change);
    }
  }
  return value.release();
}

LegacyFile::LegacyFile(std::filesystem::path path, bool placeholders)
    : file_(std::move(path)), placeholders_(placeholders) {
  LegacyReader reader(
      file_,
      [](const std::string& /*location*/, std::size_t bytes) {
        return std::make_shared<Storage>(bytes, backend_for(kMeta));
      },
      placeholders ? &foreign_ : nullptr);
  tree_ = reader.read();
  storages_ = reader.release_storages();
  trailing_bytes_ = file_.size() - reader.end();
  pickle_bytes_ = reader.pickle_bytes();
  for (std::size_t i = 0; i < storages_.size(); ++i) {
    for (std::size_t j = 0; j < storages_[i].copies.size(); ++j) {
      places_.emplace(storages_[i].copies[j].storage.get(), Place{i, j});
    }
  }
}

// The tree may contain itself, and nothing else would free it then.
LegacyFile::~LegacyFile() {
  take_apart(tree_);
}

const LegacyStorage* LegacyFile::find(const Storage* described) const {
  const auto place = places_.find(described);
  return place == places_.end() ? nullptr : &storages_[place->second.storage];
}

std::vector<DescribedStorage> LegacyFile::described_storages() const {
  std::vector<DescribedStorage> result;
  for (const LegacyStorage& stored : storages_) {
    for (const LegacyStorage::Copy& copy : stored.copies) {
      result.push_back({copy.storage, stored.location});
    }
  }
  return result;
}

std::shared_ptr<Storage> LegacyFile::read(const Storage* described) const {
  const auto place = places_.find(described);
  if (place == places_.end()) {
    throw ValueError("LegacyFile: the tensor or storage is not one of this file's tree()");
  }
  const std::lock_guard lock(mutex_);
  std::weak_ptr<Storage>& known = known_[described];
  if (auto earlier = known.lock()) return earlier;
  const LegacyStorage& from = storages_[place->second.storage];
  auto storage = std::make_shared<Storage>(static_cast<std::size_t>(from.bytes), backend_for(kCpu));
  fill(file_, from.offset, *storage, from.copies[place->second.copy].change);
  known = storage;
  return storage;
}

Tensor LegacyFile::tensor(const Tensor& described) const {
  const bool whole = described.device() == kMeta || placeholders_;  // an array of NumPy
  if (whole && find(described.storage().get()) == nullptr) return described;
  Tensor result(read(described.storage().get()), described.dtype(), described.shape(),
                described.strides(), described.offset());
  result.set_requires_grad(described.requires_grad());
  return result;
}

StorageObject LegacyFile::storage(const StorageObject& described) const {
  return {read(described.storage.get()), described.dtype};
}

}  // namespace wick
