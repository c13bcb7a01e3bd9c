// SPDX-License-Identifier: MIT
#include "serialize/load_into.h"

#include <algorithm>
#include <utility>

#include "core/overlap.h"
#include "serialize/record_reads.h"
#include "serialize/zip_format.h"

namespace wick {
namespace {

// True where the bytes of the file are those of the target, in order.
bool is_straight(const LoadPair& pair) {
  return pair.record->entry->method == zip::kMethodStored && pair.target.is_contiguous() &&
         pair.target.device().type == DeviceType::cpu && pair.source.is_contiguous() &&
         pair.source.dtype() == pair.target.dtype();
}

std::vector<RecordRead> records_of(const std::vector<LoadPair>& pairs) {
  std::vector<RecordRead> reads;
  reads.reserve(pairs.size());
  for (const LoadPair& pair : pairs) reads.push_back({.entry = pair.record->entry});
  std::ranges::sort(reads, {}, &RecordRead::entry);
  const auto same = [](const RecordRead& a, const RecordRead& b) { return a.entry == b.entry; };
  reads.erase(std::unique(reads.begin(), reads.end(), same), reads.end());
  return reads;
}

}  // namespace

void load_pairs(const ZipReader& zip, const std::vector<LoadPair>& pairs, LazyStorages& storages,
                bool verify) {
  if (verify) read_records(zip, records_of(pairs));
  std::vector<RangeRead> straight;
  std::vector<std::pair<Tensor, Tensor>> copies;
  for (const LoadPair& pair : pairs) {
    const auto element = static_cast<std::uint64_t>(size_of(pair.source.dtype()));
    if (!is_straight(pair)) {
      copies.emplace_back(
          pair.target, Tensor(storages.get(pair.number), pair.source.dtype(), pair.source.shape(),
                              pair.source.strides(), pair.source.offset()));
    } else if (pair.source.numel() != 0) {
      pair.target.storage()->bump_version();
      straight.push_back(
          {pair.record->entry, static_cast<std::uint64_t>(pair.source.offset()) * element,
           pair.source.nbytes(), static_cast<char*>(pair.target.raw()), pair.record->change});
    }
  }
  for (const auto& [target, source] : copies) {
    require_no_internal_overlap("load_into", target);
    require_no_partial_overlap("load_into", target, source);
  }
  read_ranges(zip, straight);
  for (const auto& [target, source] : copies) target.copy_(source);
}

}  // namespace wick
