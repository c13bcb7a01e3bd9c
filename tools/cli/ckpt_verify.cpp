// SPDX-License-Identifier: MIT
// ckpt verify: everything about a file that can be checked.
#include <algorithm>

#include "core/error.h"
#include "serialize/input_file.h"
#include "serialize/legacy_reader.h"
#include "serialize/sharded.h"
#include "serialize/zip_reader.h"
#include "tools/cli/ckpt_commands.h"
#include "tools/cli/ckpt_foreign.h"
#include "tools/cli/ckpt_progress.h"
#include "tools/cli/ckpt_source.h"

namespace wick::tools {
namespace {

// Reads every record, which checks its CRC-32. Returns their number.
std::size_t check_records(const std::filesystem::path& path) {
  const InputFile file(path);
  const ZipReader zip(file);
  ByteProgress progress("checking", file.size());
  for (const ZipEntry& entry : zip.entries()) {
    zip.check(entry);
    zip.read_pieces(entry, [&](std::string_view piece) { progress.advance(piece.size()); });
  }
  return zip.entries().size();
}

// Reads every tensor of a file without checksums: that there are bytes is all that can be said.
void read_tensors(const CkptSource& source) {
  ByteProgress progress("reading", source.file_bytes);
  for (const SourceTensor& tensor : source.tensors) {
    static_cast<void>(tensor.read());
    progress.advance(tensor.info.nbytes());
  }
}

// One file, an index's shards aside. Says what was checked beyond the structure.
std::string check_file(const CkptSource& source) {
  const bool archive =
      source.format == FileFormat::npz ||
      (source.format == FileFormat::torch && !looks_like_legacy(InputFile(source.path)));
  if (archive) {
    return concat("every CRC-32 of ", format_count(check_records(source.path), "record"),
                  " agrees");
  }
  read_tensors(source);
  return "the format has no checksums";
}

void report(const CkptSource& source, const std::string& checked, std::ostream& out,
            const Style& style) {
  const auto storages =
      static_cast<std::uint64_t>(std::ranges::count_if(source.tensors, &SourceTensor::is_storage));
  out << plain_name(source.path.string()) << ": " << style.bold << "good" << style.reset << " ("
      << name(source.format) << ", " << format_count(source.tensors.size() - storages, "tensor")
      << ", " << (storages == 0 ? "" : format_count(storages, "storage") + ", ")
      << format_bytes(source.file_bytes) << "; " << checked << ")\n";
  for (const std::string& note : foreign_notes(source)) {
    out << style.dim << "  " << note << style.reset << '\n';
  }
}

}  // namespace

int verify(const std::filesystem::path& file, std::ostream& out, const Style& style) {
  // Opening checks the structure.
  const CkptSource source = open_source(file);
  if (source.format == FileFormat::shard_index) {
    const ShardIndex index = read_shard_index(file);
    for (const std::string& shard : index.shards()) {
      const CkptSource opened = open_source(index.shard_path(shard));
      report(opened, check_file(opened), out, style);
    }
    report(source, concat("all of ", format_count(index.shards().size(), "shard"), " there"), out,
           style);
    return 0;
  }
  report(source, check_file(source), out, style);
  return 0;
}

}  // namespace wick::tools
