// SPDX-License-Identifier: MIT
#include "serialize/storage_loader.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include "core/backend.h"
#include "core/error.h"

namespace wick {
namespace {

// Of what is stored as a number: the parts of a complex one.
std::size_t number_bytes_of(DType dtype) {
  return is_complex(dtype) ? size_of(dtype) / 2 : size_of(dtype);
}

void reverse_numbers(std::span<char> bytes, std::size_t number_bytes) {
  for (std::size_t at = 0; at + number_bytes <= bytes.size(); at += number_bytes) {
    std::ranges::reverse(bytes.subspan(at, number_bytes));
  }
}

}  // namespace

StorageLoader::StorageLoader(const ZipReader& zip, std::string archive_name, bool big_endian,
                             const MapLocation& map_location)
    : zip_(zip),
      archive_name_(std::move(archive_name)),
      big_endian_(big_endian),
      map_location_(map_location) {}

std::shared_ptr<Storage> StorageLoader::load(const StorageId& id, DType dtype) {
  const ZipEntry* const entry = zip_.find(archive_name_ + "/data/" + id.key);
  if (entry == nullptr) {
    throw ValueError(concat("a tensor lies in record \"", archive_name_, "/data/",
                            id.key.substr(0, 40), "\", which is not there"));
  }
  const std::size_t element_bytes = id.dtype ? size_of(*id.dtype) : 1;
  if (entry->size / element_bytes != static_cast<std::uint64_t>(id.numel)) {
    throw FormatError(concat(zip_.describe(*entry), ", offset ", entry->header_offset, ": ",
                             entry->size, " bytes are not the ", id.numel,
                             id.dtype ? concat(" elements of ", *id.dtype) : " bytes",
                             " that data.pkl announces"));
  }
  const std::size_t number_bytes = big_endian_ ? number_bytes_of(dtype) : 1;
  const auto known = loaded_.find(id.key);
  if (known == loaded_.end()) {
    Loaded loaded{read(*entry, map_location_.backend(id.location), number_bytes), number_bytes};
    return loaded_.emplace(id.key, std::move(loaded)).first->second.storage;
  }
  if (known->second.swapped != number_bytes) {
    throw FormatError(concat(zip_.describe(*entry), ", offset ", entry->header_offset,
                             ": big-endian tensors of different element sizes share it"));
  }
  return known->second.storage;
}

std::shared_ptr<Storage> StorageLoader::read(const ZipEntry& entry, Backend& backend,
                                             std::size_t number_bytes) const {
  zip_.check(entry);  // before memory is taken for what it claims
  const auto bytes = static_cast<std::size_t>(entry.size);
  auto storage = std::make_shared<Storage>(bytes, backend);
  if (backend.device().type == DeviceType::cpu) {
    const std::span<char> memory(static_cast<char*>(storage->data()), bytes);
    zip_.read_into(entry, memory);
    if (number_bytes > 1) reverse_numbers(memory, number_bytes);
    return storage;
  }
  std::size_t done = 0;
  zip_.read_pieces(entry, [&](std::string_view piece) {
    std::string turned;  // pieces are a multiple of every number's size
    if (number_bytes > 1) {
      turned = piece;
      reverse_numbers(turned, number_bytes);
      piece = turned;
    }
    backend.copy_from_host(static_cast<std::byte*>(storage->data()) + done, piece.data(),
                           piece.size());
    done += piece.size();
  });
  backend.synchronize();
  return storage;
}

}  // namespace wick
