// SPDX-License-Identifier: MIT
// CRC-32 by libdeflate.
#include "tools/data/checksum.h"

#include <libdeflate.h>

namespace wick::tools {

std::uint32_t crc32_of(const Tensor& tensor, std::uint32_t before) {
  const Tensor host = tensor.to(kCpu).contiguous();
  // A null address would reset libdeflate's running value.
  return host.numel() == 0 ? before : libdeflate_crc32(before, host.raw(), host.nbytes());
}

}  // namespace wick::tools
