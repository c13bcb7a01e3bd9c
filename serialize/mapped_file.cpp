// SPDX-License-Identifier: MIT
#include "serialize/mapped_file.h"

#include <cerrno>
#include <system_error>

#include <sys/mman.h>

#include "wick/core/error.h"

namespace wick {

MappedFile::MappedFile(const InputFile& file) {
  file.require_size();
  if (file.size() == 0) return;
  // Without a reservation, since pages that nobody writes need no memory of their own: else a file
  // larger than the memory could not be mapped.
  void* const data = ::mmap(nullptr, static_cast<std::size_t>(file.size()), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_NORESERVE, file.descriptor(), 0);
  if (data == MAP_FAILED) {
    throw IoError(concat("cannot map ", file.path(),
                         " into memory: ", std::generic_category().message(errno),
                         "; open it with mmap = false to read it instead"));
  }
  data_ = static_cast<char*>(data);
  size_ = static_cast<std::size_t>(file.size());
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace wick
