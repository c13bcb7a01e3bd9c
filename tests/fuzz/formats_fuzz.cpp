// SPDX-License-Identifier: MIT
// safetensors, NumPy files and indices of shards. The first byte of an input says what the rest is:
// 's' a safetensors header up to its last '}' and the data behind it, 'n' the same for .npy, 'z' an
// .npy file in an archive, 'j' an index; any other input is a file of some format. That gets behind
// the length fields and checksums.
#include <cstdlib>
#include <string>

#include "serialize/byte_writer.h"
#include "serialize/zip_writer.h"
#include "tests/fuzz/memory_file.h"
#include "wick/core/error.h"
#include "wick/serialize/any_file.h"
#include "wick/serialize/npy.h"
#include "wick/serialize/safetensors.h"
#include "wick/serialize/sharded.h"

namespace wick {
namespace {

std::size_t header_size(std::string_view text) {
  const std::size_t brace = text.rfind('}');
  return brace == std::string_view::npos ? text.size() : brace + 1;
}

std::string safetensors_around(std::string_view text) {
  ByteWriter file;
  file.write(static_cast<std::uint64_t>(header_size(text)));
  file.bytes(text);
  return file.release();
}

std::string npy_around(std::string_view text) {
  ByteWriter file;
  file.bytes("\x93NUMPY");
  file.write(static_cast<std::uint8_t>(2));
  file.write(std::uint8_t{0});
  file.write(static_cast<std::uint32_t>(header_size(text)));
  file.bytes(text);
  return file.release();
}

std::string npz_around(std::string_view array) {
  std::string bytes;
  ZipWriter zip([&bytes](std::string_view piece) { bytes.append(piece); }, "");
  zip.add("a.npy", array);
  zip.finish();
  return bytes;
}

void require_same(const StateDict& a, const StateDict& b) {
  if (a.size() != b.size()) std::abort();
  for (const auto& [name, tensor] : a) {
    if (!bitwise_equal(tensor, b.at(name))) std::abort();
  }
}

// What is read is written and read again with the same result; mapped or not makes no difference.
void read_safetensors(std::string_view bytes) {
  const testing::MemoryFile memory(bytes);
  const SafetensorsFile file(memory.path());
  const StateDict state = file.read_all();
  require_same(state, load_safetensors(memory.path()));
  std::string written;
  write_safetensors(
      state, [&written](std::string_view piece) { written.append(piece); }, file.metadata());
  require_same(state, load_safetensors(testing::MemoryFile(written).path()));
}

void read_npy(std::string_view bytes) {
  const Tensor tensor = load_npy(testing::MemoryFile(bytes).path());
  std::string written;
  write_npy(tensor, [&written](std::string_view piece) { written.append(piece); });
  if (!bitwise_equal(tensor, load_npy(testing::MemoryFile(written).path()))) std::abort();
}

void read_any(std::string_view bytes) {
  if (bytes.starts_with('s')) {
    read_safetensors(safetensors_around(bytes.substr(1)));
  } else if (bytes.starts_with('n')) {
    read_npy(npy_around(bytes.substr(1)));
  } else if (bytes.starts_with('z')) {
    static_cast<void>(load_npz(testing::MemoryFile(npz_around(bytes.substr(1))).path()));
  } else if (bytes.starts_with('j')) {
    static_cast<void>(read_shard_index(testing::MemoryFile(bytes.substr(1)).path()));
  } else {
    const testing::MemoryFile memory(bytes);
    // Files of torch.save are load_fuzz's.
    if (recognise_file(memory.path()) != FileFormat::torch) {
      static_cast<void>(load_any(memory.path()));
    }
  }
}

}  // namespace
}  // namespace wick

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    wick::read_any(wick::testing::as_text(data, size));
  } catch (const wick::Error&) {
  }
  return 0;
}
