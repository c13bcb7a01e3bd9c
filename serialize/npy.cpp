// SPDX-License-Identifier: MIT
#include "wick/serialize/npy.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "serialize/atomic_file.h"
#include "serialize/file_kind.h"
#include "serialize/input_file.h"
#include "serialize/npy_header.h"
#include "serialize/tensor_bytes.h"
#include "serialize/utf8.h"
#include "serialize/zip_format.h"
#include "serialize/zip_reader.h"
#include "serialize/zip_writer.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"

namespace wick {
namespace {

constexpr std::string_view kSuffix = ".npy";
constexpr std::uint64_t kAlignment = 64;  // that Backend::allocate() promises too

// In Fortran's order the elements are those of the array with its dimensions reversed.
Dims stored_shape(const NpyHeader& header) {
  Dims shape = header.shape;
  if (header.fortran_order) std::reverse(shape.begin(), shape.end());
  return shape;
}

Tensor in_index_order(const Tensor& stored, const NpyHeader& header) {
  if (!header.fortran_order || header.shape.size() < 2) return stored;
  Dims order;
  for (std::int64_t dim = stored.dim(); dim-- > 0;) order.push_back(dim);
  return stored.permute(order);
}

std::string beginning(const InputFile& file) {
  std::string bytes(static_cast<std::size_t>(std::min(file.size(), kMaxNpyHeader)), '\0');
  file.read_at(0, bytes);
  return bytes;
}

// Of an array in an archive: its header and no more, however long the array is.
std::string beginning(const ZipReader& zip, const ZipEntry& record) {
  constexpr std::uint64_t kUsual = 128;  // what NumPy writes for all but odd arrays
  std::string bytes = zip.read_beginning(record, kUsual);
  const std::uint64_t header = npy_header_bytes(bytes);
  if (header > bytes.size()) {
    bytes = zip.read_beginning(record, std::min(header, kMaxNpyHeader));
  }
  return bytes;
}

// How many of `size` bytes follow the array. Throws FormatError where it is cut off.
std::uint64_t bytes_behind(const NpyHeader& header, std::uint64_t size, const std::string& where) {
  const std::uint64_t there = size - header.header_bytes;
  if (there >= header.data_bytes) return there - header.data_bytes;
  throw FormatError(concat(where, ", offset ", header.header_bytes, ": ", there,
                           " bytes are not the ", header.data_bytes, " of ", header.dtype, ' ',
                           header.shape));
}

// For messages: in quotes, cut, without bytes that are no printable ASCII.
std::string printable(std::string_view name) {
  std::string text = "\"";
  for (const char c : name.substr(0, 80)) text += c >= ' ' && c <= '~' ? c : '?';
  return text + (name.size() > 80 ? "\"..." : "\"");
}

// One that numpy.load and a ZIP archive's reader give back as it is.
void check_npz_name(const std::string& name, const StateDict& state) {
  const std::string quoted = printable(name);
  const auto fail = [&quoted](std::string_view why) {
    throw ValueError(concat("NumPy archive: no array can be called ", quoted, ": ", why));
  };
  if (!is_strict_utf8(name)) fail("the name is not UTF-8, or holds half a surrogate pair");
  if (name.find('\0') != std::string::npos) fail("numpy.load reads a name up to its first NUL");
  if (name.size() + kSuffix.size() > 0xFFFF) fail("a ZIP archive's names have at most 65535 bytes");
  if (state.contains(name + std::string(kSuffix))) {
    fail(concat("numpy.load would give it for ", printable(name + std::string(kSuffix)),
                " as well, which is another array"));
  }
}

// Under which numpy.load gives a record. Distinct records have distinct ones.
std::string array_name(const ZipReader& zip, const ZipEntry& record) {
  if (!record.name.ends_with(kSuffix)) return record.name;
  std::string name = record.name.substr(0, record.name.size() - kSuffix.size());
  return zip.find(name) == nullptr ? name : record.name;
}

void require_npz(const ZipReader& zip) {
  if (is_npz(zip)) return;
  for (const ZipEntry& record : zip.entries()) {
    if (record.name.ends_with(kSuffix)) continue;
    throw FormatError(
        concat(zip.describe(record), ": no array: its name does not end in \".npy\""));
  }
}

}  // namespace

struct NpyFile::Impl {
  explicit Impl(std::filesystem::path path);

  InputFile file;
  NpyHeader header;
  std::uint64_t trailing_bytes = 0;
};

NpyFile::Impl::Impl(std::filesystem::path path) : file(std::move(path)) {
  const std::string where = concat("file ", file.path());
  try {
    header = parse_npy_header(beginning(file), where);
  } catch (const DTypeError& error) {
    throw FormatError(error.what());
  }
  trailing_bytes = bytes_behind(header, file.size(), where);
}

NpyFile::NpyFile(std::filesystem::path path)
    : impl_(std::make_unique<const Impl>(std::move(path))) {}
NpyFile::NpyFile(NpyFile&&) noexcept = default;
NpyFile& NpyFile::operator=(NpyFile&&) noexcept = default;
NpyFile::~NpyFile() = default;

const NpyHeader& NpyFile::header() const noexcept {
  return impl_->header;
}

std::uint64_t NpyFile::trailing_bytes() const noexcept {
  return impl_->trailing_bytes;
}

Tensor NpyFile::read(Device device) const {
  const NpyHeader& array = header();
  return in_index_order(read_elements(impl_->file, array.header_bytes, array.dtype,
                                      stored_shape(array), device, array.big_endian),
                        array);
}

struct NpzFile::Impl {
  Impl(std::filesystem::path path, const LoadOptions& options);

  [[nodiscard]] Tensor unpack(const Entry& entry, Device device) const;
  [[nodiscard]] Tensor read_in_pieces(const Entry& entry, Device device) const;

  InputFile file;
  ZipReader zip;
  std::vector<Entry> entries;
  std::vector<Other> others;
};

NpzFile::Impl::Impl(std::filesystem::path path, const LoadOptions& options)
    : file(std::move(path)), zip(file, options.verify) {
  require_npz(zip);
  for (const ZipEntry& record : zip.entries()) {
    const std::string where = zip.describe(record);
    const std::string start = beginning(zip, record);
    Entry entry;
    entry.name = array_name(zip, record);
    if (!is_npy(start)) {
      others.push_back({std::move(entry.name),
                        concat(where, ": no array: it does not begin with \"\\x93NUMPY\""), false});
      continue;
    }
    try {
      entry.header = parse_npy_header(start, where);
    } catch (const DTypeError& error) {
      others.push_back({std::move(entry.name), error.what()});
      continue;
    }
    entry.trailing_bytes = bytes_behind(entry.header, record.size, where);
    entry.record = &record;
    entries.push_back(std::move(entry));
  }
}

NpzFile::NpzFile(std::filesystem::path path, const LoadOptions& options)
    : impl_(std::make_unique<const Impl>(std::move(path), options)) {}
NpzFile::NpzFile(NpzFile&&) noexcept = default;
NpzFile& NpzFile::operator=(NpzFile&&) noexcept = default;
NpzFile::~NpzFile() = default;

const std::vector<NpzFile::Entry>& NpzFile::entries() const noexcept {
  return impl_->entries;
}

const std::vector<NpzFile::Other>& NpzFile::others() const noexcept {
  return impl_->others;
}

std::uint64_t NpzFile::trailing_bytes() const noexcept {
  return impl_->zip.trailing_bytes();
}

const NpzFile::Entry* NpzFile::find(std::string_view name) const {
  const auto found = std::ranges::find(entries(), name, &Entry::name);
  return found == entries().end() ? nullptr : &*found;
}

Tensor NpzFile::read(const Entry& entry, Device device) const {
  // unpack() leaves the whole record in memory; what is beside the elements may be far larger.
  const bool is_array_mostly = entry.record->size / 2 <= entry.header.data_bytes;
  const Tensor stored = entry.record->method == zip::kMethodDeflated && is_array_mostly
                            ? impl_->unpack(entry, device)
                            : impl_->read_in_pieces(entry, device);
  return in_index_order(stored, entry.header);
}

// Into the memory that the tensor keeps, so that the elements are there once.
Tensor NpzFile::Impl::unpack(const Entry& entry, Device device) const {
  const NpyHeader& header = entry.header;
  zip.check(*entry.record);  // before memory is taken for what it claims
  const std::uint64_t skip = (kAlignment - header.header_bytes % kAlignment) % kAlignment;
  const auto storage = std::make_shared<Storage>(
      static_cast<std::size_t>(skip + entry.record->size), backend_for(kCpu));
  zip.read_into(*entry.record, {static_cast<char*>(storage->data()) + skip,
                                static_cast<std::size_t>(entry.record->size)});
  return elements_in(storage, static_cast<std::size_t>(skip + header.header_bytes), header.dtype,
                     stored_shape(header), device, header.big_endian);
}

Tensor NpzFile::Impl::read_in_pieces(const Entry& entry, Device device) const {
  const NpyHeader& header = entry.header;
  TensorFiller filler(header.dtype, stored_shape(header), device, header.big_endian);
  std::uint64_t skip = header.header_bytes;
  std::uint64_t left = header.data_bytes;
  std::string rest;  // of a number that a piece cut through
  zip.read_pieces(*entry.record, [&](std::string_view piece) {
    const std::uint64_t skipped = std::min<std::uint64_t>(skip, piece.size());
    skip -= skipped;
    piece.remove_prefix(static_cast<std::size_t>(skipped));
    piece = piece.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left, piece.size())));
    left -= piece.size();
    rest.append(piece);
    const std::size_t whole = rest.size() - rest.size() % size_of(header.dtype);
    filler.append(std::string_view(rest).substr(0, whole));
    rest.erase(0, whole);
  });
  return filler.finish();
}

StateDict NpzFile::read_all(Device device) const {
  if (!others().empty()) throw FormatError(others().front().problem);
  StateDict state;
  for (const Entry& entry : entries()) state.set(entry.name, read(entry, device));
  return state;
}

Tensor load_npy(const std::filesystem::path& path, Device device) {
  return NpyFile(path).read(device);
}

StateDict load_npz(const std::filesystem::path& path, Device device, const LoadOptions& options) {
  return NpzFile(path, options).read_all(device);
}

void write_npy(const Tensor& tensor, const ByteSink& sink, const TensorReader& read) {
  sink(make_npy_header(tensor.dtype(), tensor.shape()));
  write_elements(tensor, sink, read);
}

void write_npz(const StateDict& state, const ByteSink& sink, const TensorReader& read) {
  std::vector<std::string> headers;  // all, so that what cannot be written shows first
  for (const auto& [name, tensor] : state) {
    check_npz_name(name, state);
    try {
      headers.push_back(make_npy_header(tensor.dtype(), tensor.shape()));
    } catch (const DTypeError& error) {
      throw with_remedy_of<DTypeError>(error, concat("tensor \"", name, "\": ", error.problem()));
    }
  }
  ZipWriter zip(sink, "");
  auto header = headers.begin();
  for (const auto& [name, tensor] : state) {
    zip.begin(name + std::string(kSuffix), header->size() + tensor.nbytes());
    zip.append(*header++);
    write_elements(
        tensor, [&zip](std::string_view bytes) { zip.append(bytes); }, read);
    zip.end();
  }
  zip.finish();
}

namespace {

void save_with(const std::filesystem::path& path,
               const std::function<void(const ByteSink&)>& write) {
  AtomicFile file(path);
  write([&file](std::string_view bytes) { file.write(bytes); });
  file.commit();
}

}  // namespace

void save_npy(const Tensor& tensor, const std::filesystem::path& path) {
  static_cast<void>(make_npy_header(tensor.dtype(), tensor.shape()));
  save_with(path, [&](const ByteSink& sink) { write_npy(tensor, sink); });
}

void save_npz(const StateDict& state, const std::filesystem::path& path) {
  save_with(path, [&](const ByteSink& sink) { write_npz(state, sink); });
}

}  // namespace wick
