// SPDX-License-Identifier: MIT
// ckpt verify: everything about a file that can be checked.
#include <algorithm>

#include "serialize/input_file.h"
#include "serialize/legacy_reader.h"
#include "serialize/zip_reader.h"
#include "tools/cli/ckpt_commands.h"
#include "tools/cli/ckpt_foreign.h"
#include "tools/cli/ckpt_progress.h"
#include "tools/cli/ckpt_source.h"
#include "tools/cli/standard_input.h"
#include "wick/core/error.h"
#include "wick/serialize/sharded.h"

namespace wick::tools {
namespace {

// Reads every record, which checks its CRC-32 where it has one. Says how many agree.
std::string check_records(const std::filesystem::path& path) {
  const InputFile file(path);
  const ZipReader zip(file);
  ByteProgress progress("checking", file.size());
  std::size_t without = 0;
  for (const ZipEntry& entry : zip.entries()) {
    zip.check(entry);
    zip.read_pieces(entry, [&](std::string_view piece) { progress.advance(piece.size()); });
    if (!entry.has_crc()) ++without;
  }
  const std::size_t all = zip.entries().size();
  if (without == 0) return concat("every CRC-32 of ", format_count(all, "record"), " agrees");
  const std::string none = concat(
      "it was saved without, as by torch.serialization.set_crc32_options(False) or "
      "skip_data, so that damage does not show");
  if (without == all) return concat("no CRC-32 in ", format_count(all, "record"), ": ", none);
  return concat("every CRC-32 of ", format_count(all - without, "record"), " agrees; ",
                format_count(without, "record"), " without CRC-32: ", none);
}

// Reads every tensor of a file without checksums: that there are bytes is all that can be said.
void read_tensors(const CkptSource& source) {
  ByteProgress progress("reading", source.file_bytes);
  for (const SourceTensor& tensor : source.tensors) {
    static_cast<void>(tensor.read());
    progress.advance(tensor.info.nbytes());
  }
}

// What records have behind their storages or arrays.
std::string describe_longer_records(const CkptSource& source) {
  if (source.longer_records.empty()) return {};
  const std::size_t count = source.longer_records.size();
  return concat("; ", format_count(count, "record"), count == 1 ? " is" : " are",
                " longer than the ", source.format == FileFormat::npz ? "array" : "storage",
                " in it, as ", plain_name(source.longer_records.front()));
}

// One file, an index's shards aside. Says what was checked beyond the structure.
std::string check_file(const CkptSource& source) {
  const bool archive =
      source.format == FileFormat::npz ||
      (source.format == FileFormat::torch && !looks_like_legacy(InputFile(source.path)));
  if (archive) {
    return check_records(source.path) + describe_longer_records(source);
  }
  read_tensors(source);
  return "the format has no checksums";
}

void report(const CkptSource& source, const std::string& checked, std::ostream& out,
            const Style& style) {
  const auto storages =
      static_cast<std::uint64_t>(std::ranges::count_if(source.tensors, &SourceTensor::is_storage));
  out << plain_name(with_shown_names(source.path.string())) << ": " << style.bold << "good"
      << style.reset << " (" << name(source.format) << ", "
      << format_count(source.tensors.size() - storages, "tensor") << ", "
      << (storages == 0 ? "" : format_count(storages, "storage") + ", ")
      << format_bytes(source.file_bytes) << "; " << checked;
  if (source.trailing_bytes > 0) {
    out << "; " << format_count(source.trailing_bytes, "byte")
        << (source.trailing_bytes == 1 ? " follows" : " follow")
        << " its content, and are not read";
  }
  out << ")\n";
  for (const std::string& note : foreign_notes(source)) {
    out << style.dim << "  " << note << style.reset << '\n';
  }
}

void verify_all(const std::filesystem::path& file, std::ostream& out, const Style& style) {
  // Opening checks the structure.
  const CkptSource source = open_source(file);
  if (source.format != FileFormat::shard_index) {
    report(source, check_file(source), out, style);
    return;
  }
  const ShardIndex index = read_shard_index(file);
  for (const std::string& shard : index.shards()) {
    const CkptSource opened = open_source(index.shard_path(shard));
    report(opened, check_file(opened), out, style);
  }
  report(source, concat("all of ", format_count(index.shards().size(), "shard"), " there"), out,
         style);
}

}  // namespace

int verify(const std::filesystem::path& file, std::ostream& out, const Style& style) {
  try {
    verify_all(file, out, style);
  } catch (const ChecksumError& error) {
    throw FormatError(concat(error.what(),
                             "; the other commands read it with --no-verify, and "
                             "convert then writes the right CRC-32"));
  }
  return 0;
}

}  // namespace wick::tools
