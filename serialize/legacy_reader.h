// SPDX-License-Identifier: MIT
// Reads torch.save's format of PyTorch 0.2 to 1.5: pickles one after the other, then the storages.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "serialize/input_file.h"
#include "serialize/number_change.h"
#include "wick/core/value.h"
#include "wick/serialize/foreign_objects.h"
#include "wick/serialize/map_location.h"
#include "wick/serialize/tensor_info.h"

namespace wick {

/// True where the file begins with the pickled number that marks the format.
[[nodiscard]] bool looks_like_legacy(const InputFile& file);

/// The value, as load() gives it. Memory is bounded by the file's size, whatever it claims. Bytes
/// behind the last storage are passed over, as by torch.load: a file may hold several values.
/// Throws FormatError naming the file, the part of it and the offset, and DeviceError.
[[nodiscard]] Value load_legacy(const InputFile& file, const MapLocation& map_location,
                                ForeignObjects* foreign = nullptr);

/// One storage of such a file.
struct LegacyStorage {
  std::string key;
  std::uint64_t offset = 0;  // of its bytes in the file
  std::uint64_t bytes = 0;
  std::string location;  // the device that it was saved from
  // As it is, with its lazily conjugated views resolved, or both.
  struct Copy {
    std::shared_ptr<Storage> storage;
    NumberChange change;
  };
  std::vector<Copy> copies = {};
};

/// A file of that format that is opened, not loaded: opening reads the pickles and eight bytes of
/// each storage. Throws as load_legacy(). Thread safety: const members from several threads.
class LegacyFile {
 public:
  /// `placeholders` as in LoadOptions.
  explicit LegacyFile(std::filesystem::path path, bool placeholders = false);
  LegacyFile(const LegacyFile&) = delete;
  LegacyFile& operator=(const LegacyFile&) = delete;
  ~LegacyFile();

  /// The value, its tensors on the device "meta". Do not change it.
  [[nodiscard]] const Value& tree() const noexcept { return tree_; }
  /// What was made of NumPy's objects, where placeholders are admitted.
  [[nodiscard]] const ForeignObjects& foreign_objects() const noexcept { return foreign_; }
  /// The storage in which one of the tree's tensors or storages lies; null for a tensor that was
  /// on the device "meta" when it was saved, and for an array of NumPy, which has its elements.
  [[nodiscard]] const LegacyStorage* find(const Storage* described) const;
  /// Every storage that the tree's tensors and storages lie in, also those in attributes.
  [[nodiscard]] std::vector<DescribedStorage> described_storages() const;
  /// One of the tree's, with its elements, on the CPU. Those that share a storage share it here, as
  /// long as one of them lives.
  [[nodiscard]] Tensor tensor(const Tensor& described) const;
  [[nodiscard]] StorageObject storage(const StorageObject& described) const;
  [[nodiscard]] const InputFile& file() const noexcept { return file_; }
  /// Bytes behind the last storage.
  [[nodiscard]] std::uint64_t trailing_bytes() const noexcept { return trailing_bytes_; }
  /// What the pickle of the value takes.
  [[nodiscard]] std::uint64_t pickle_bytes() const noexcept { return pickle_bytes_; }

 private:
  struct Place {
    std::size_t storage = 0;  // of storages_
    std::size_t copy = 0;
  };
  [[nodiscard]] std::shared_ptr<Storage> read(const Storage* described) const;

  InputFile file_;
  bool placeholders_;
  ForeignObjects foreign_;
  Value tree_;
  std::vector<LegacyStorage> storages_;
  std::uint64_t trailing_bytes_ = 0;
  std::uint64_t pickle_bytes_ = 0;
  std::unordered_map<const Storage*, Place> places_;
  mutable std::mutex mutex_;  // of what follows
  mutable std::unordered_map<const Storage*, std::weak_ptr<Storage>> known_;
};

}  // namespace wick
