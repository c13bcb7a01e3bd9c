// SPDX-License-Identifier: MIT
// Reads and writes NumPy's arrays: .npy holds one, .npz several with names.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/core/dims.h"
#include "wick/core/dtype.h"
#include "wick/core/state_dict.h"
#include "wick/core/tensor.h"
#include "wick/serialize/byte_sink.h"
#include "wick/serialize/load_options.h"

namespace wick {

struct ZipEntry;

/// What the header of an array says.
struct NpyHeader {
  DType dtype = DType::float32;
  bool big_endian = false;
  bool fortran_order = false;  // the first index runs fastest
  Dims shape;
  std::uint64_t header_bytes = 0;  // in front of the elements
  std::uint64_t data_bytes = 0;    // of the elements
};

/// An open .npy file: its header is read and checked, and that its elements are there. As for
/// numpy.load, more may follow, such as the next array where numpy.save was called several times
/// with one file. Throws IoError and FormatError. Thread safety: const members from several
/// threads.
class WICK_API NpyFile {
 public:
  explicit NpyFile(std::filesystem::path path);
  NpyFile(const NpyFile&) = delete;
  NpyFile& operator=(const NpyFile&) = delete;
  NpyFile(NpyFile&&) noexcept;
  NpyFile& operator=(NpyFile&&) noexcept;
  ~NpyFile();

  [[nodiscard]] const NpyHeader& header() const noexcept;
  /// In the machine's byte order; an array in Fortran's order comes back as a view with its
  /// strides.
  [[nodiscard]] Tensor read(Device device = kCpu) const;
  /// Bytes of the file behind the array, which are passed over.
  [[nodiscard]] std::uint64_t trailing_bytes() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

/// An open .npz archive, as numpy.savez and numpy.savez_compressed write it: a record
/// "<name>.npy" for each array. As for numpy.load, other records may lie beside arrays, and a
/// record is an array where it begins as a .npy file. Opening reads and checks the headers. Throws
/// IoError and FormatError; archives without any record called "*.npy", and those of torch.save,
/// are refused. Thread safety: const members from several threads.
class WICK_API NpzFile {
 public:
  /// An array of the archive.
  struct Entry {
    std::string name;  // without ".npy", unless another record is called that
    NpyHeader header;
    const ZipEntry* record = nullptr;  // private to read(); valid while the file is open
    std::uint64_t trailing_bytes = 0;  // of the record, behind the array; they are passed over
  };

  /// An array that no tensor can hold (of texts, Python objects, structures), or a record that is
  /// none.
  struct Other {
    std::string name;      // as of an Entry
    std::string problem;   // the message of the error that reading it would be
    bool is_array = true;  // else numpy.load gives its bytes
  };

  explicit NpzFile(std::filesystem::path path, const LoadOptions& options = {});
  NpzFile(const NpzFile&) = delete;
  NpzFile& operator=(const NpzFile&) = delete;
  NpzFile(NpzFile&&) noexcept;
  NpzFile& operator=(NpzFile&&) noexcept;
  ~NpzFile();

  [[nodiscard]] const std::vector<Entry>& entries() const noexcept;
  /// The records that are not among entries(), in the order of the archive.
  [[nodiscard]] const std::vector<Other>& others() const noexcept;
  /// Null where there is none.
  [[nodiscard]] const Entry* find(std::string_view name) const;
  /// Reads one of entries() and checks its CRC-32, unless the options say not to.
  [[nodiscard]] Tensor read(const Entry& entry, Device device = kCpu) const;
  /// Bytes of the file behind the archive, which are passed over.
  [[nodiscard]] std::uint64_t trailing_bytes() const noexcept;
  /// Reads all, in the order of the archive. Throws FormatError where there are others().
  [[nodiscard]] StateDict read_all(Device device = kCpu) const;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

[[nodiscard]] WICK_API Tensor load_npy(const std::filesystem::path& path, Device device = kCpu);
[[nodiscard]] WICK_API StateDict load_npz(const std::filesystem::path& path, Device device = kCpu,
                                          const LoadOptions& options = {});

/// The bytes that numpy.save writes for the array in C order. Throws DTypeError for a dtype that
/// NumPy does not have: bfloat16, float8, complex32.
/// With `read`, the elements are those that it gives.
WICK_API void write_npy(const Tensor& tensor, const ByteSink& sink, const TensorReader& read = {});
/// An uncompressed archive that numpy.load opens. Throws DTypeError as above, naming the tensor,
/// and ValueError for names that numpy.load or a ZIP archive would not give back as they are: empty
/// ones, ones with a NUL or a single surrogate, and two of which one is the other with ".npy".
WICK_API void write_npz(const StateDict& state, const ByteSink& sink,
                        const TensorReader& read = {});
/// To a file that appears whole or not at all (see AtomicFile). Throw IoError.
WICK_API void save_npy(const Tensor& tensor, const std::filesystem::path& path);
WICK_API void save_npz(const StateDict& state, const std::filesystem::path& path);

}  // namespace wick
