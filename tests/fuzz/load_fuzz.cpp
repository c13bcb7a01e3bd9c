// SPDX-License-Identifier: MIT
// Whole checkpoints: load() and CheckpointFile give an error or a value. After a first byte 'p' the
// input is the data.pkl of an archive that is otherwise sound, which gets behind the checksums; any
// other input is the file.
#include <string>

#include "serialize/zip_writer.h"
#include "tests/fuzz/memory_file.h"
#include "wick/core/containers.h"
#include "wick/core/error.h"
#include "wick/serialize/checkpoint.h"
#include "wick/serialize/checkpoint_file.h"

namespace wick {
namespace {

std::string archive_around(std::string_view pickle) {
  std::string bytes;
  ZipWriter zip([&bytes](std::string_view piece) { bytes.append(piece); }, "m");
  zip.add("data.pkl", pickle);
  zip.add("byteorder", pickle.size() % 2 == 0 ? "little" : "big");
  for (const std::size_t size : {12U, 16U, 24U, 400U}) {
    zip.add("data/" + std::to_string(zip.records().size() - 2), std::string(size, '\x3f'));
  }
  zip.add("version", "3\n");
  zip.finish();
  return bytes;
}

void load_eagerly(const MapLocation& map_location, const testing::MemoryFile& memory) {
  try {
    const HeldValue held{load(memory.path(), map_location)};
  } catch (const Error&) {
  }
}

void load_lazily(const testing::MemoryFile& memory) {
  try {
    const CheckpointFile file = CheckpointFile::open(memory.path(), kCpu, {.verify = true});
    const HeldValue tree{file.tree()};  // goes before the file
    const NamedObjects objects = named_objects(file.tree());
    for (const NamedTensor& named : objects.tensors) {
      try {
        static_cast<void>(file.tensor(named.tensor));
      } catch (const Error&) {
      }
    }
    for (const NamedStorage& named : objects.storages) {
      try {
        static_cast<void>(file.storage(named.storage));
      } catch (const Error&) {
      }
    }
    const HeldValue held{file.value()};
  } catch (const Error&) {
  }
}

}  // namespace
}  // namespace wick

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = wick::testing::as_text(data, size);
  const wick::testing::MemoryFile memory(
      bytes.starts_with('p') ? wick::archive_around(bytes.substr(1)) : std::string(bytes));
  wick::load_eagerly(wick::kCpu, memory);
  wick::load_eagerly({}, memory);
  wick::load_lazily(memory);
  return 0;
}
