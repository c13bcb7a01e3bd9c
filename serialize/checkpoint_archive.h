// SPDX-License-Identifier: MIT
// An opened file of torch.save: its records, its byte order and its pickle.
#pragma once

#include <filesystem>
#include <string>

#include "serialize/input_file.h"
#include "serialize/torch_rebuild.h"
#include "serialize/zip_reader.h"
#include "wick/core/value.h"
#include "wick/serialize/foreign_objects.h"
#include "wick/serialize/load_options.h"
#include "wick/serialize/tensor_info.h"

namespace wick {

/// Reads the directory and the few small records that say how to read the others. Throws IoError
/// and FormatError. Thread safety: const members may be called from several threads.
class CheckpointArchive {
 public:
  explicit CheckpointArchive(const std::filesystem::path& path, const LoadOptions& options = {});

  [[nodiscard]] const InputFile& file() const noexcept { return file_; }
  [[nodiscard]] const ZipReader& zip() const noexcept { return zip_; }
  /// What stands before '/' in every record.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] bool big_endian() const noexcept { return big_endian_; }
  /// The value of data.pkl, its tensors over what `storages` gives; `foreign` as in
  /// unpickle_value().
  [[nodiscard]] Value unpickle(const StorageSource& storages,
                               ForeignObjects* foreign = nullptr) const;
  /// The tensors and storages of that value, by their names. Throws FormatError where these are out
  /// of all proportion.
  [[nodiscard]] NamedObjects named(const Value& value) const;

 private:
  InputFile file_;
  ZipReader zip_;
  std::string name_;
  bool big_endian_ = false;
};

}  // namespace wick
