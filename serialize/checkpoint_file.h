// SPDX-License-Identifier: MIT
// A checkpoint that is opened, not loaded: what is in it is known, tensors come when asked for.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/core/state_dict.h"
#include "wick/core/value.h"
#include "wick/serialize/foreign_objects.h"
#include "wick/serialize/map_location.h"
#include "wick/serialize/tensor_info.h"

namespace wick {

struct OpenOptions {
  /// Tensors on the CPU are the file's own bytes, mapped copy-on-write: nothing is read before it
  /// is touched, and writing to a tensor never changes the file. Where a record is deflated,
  /// big-endian or not aligned to 64 bytes, and with mmap = false, a copy is read instead.
  ///
  /// While such a tensor lives, the file must be left alone or replaced whole (renamed over, as
  /// save() does): what is written into it may show in the tensor, and using bytes that were cut
  /// off ends the process (SIGBUS).
  bool mmap = true;
  /// Check the CRC-32 of a mapped record when its first tensor is asked for, which reads it once. A
  /// record that is copied is always checked.
  bool verify = false;
  /// As LoadOptions::placeholders in load_options.h. Tensors that were arrays of NumPy have their
  /// elements in tree() already.
  bool placeholders = false;
  /// Read on where a CRC-32 is not the recorded one, as with LoadOptions::verify = false: none is
  /// compared then, whatever else asks for it.
  bool ignore_crc = false;
};

struct LoadIntoOptions {
  /// Only tensors whose name begins so are looked at, and the rest of their name counts: "model.".
  std::string prefix;
  /// Missing and unexpected names are errors; else they are only reported.
  bool strict = true;
  /// Check every record that is needed before the first element changes.
  bool verify = true;
};

/// What load_into() did not find, or did not use.
struct LoadIntoReport {
  std::vector<std::string> missing_keys;
  std::vector<std::string> unexpected_keys;
};

/// An open checkpoint of save() or of torch.save since PyTorch 1.6. Opening reads the directory and
/// data.pkl, no storage: it takes as long for a large file as for a small one with as many tensors.
///
/// Tensors that share a storage in the file share it here, as long as one of them lives. They may
/// outlive the CheckpointFile.
///
/// Errors: IoError where the file cannot be read or has shrunk, FormatError where it is damaged,
/// DeviceError where a tensor's device is not there, StateDictError for names.
/// Thread safety: const members may be called from several threads.
class WICK_API CheckpointFile {
 public:
  /// `map_location` as in load().
  [[nodiscard]] static CheckpointFile open(const std::filesystem::path& path,
                                           const MapLocation& map_location = {},
                                           const OpenOptions& options = {});
  CheckpointFile(const CheckpointFile&) = delete;
  CheckpointFile& operator=(const CheckpointFile&) = delete;
  CheckpointFile(CheckpointFile&&) noexcept;
  CheckpointFile& operator=(CheckpointFile&&) noexcept;
  ~CheckpointFile();

  /// Every tensor, in the order of the file.
  [[nodiscard]] const std::vector<TensorInfo>& tensors() const noexcept;
  /// Every storage that is a value itself, in the order of the file.
  [[nodiscard]] const std::vector<StorageInfo>& storages() const noexcept;
  /// Records that are longer than the storage that the pickle announces, by less than an element:
  /// their last bytes belong to no tensor. In the order of the file.
  [[nodiscard]] std::vector<std::string> longer_records() const;
  /// Bytes of the file behind the archive, which are passed over.
  [[nodiscard]] std::uint64_t trailing_bytes() const noexcept;
  /// Null where there is none. Throws StateDictError where two have that name ({"a.b": t} and
  /// {"a": {"b": t}}): then tree() tells them apart.
  [[nodiscard]] const TensorInfo* find(std::string_view name) const;
  /// The whole value, its tensors on the device "meta": all but their elements. Do not change it.
  /// Where it may contain itself, whoever is done with it calls take_apart() (core/containers.h).
  [[nodiscard]] const Value& tree() const noexcept;
  /// What was made of NumPy's objects, where placeholders are admitted.
  [[nodiscard]] const ForeignObjects& foreign_objects() const noexcept;

  /// One tensor with its elements, by its name or by its handle in tree().
  [[nodiscard]] Tensor tensor(std::string_view name) const;
  [[nodiscard]] Tensor tensor(const Tensor& described) const;
  /// One of the tree()'s storages (Value::as_storage()) with its bytes.
  [[nodiscard]] StorageObject storage(const StorageObject& described) const;
  /// Every storage of the file that tree()'s tensors and storages lie in, also of those in
  /// attributes, which have no names. storage() gives its bytes.
  [[nodiscard]] std::vector<DescribedStorage> described_storages() const;
  /// Several, in that order. Throws StateDictError that lists all names that are not there.
  [[nodiscard]] StateDict load_subset(std::span<const std::string> names) const;
  /// Everything, as load() gives it.
  [[nodiscard]] Value value() const;

  /// Copies elements from the file into the tensors of `target` (a module's state_dict() shares its
  /// parameters): straight into their memory where both are contiguous, of one dtype and on the
  /// CPU; else through a copy that converts dtype and device, as load_state_dict() does.
  ///
  /// Where names, shapes or dtypes do not fit, throws StateDictError that lists all of it;
  /// where a record is damaged, FormatError; in both cases nothing was changed. Without `verify`,
  /// damage is not looked for in what is read straight.
  LoadIntoReport load_into(const StateDict& target, const LoadIntoOptions& options = {}) const;

  /// Reads every record of the file and checks its CRC-32. Throws FormatError, ChecksumError for a
  /// CRC-32 (never after `ignore_crc`).
  void verify() const;

 private:
  struct Impl;
  explicit CheckpointFile(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

}  // namespace wick
