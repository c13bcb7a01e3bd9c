// SPDX-License-Identifier: MIT
// A file that appears whole or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace wick {

/// Collects bytes in a temporary file beside `path` (".wick-<host>-<random>.tmp"); commit() syncs
/// it to the disk and renames it to `path`. Until then what was at `path` stays as it was, and
/// whatever happens before (an exception, a full disk, destruction) the temporary file is removed.
/// A process that is killed leaves the temporary file behind, never half a file at `path`; the next
/// AtomicFile of the same user and host in that directory removes it (see temporary_file.h).
///
/// Symbolic links at `path` are followed to their end, also where there is nothing yet: the file
/// appears there, and the links stay. The permissions of a file that was there are kept, without
/// its set-ID bits; its owner and group where the system allows it.
/// Every error is an IoError that names the path and the system's reason.
/// Thread safety: one thread at a time per object.
class AtomicFile {
 public:
  /// Throws where the directory cannot be written, the name is too long, or `path` is something
  /// else than a regular file.
  /// Without `sync` the system writes to the disk when it likes: after a power failure the file may
  /// be lost or empty.
  explicit AtomicFile(const std::filesystem::path& path, bool sync = true);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  /// Appends. Small pieces are gathered into large writes.
  void write(std::string_view bytes);
  /// Bytes given to write() so far.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// Makes the file appear. Call it once, at the end; write() must not follow.
  void commit();

 private:
  void flush();
  void write_through(std::string_view bytes);
  void sync_directory() const;
  void discard() noexcept;
  [[noreturn]] void fail(const char* operation, int code);

  std::filesystem::path path_;
  bool sync_ = true;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
  std::string buffer_;
  std::uint64_t size_ = 0;
};

/// AtomicFile for bytes that are all there.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

}  // namespace wick
