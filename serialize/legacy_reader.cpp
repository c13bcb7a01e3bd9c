// SPDX-License-Identifier: MIT
#include "serialize/legacy_reader.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "core/backend.h"
#include "core/containers.h"
#include "core/error.h"
#include "serialize/byte_reader.h"
#include "serialize/pickle_extent.h"
#include "serialize/pickle_reader.h"

namespace wick {
namespace {

// The number 0x1950a86a20f9469cfc6c, as pickles hold it.
constexpr std::string_view kMagic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
constexpr std::int64_t kProtocolVersion = 1001;
constexpr std::uint64_t kFirstWindow = std::uint64_t{1} << 16;
constexpr std::size_t kPieceBytes = std::size_t{8} << 20;

std::shared_ptr<Storage> no_storages(const StorageId& /*id*/, DType /*dtype*/) {
  throw ValueError("a storage lies where none may be");
}

class LegacyReader {
 public:
  LegacyReader(const InputFile& file, const MapLocation& map_location, ForeignObjects* foreign)
      : file_(file), map_location_(map_location), foreign_(foreign) {}

  Value load() {
    expect("the magic number", BigInteger::from_bytes(std::string(kMagic)));
    expect("the protocol version", kProtocolVersion);
    // Byte order and sizes of C types: the storages look the same whatever they were.
    const HeldValue system(next("the system's information", no_storages));
    HeldValue value(next(
        "the value", [this](const StorageId& id, DType dtype) { return storage(id, dtype); },
        foreign_));
    read_storages();
    return value.release();
  }

 private:
  // One storage of the file: as it is, with its lazily conjugated views resolved, or both.
  struct Copy {
    std::shared_ptr<Storage> storage;
    NumberChange change;
  };
  struct Wanted {
    std::vector<Copy> copies;
    std::int64_t numel = 0;
    std::size_t element_bytes = 1;
    bool read = false;
    [[nodiscard]] std::size_t bytes() const {
      return static_cast<std::size_t>(numel) * element_bytes;
    }
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

  // The storage in which a tensor lies, not yet filled.
  std::shared_ptr<Storage> storage(const StorageId& id, DType dtype) {
    const std::size_t element_bytes = id.dtype ? size_of(*id.dtype) : 1;
    const auto [known, added] = wanted_.try_emplace(id.key);
    Wanted& wanted = known->second;
    if (!added) {
      if (wanted.numel != id.numel || wanted.element_bytes != element_bytes) {
        throw ValueError(concat("storage ", id.key.substr(0, 40), " has two sizes"));
      }
      return copy_in(wanted, id, dtype);
    }
    // All storages lie in this file, so together they are smaller than it.
    const std::uint64_t free = file_.size() - claimed_bytes_;
    if (static_cast<std::uint64_t>(id.numel) > free / element_bytes) {
      throw ValueError(concat("storage ", id.key.substr(0, 40), " of ", id.numel,
                              " elements does not fit the file"));
    }
    wanted.numel = id.numel;
    wanted.element_bytes = element_bytes;
    claimed_bytes_ += wanted.bytes();
    return copy_in(wanted, id, dtype);
  }

  // At most four of each storage: there are two bits.
  std::shared_ptr<Storage> copy_in(Wanted& wanted, const StorageId& id, DType dtype) const {
    const NumberChange change{.bits = id.bits, .dtype = id.bits.any() ? dtype : DType::uint8};
    for (const Copy& copy : wanted.copies) {
      if (copy.change == change) return copy.storage;
      if (copy.change.bits == change.bits) {
        throw ValueError(concat("lazily conjugated or negated views of ", copy.change.dtype,
                                " and of ", change.dtype, " share storage ", id.key.substr(0, 40)));
      }
    }
    auto storage = std::make_shared<Storage>(wanted.bytes(), map_location_.backend(id.location));
    wanted.copies.push_back({storage, change});
    return storage;
  }

  void read_storages() {
    const std::uint64_t keys_offset = offset_;
    const HeldValue keys(next("the list of storages", no_storages));
    if (keys.get().kind() != Value::Kind::list) {
      fail("the list of storages", keys_offset, "it is no list");
    }
    for (const Value& key : keys.get().as_list()) {
      const auto known =
          key.kind() == Value::Kind::string ? wanted_.find(key.as_string()) : wanted_.end();
      if (known == wanted_.end()) {
        fail("the list of storages", keys_offset, "it names a storage that no tensor lies in");
      }
      const std::string part = concat("storage ", known->first.substr(0, 40));
      if (known->second.read) fail(part, offset_, "it is there twice");
      read_storage(known->second, part);
    }
    for (const auto& [key, wanted] : wanted_) {
      if (!wanted.read) {
        fail("the list of storages", keys_offset,
             concat("storage ", key.substr(0, 40), ", which a tensor lies in, is missing"));
      }
    }
    if (offset_ != file_.size()) {
      fail("the end", offset_, concat(file_.size() - offset_, " byte(s) follow the last storage"));
    }
  }

  // A count of elements in 8 bytes and the elements, little-endian on every machine.
  void read_storage(Wanted& wanted, const std::string& part) {
    const std::size_t bytes = wanted.bytes();
    std::array<char, 8> header{};
    if (file_.size() - offset_ < header.size() + bytes) {
      fail(part, offset_, concat("its ", bytes, " bytes go beyond the end of the file"));
    }
    file_.read_at(offset_, header);
    const auto count = ByteReader({header.data(), header.size()}, part).read<std::uint64_t>();
    if (count != static_cast<std::uint64_t>(wanted.numel)) {
      fail(part, offset_, concat("it counts ", count, " elements, but its tensors ", wanted.numel));
    }
    offset_ += header.size();
    for (const Copy& copy : wanted.copies) fill(*copy.storage, copy.change);
    offset_ += bytes;
    wanted.read = true;
  }

  // With the bytes at the current offset.
  void fill(Storage& storage, const NumberChange& change) const {
    Backend& backend = storage.backend();
    auto* const memory = static_cast<char*>(storage.data());
    if (backend.device().type == DeviceType::cpu) {
      const std::span<char> bytes(memory, storage.bytes());
      file_.read_at(offset_, bytes);
      change.apply(bytes);
    } else if (backend.device().type != DeviceType::meta) {
      std::string piece;
      for (std::size_t done = 0; done < storage.bytes(); done += piece.size()) {
        piece.resize(std::min(kPieceBytes, storage.bytes() - done));
        file_.read_at(offset_ + done, piece);
        change.apply(piece);
        backend.copy_from_host(memory + done, piece.data(), piece.size());
      }
      backend.synchronize();
    }
  }

  const InputFile& file_;
  const MapLocation& map_location_;
  ForeignObjects* foreign_;
  std::uint64_t offset_ = 0;
  std::uint64_t claimed_bytes_ = 0;
  std::unordered_map<std::string, Wanted> wanted_;
};

}  // namespace

bool looks_like_legacy(const InputFile& file) {
  std::string start(static_cast<std::size_t>(std::min<std::uint64_t>(file.size(), 64)), '\0');
  file.read_at(0, start);
  if (start.size() < 2 || start[0] != '\x80') return false;
  // Whatever the protocol, the number's ten bytes stand in the first pickle.
  return start.find(kMagic) < 16;
}

Value load_legacy(const InputFile& file, const MapLocation& map_location, ForeignObjects* foreign) {
  return LegacyReader(file, map_location, foreign).load();
}

}  // namespace wick
