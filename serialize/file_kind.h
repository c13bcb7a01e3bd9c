// SPDX-License-Identifier: MIT
// Says what a file that is no checkpoint is.
#pragma once

#include <filesystem>
#include <string>

#include "serialize/input_file.h"
#include "serialize/zip_reader.h"
#include "wick/core/error.h"

namespace wick {

/// True where it begins like a ZIP archive, which an empty one does too.
[[nodiscard]] bool looks_like_zip(const InputFile& file);

/// "file X: not a checkpoint: it is empty", "...: it is compressed by gzip; decompress it first":
/// for a file that does not begin as one that wick reads, or not as one that the caller reads.
[[nodiscard]] FormatError foreign_file(const InputFile& file);
/// True for an archive of NumPy's arrays: it has no records at all, or a record called "*.npy" and
/// none that shows a file of torch.save, a program of PyTorch or a Keras model.
[[nodiscard]] bool is_npz(const ZipReader& zip);
/// The same as foreign_file() for an archive without the records of torch.save: a TorchScript
/// program, an exported program, a package, a Keras model.
[[nodiscard]] FormatError foreign_archive(const ZipReader& zip, const InputFile& file);

/// Throws FormatError for what shows before a file is opened: that it is a folder (of
/// torch.distributed.checkpoint, of another kind), or a part of such a folder.
void refuse_foreign_path(const std::filesystem::path& path);

}  // namespace wick
