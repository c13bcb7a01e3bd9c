// SPDX-License-Identifier: MIT
// Numbers of the ZIP format (PKWARE's APPNOTE) that the reader and the writer share.
#pragma once

#include <cstdint>

namespace wick::zip {

inline constexpr std::uint32_t kLocalHeaderSignature = 0x04034b50;
inline constexpr std::uint32_t kDescriptorSignature = 0x08074b50;
inline constexpr std::uint32_t kCentralHeaderSignature = 0x02014b50;
inline constexpr std::uint32_t kZip64EndSignature = 0x06064b50;
inline constexpr std::uint32_t kZip64LocatorSignature = 0x07064b50;
inline constexpr std::uint32_t kEndSignature = 0x06054b50;

// Bytes of the fixed parts, signatures included.
inline constexpr std::uint64_t kLocalHeaderBytes = 30;
inline constexpr std::uint64_t kCentralHeaderBytes = 46;
inline constexpr std::uint64_t kZip64EndBytes = 56;
inline constexpr std::uint64_t kZip64LocatorBytes = 20;
inline constexpr std::uint64_t kEndBytes = 22;
inline constexpr std::uint64_t kEndSignatureBytes = 4;
inline constexpr std::uint64_t kMaxCommentBytes = 0xFFFF;

inline constexpr std::uint16_t kFlagEncrypted = 0x0001;
inline constexpr std::uint16_t kFlagDescriptor = 0x0008;  // CRC and sizes follow the data
inline constexpr std::uint16_t kFlagUtf8 = 0x0800;        // names are UTF-8

inline constexpr std::uint16_t kMethodStored = 0;
inline constexpr std::uint16_t kMethodDeflated = 8;

inline constexpr std::uint16_t kExtraZip64 = 0x0001;
inline constexpr std::uint16_t kExtraPadding = 0x4246;  // "FB": PyTorch's padding

// A field with this value is found in the ZIP64 extra field instead.
inline constexpr std::uint32_t kInZip64 = 0xFFFFFFFF;
inline constexpr std::uint16_t kCountInZip64 = 0xFFFF;

}  // namespace wick::zip
