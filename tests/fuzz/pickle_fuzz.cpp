// SPDX-License-Identifier: MIT
// Any bytes as a pickle: a value or an error; a value can be written again and is read back.
#include <cstdlib>
#include <memory>
#include <string>

#include "serialize/pickle_reader.h"
#include "serialize/pickle_writer.h"
#include "tests/fuzz/memory_file.h"
#include "wick/core/backend.h"
#include "wick/core/containers.h"
#include "wick/core/error.h"
#include "wick/core/placeholder.h"
#include "wick/core/storage.h"

namespace wick {
namespace {

std::shared_ptr<Storage> describe(const StorageId& id, DType dtype) {
  const std::size_t element = id.dtype ? size_of(*id.dtype) : 1;
  if (static_cast<std::uint64_t>(id.numel) > (std::uint64_t{1} << 40) / element) {
    throw ValueError("a storage that no file holds");
  }
  static_cast<void>(dtype);
  return std::make_shared<Storage>(static_cast<std::size_t>(id.numel) * element,
                                   backend_for(kMeta));
}

void read_pickle(std::string_view bytes) {
  try {
    ForeignObjects foreign;
    const HeldValue lenient{unpickle_value(bytes, "fuzz", describe, bytes.size(), 0, &foreign)};
    static_cast<void>(placeholders_in(lenient.get(), 10));
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch)
  }
  const HeldValue first{unpickle_value(bytes, "fuzz", describe)};
  Pickled written;
  try {
    written = pickle_value(first.get());
  } catch (const Error&) {
    return;  // not all that can be read can be written
  }
  // On "meta", as here, nothing is written that could not be read.
  const HeldValue second{
      unpickle_value(written.bytes, "again", [&written](const StorageId& id, DType /*dtype*/) {
        return written.storages.at(std::stoul(id.key));
      })};
  if (pickle_value(second.get()).bytes != written.bytes) std::abort();
}

}  // namespace
}  // namespace wick

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    wick::read_pickle(wick::testing::as_text(data, size));
  } catch (const wick::Error&) {
  }
  return 0;
}
