// SPDX-License-Identifier: MIT
#include "wick/serialize/background_saver.h"

#include <algorithm>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "serialize/pickle_writer.h"
#include "serialize/write_checkpoint.h"
#include "wick/core/backend.h"
#include "wick/core/backend/memory.h"

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

// The copies on a device are made in the order of the caller's work there, which is not the
// writer's.
struct Copied {
  Backend* backend;
  std::unique_ptr<DeviceEvent> event;
};

std::vector<Copied> record_copies(const Pickled& pickled) {
  std::vector<Copied> copied;
  for (const auto& storage : pickled.storages) {
    Backend* const backend = &storage->backend();
    if (std::ranges::find(copied, backend, &Copied::backend) != copied.end()) continue;
    copied.push_back({backend, backend->record_event()});
  }
  return copied;
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
  // Shared: a thread that cannot be made must leave it to the call below.
  struct Work {
    Pickled pickled;
    std::vector<Copied> copied;
  };
  auto work = std::make_shared<Work>();
  work->pickled = std::move(pickled);
  work->copied = record_copies(work->pickled);
  const auto write = [this, work = std::shared_ptr<const Work>(std::move(work)), path, options] {
    try {
      // Before they are read, and before this thread frees them.
      for (const auto& [backend, event] : work->copied) backend->wait_event(event.get());
      write_checkpoint(work->pickled, path, options);
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
