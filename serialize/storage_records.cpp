// SPDX-License-Identifier: MIT
#include "serialize/storage_records.h"

#include "wick/core/error.h"

namespace wick {
namespace {

// Of what is stored as a number: the parts of a complex one.
std::size_t number_bytes_of(DType dtype) {
  return has_imaginary_part(dtype) ? size_of(dtype) / 2 : size_of(dtype);
}

}  // namespace

std::size_t StorageRecords::add(const StorageId& id, DType dtype) {
  const ZipReader& zip = archive_.zip();
  const std::size_t element_bytes = id.dtype ? size_of(*id.dtype) : 1;
  NumberChange change;
  if (archive_.big_endian()) change.reversed_bytes = number_bytes_of(dtype);
  if (id.bits.any()) {
    change.bits = id.bits;
    change.dtype = dtype;
  }
  Index& index = indices_.at((id.bits.conj ? 2U : 0U) + (id.bits.neg ? 1U : 0U));
  const auto known = index.find(id.key);
  const ZipEntry* const entry = known == index.end() ? zip.find(archive_.name() + "/data/" + id.key)
                                                     : records_[known->second].entry;
  if (entry == nullptr) {
    throw ValueError(concat("a tensor lies in record \"", archive_.name(), "/data/",
                            id.key.substr(0, 40), "\", which is not there"));
  }
  // In an empty record there is nothing to change, so that tensors of any dtypes share it.
  if (entry->size == 0) change = {};
  if (entry->size / element_bytes != static_cast<std::uint64_t>(id.numel)) {
    throw FormatError(concat(zip.describe(*entry), ", offset ", entry->header_offset, ": ",
                             entry->size, " bytes are not the ", id.numel,
                             id.dtype ? concat(" elements of ", *id.dtype) : " bytes",
                             " that data.pkl announces"));
  }
  if (known == index.end()) {
    index.emplace(id.key, records_.size());
    records_.push_back({entry, id.location, change, entry->size % element_bytes});
    return records_.size() - 1;
  }
  if (records_[known->second].change != change) {
    throw FormatError(concat(zip.describe(*entry), ", offset ", entry->header_offset,
                             id.bits.any() ? ": lazily conjugated or negated views of different "
                                             "dtypes share it"
                                           : ": big-endian tensors of different element sizes "
                                             "share it"));
  }
  return known->second;
}

}  // namespace wick
