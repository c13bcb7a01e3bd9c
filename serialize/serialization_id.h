// SPDX-License-Identifier: MIT
// The record .data/serialization_id, by which PyTorch tells archives apart.
#pragma once

#include <string>
#include <vector>

#include "serialize/zip_writer.h"

namespace wick {

/// Forty digits from the names and the checksums of the records so far, as torch.save computes
/// them: the same content, the same text.
[[nodiscard]] std::string serialization_id(const std::vector<ZipWriter::Record>& records);

}  // namespace wick
