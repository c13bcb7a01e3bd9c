// SPDX-License-Identifier: MIT
#include "serialize/record_reads.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "serialize/crc32.h"
#include "serialize/fresh_memory.h"
#include "serialize/parallel.h"
#include "serialize/zip_format.h"

namespace wick {
namespace {

constexpr std::uint64_t kTaskBytes = std::uint64_t{8} << 20;
// Small enough that the checksum finds the bytes in the processor's cache.
constexpr std::uint64_t kPieceBytes = std::uint64_t{256} << 10;
constexpr std::uint64_t kFreshBytes = std::uint64_t{4} << 20;
constexpr std::uint64_t kSmallBytes = std::uint64_t{64} << 10;
constexpr std::uint64_t kGroupBytes = std::uint64_t{1} << 20;

// A part of a large record, a record that is deflated, or several small ones.
struct Task {
  std::size_t first = 0;  // of the reads
  std::size_t count = 1;
  std::uint64_t begin = 0;  // in the record's data
  std::uint64_t bytes = 0;
  std::uint64_t data_offset = 0;  // in the file
  std::uint32_t crc = 0;          // of this part, when it is done
};

std::uint64_t span_of(const ZipEntry& entry) {
  return entry.limit - entry.header_offset;
}

bool is_small(const ZipEntry& entry) {
  return entry.method == zip::kMethodStored && span_of(entry) <= kSmallBytes;
}

class Reading {
 public:
  Reading(const ZipReader& zip, std::vector<RecordRead> reads)
      : zip_(zip), reads_(std::move(reads)) {
    std::ranges::sort(reads_, {}, [](const RecordRead& r) { return r.entry->header_offset; });
    plan();
  }

  void run() {
    run_parallel(tasks_.size(), reading_threads(total_),
                 [this](std::size_t i) { work(tasks_[i]); });
    for (std::size_t i = 0; i < tasks_.size();) {
      const std::size_t first = i;
      std::uint32_t crc = tasks_[i++].crc;
      for (; i < tasks_.size() && tasks_[i].begin != 0; ++i) {
        crc = crc32_combine(crc, tasks_[i].crc, tasks_[i].bytes);
      }
      if (tasks_[first].data_offset != 0) zip_.check_crc(*reads_[tasks_[first].first].entry, crc);
    }
  }

 private:
  void plan() {
    for (std::size_t i = 0; i < reads_.size();) {
      const ZipEntry& entry = *reads_[i].entry;
      Task task{.first = i};
      if (is_small(entry)) {
        while (i < reads_.size() && is_small(*reads_[i].entry) &&
               reads_[i].entry->limit - entry.header_offset <= kGroupBytes) {
          ++i;
        }
        task.count = i - task.first;
        task.bytes = reads_[i - 1].entry->limit - entry.header_offset;
        add(task);
        continue;
      }
      ++i;
      task.bytes = entry.size;
      if (entry.method != zip::kMethodStored) {
        add(task);
        continue;
      }
      task.data_offset = zip_.data_offset(entry);
      do {
        const std::uint64_t past =
            reads_[task.first].to == nullptr
                ? 0
                : FreshMemory::past_boundary(reads_[task.first].to + task.begin);
        task.bytes = std::min(kTaskBytes - past, entry.size - task.begin);
        add(task);
        task.begin += task.bytes;
      } while (task.begin < entry.size);
    }
  }
  void add(const Task& task) {
    tasks_.push_back(task);
    total_ += task.bytes;
  }

  void work(Task& task) {
    if (task.data_offset != 0) {
      read_part(task);
    } else if (reads_[task.first].entry->method == zip::kMethodStored) {
      read_group(task);
    } else {
      read_deflated(reads_[task.first]);
    }
  }

  void read_part(Task& task) {
    const RecordRead& read = reads_[task.first];
    std::string scratch;
    if (read.to == nullptr) {
      scratch.resize(static_cast<std::size_t>(std::min(kPieceBytes, task.bytes)));
    }
    std::uint64_t prepared = 0;
    for (std::uint64_t done = 0; done < task.bytes;) {
      char* const to = read.to == nullptr ? scratch.data() : read.to + task.begin + done;
      if (read.to != nullptr && done == prepared) {
        prepared += std::min(kFreshBytes - FreshMemory::past_boundary(to), task.bytes - done);
        fresh_.prepare({to, static_cast<std::size_t>(prepared - done)});
      }
      const std::uint64_t limit = read.to == nullptr ? task.bytes : prepared;
      const std::uint64_t count = std::min(kPieceBytes, limit - done);
      const std::span<char> piece(to, static_cast<std::size_t>(count));
      zip_.file().read_at(task.data_offset + task.begin + done, piece);
      task.crc = crc32(task.crc, piece);
      if (read.to != nullptr) read.change.apply(piece);
      done += count;
    }
  }

  void read_group(const Task& task) const {
    const std::uint64_t start = reads_[task.first].entry->header_offset;
    std::string bytes(static_cast<std::size_t>(task.bytes), '\0');
    zip_.file().read_at(start, bytes);
    for (std::size_t i = task.first; i < task.first + task.count; ++i) {
      const RecordRead& read = reads_[i];
      const std::string_view here = std::string_view(bytes).substr(
          static_cast<std::size_t>(read.entry->header_offset - start),
          static_cast<std::size_t>(span_of(*read.entry)));
      const std::string_view data =
          here.substr(static_cast<std::size_t>(zip_.data_offset_in(here, *read.entry)),
                      static_cast<std::size_t>(read.entry->size));
      zip_.check_crc(*read.entry, crc32(0, data));
      if (read.to == nullptr || data.empty()) continue;
      std::memcpy(read.to, data.data(), data.size());
      read.change.apply({read.to, data.size()});
    }
  }

  void read_deflated(const RecordRead& read) const {
    if (read.to == nullptr) {
      static_cast<void>(zip_.read(*read.entry));
      return;
    }
    const std::span<char> to(read.to, static_cast<std::size_t>(read.entry->size));
    zip_.read_into(*read.entry, to);
    read.change.apply(to);
  }

  const ZipReader& zip_;
  std::vector<RecordRead> reads_;
  std::vector<Task> tasks_;
  std::uint64_t total_ = 0;
  FreshMemory fresh_;
};

}  // namespace

void read_records(const ZipReader& zip, std::vector<RecordRead> reads) {
  Reading(zip, std::move(reads)).run();
}

void read_ranges(const ZipReader& zip, const std::vector<RangeRead>& reads) {
  struct Part {
    std::uint64_t from = 0;
    std::span<char> to;
    NumberChange change;
  };
  std::vector<Part> parts;
  std::uint64_t total = 0;
  for (const RangeRead& read : reads) {
    const std::uint64_t start = zip.data_offset(*read.entry) + read.begin;
    for (std::uint64_t done = 0; done < read.bytes; done += kTaskBytes) {
      const std::uint64_t count = std::min(kTaskBytes, read.bytes - done);
      parts.push_back(
          {start + done, {read.to + done, static_cast<std::size_t>(count)}, read.change});
    }
    total += read.bytes;
  }
  run_parallel(parts.size(), reading_threads(total), [&](std::size_t i) {
    zip.file().read_at(parts[i].from, parts[i].to);
    parts[i].change.apply(parts[i].to);
  });
}

}  // namespace wick
