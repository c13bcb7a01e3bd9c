// SPDX-License-Identifier: MIT
#include "kernels/meta_backend.h"

#include "wick/core/backend/memory.h"
#include "wick/core/error.h"

namespace wick {
namespace {

class MetaBackend final : public Backend {
 public:
  [[nodiscard]] Device device() const noexcept override { return kMeta; }
  [[nodiscard]] void* allocate(std::size_t /*bytes*/) override { return nullptr; }
  void deallocate(void* /*data*/, std::size_t /*bytes*/) noexcept override {}
  void synchronize() override {}

  void copy_from_host(void*, const void*, std::size_t bytes) override {
    if (bytes != 0) refuse("copy");
  }
  void copy_to_host(void*, const void*, std::size_t bytes) override {
    if (bytes != 0) refuse("copy");
  }
  void zero(void*, std::size_t) override { refuse("zero"); }
  void copy_strided(const StridedRef&, const StridedRef&) override { refuse("copy"); }
  void advance(std::int64_t*) override { refuse("advance"); }

 private:
  [[noreturn]] void refuse(std::string_view operation) const override {
    throw DeviceError(
        concat(operation, ": a tensor on the device \"meta\" has a shape but no elements"));
  }
};

}  // namespace

Backend& meta_backend() {
  // Kept to the end of the process, like the storages that may outlive main().
  static auto* const backend = new MetaBackend();
  return *backend;
}

}  // namespace wick
