// SPDX-License-Identifier: MIT
#include "wick/serialize/safetensors.h"

#include <unordered_map>

#include "serialize/atomic_file.h"
#include "serialize/byte_reader.h"
#include "serialize/file_kind.h"
#include "serialize/input_file.h"
#include "serialize/mapped_file.h"
#include "serialize/safetensors_header.h"
#include "serialize/tensor_bytes.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/core/keyed_hash.h"

namespace wick {
namespace {

constexpr std::uint64_t kLengthBytes = sizeof(std::uint64_t);

// The header's JSON. Its claimed length is compared with the file's before it is read.
std::string read_header(const InputFile& file, const std::string& where) {
  std::string field(kLengthBytes, '\0');
  if (file.size() < field.size()) {
    throw FormatError(concat(where, ", offset 0: no safetensors file, which begins with ",
                             kLengthBytes, " bytes; it has ", file.size()));
  }
  file.read_at(0, field);
  if (looks_like_zip(file)) {
    throw FormatError(
        concat(where, ": no safetensors file but a ZIP archive, such as torch.save's"),
        Remedy::other_reader, "load() and load_any() read those");
  }
  ByteReader reader(field, where);
  const auto length = reader.read<std::uint64_t>();
  if (length > kMaxSafetensorsHeader) {
    reader.fail_at(0, concat("a header of ", length, " bytes; at most ", kMaxSafetensorsHeader,
                             " are read. Is it a safetensors file?"));
  }
  if (length > file.size() - kLengthBytes) {
    reader.fail_at(0, concat("a header of ", length, " bytes, but the file has ", file.size()));
  }
  std::string json(static_cast<std::size_t>(length), '\0');
  file.read_at(kLengthBytes, json);
  return json;
}

}  // namespace

struct SafetensorsFile::Impl {
  Impl(std::filesystem::path path, bool mmap);

  InputFile file;
  SafetensorsHeader header;
  std::uint64_t data_offset = 0;
  std::shared_ptr<const MappedFile> mapping;  // none: tensors are read
  std::unordered_map<std::string_view, std::size_t, NameHash> index;
};

SafetensorsFile::Impl::Impl(std::filesystem::path path, bool mmap) : file(std::move(path)) {
  const std::string where = concat("file ", file.path());
  const std::string json = read_header(file, where);
  data_offset = kLengthBytes + json.size();
  header = parse_safetensors_header(json, where + ", header", file.size() - data_offset);
  for (std::size_t i = 0; i < header.entries.size(); ++i) {
    index.emplace(header.entries[i].name, i);
  }
  if (mmap && file.size() > data_offset) mapping = std::make_shared<MappedFile>(file);
}

SafetensorsFile::SafetensorsFile(std::filesystem::path path, bool mmap)
    : impl_(std::make_unique<const Impl>(std::move(path), mmap)) {}
SafetensorsFile::SafetensorsFile(SafetensorsFile&&) noexcept = default;
SafetensorsFile& SafetensorsFile::operator=(SafetensorsFile&&) noexcept = default;
SafetensorsFile::~SafetensorsFile() = default;

const std::filesystem::path& SafetensorsFile::path() const noexcept {
  return impl_->file.path();
}

const TextMetadata& SafetensorsFile::metadata() const noexcept {
  return impl_->header.metadata;
}

const std::vector<SafetensorsEntry>& SafetensorsFile::entries() const noexcept {
  return impl_->header.entries;
}

const SafetensorsEntry* SafetensorsFile::find(std::string_view name) const {
  const auto found = impl_->index.find(name);
  return found == impl_->index.end() ? nullptr : &entries()[found->second];
}

Tensor SafetensorsFile::read(const SafetensorsEntry& entry, Device device) const {
  const std::uint64_t offset = impl_->data_offset + entry.begin;
  const bool aligned = offset % size_of(entry.dtype) == 0;
  const auto& mapping = impl_->mapping;
  if (mapping && aligned && device == kCpu && entry.end > entry.begin) {
    auto storage = std::make_shared<Storage>(mapping->data() + offset, entry.end - entry.begin,
                                             backend_for(kCpu), mapping);
    return {std::move(storage), entry.dtype, entry.shape, contiguous_strides(entry.shape), 0};
  }
  return read_elements(impl_->file, offset, entry.dtype, entry.shape, device);
}

Tensor SafetensorsFile::read(std::string_view name, Device device) const {
  const SafetensorsEntry* const entry = find(name);
  if (entry == nullptr) {
    throw StateDictError(concat("no tensor \"", name, "\" in file ", path()));
  }
  return read(*entry, device);
}

StateDict SafetensorsFile::read_all(Device device) const {
  StateDict state;
  for (const SafetensorsEntry& entry : entries()) state.set(entry.name, read(entry, device));
  return state;
}

StateDict load_safetensors(const std::filesystem::path& path, Device device) {
  return SafetensorsFile(path, false).read_all(device);
}

void write_safetensors(const StateDict& state, const ByteSink& sink, const TextMetadata& metadata,
                       const TensorReader& read) {
  const SafetensorsLayout layout = lay_out_safetensors(state, metadata);
  sink(layout.header);
  for (const Tensor& tensor : layout.tensors) write_elements(tensor, sink, read);
}

void save_safetensors(const StateDict& state, const std::filesystem::path& path,
                      const TextMetadata& metadata) {
  const SafetensorsLayout layout = lay_out_safetensors(state, metadata);
  AtomicFile file(path);
  const ByteSink sink = [&file](std::string_view bytes) { file.write(bytes); };
  sink(layout.header);
  for (const Tensor& tensor : layout.tensors) write_elements(tensor, sink);
  file.commit();
}

}  // namespace wick
