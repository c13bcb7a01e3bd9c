// SPDX-License-Identifier: MIT
#include "serialize/background_saver.h"

#include <memory>
#include <system_error>
#include <utility>

#include "serialize/pickle_writer.h"
#include "serialize/write_checkpoint.h"

namespace wick {
namespace {

// The bytes as they are when the device gets there: after what it has been given so far.
std::shared_ptr<Storage> copy_of(const Storage& storage) {
  auto copy = std::make_shared<Storage>(storage.bytes(), storage.backend());
  const Dims shape = {static_cast<std::int64_t>(storage.bytes())};
  if (storage.data() != nullptr && storage.bytes() != 0) {
    storage.backend().copy_strided({copy->data(), DType::uint8, shape, {1}},
                                   {storage.data(), DType::uint8, shape, {1}});
  }
  return copy;
}

}  // namespace

BackgroundSaver::~BackgroundSaver() {
  if (writer_.joinable()) writer_.join();
}

void BackgroundSaver::save(const Value& value, const std::filesystem::path& path,
                           const SaveOptions& options) {
  wait();
  Pickled pickled = pickle_value(value);
  for (auto& storage : pickled.storages) storage = copy_of(*storage);
  const auto content = std::make_shared<const Pickled>(std::move(pickled));
  const auto write = [this, content, path, options] {
    try {
      write_checkpoint(*content, path, options);
    } catch (...) {
      failure_ = std::current_exception();
    }
  };
  try {
    writer_ = std::thread(write);
  } catch (const std::system_error&) {
    write();  // the system gives no more threads
  }
}

void BackgroundSaver::wait() {
  if (writer_.joinable()) writer_.join();
  if (failure_ != nullptr) std::rethrow_exception(std::exchange(failure_, nullptr));
}

}  // namespace wick
