// SPDX-License-Identifier: MIT
#include "serialize/file_kind.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>
#include <vector>

namespace wick {
namespace {

using namespace std::string_view_literals;
namespace fs = std::filesystem;

struct Kind {
  std::size_t offset;
  std::string_view magic;
  std::string_view description;
};

constexpr std::string_view kDistributed =
    "of torch.distributed.checkpoint; convert the folder in Python: "
    "torch.distributed.checkpoint.format_utils.dcp_to_torch_save(folder, file)";

constexpr std::array kKinds = {
    Kind{0, "version https://git-lfs.github.com/spec/"sv,
         "it is a Git LFS pointer, which stands for the file; fetch that by git lfs pull"},
    Kind{0, "\x1f\x8b"sv, "it is compressed by gzip; decompress it first"},
    Kind{0, "BZh"sv, "it is compressed by bzip2; decompress it first"},
    Kind{0, "\xfd\x37zXZ\0"sv, "it is compressed by xz; decompress it first"},
    Kind{0, "\x28\xb5\x2f\xfd"sv, "it is compressed by Zstandard; decompress it first"},
    Kind{0, "\x04\x22\x4d\x18"sv, "it is compressed by LZ4; decompress it first"},
    Kind{0, "7z\xbc\xaf\x27\x1c"sv, "it is a 7z archive; unpack it first"},
    Kind{0, "Rar!\x1a\x07"sv, "it is a RAR archive; unpack it first"},
    Kind{
        0, "\x89HDF\r\n"sv,
        "it is an HDF5 file, as Keras writes; read it by h5py, and save its arrays by numpy.savez"},
    Kind{0, "GGUF"sv,
         "it is a GGUF model of llama.cpp, which wick does not read; use the model's original "
         "weights"},
    Kind{0, "lmgg"sv, "it is a GGML model of llama.cpp, which wick does not read"},
    Kind{0, "tjgg"sv, "it is a GGML model of llama.cpp, which wick does not read"},
    Kind{4, "TFL3"sv, "it is a TensorFlow Lite model, which wick does not read"},
    Kind{0, "\x89PNG"sv, "it is a PNG image"},
    Kind{0, "\xff\xd8\xff"sv, "it is a JPEG image"},
    Kind{0, "%PDF"sv, "it is a PDF document"},
    Kind{0, "model_checkpoint_path:"sv,
         "it is the index of a folder of TensorFlow's checkpoints; read them in TensorFlow, and "
         "save "
         "the arrays by numpy.savez"},
};

std::string read_part(const InputFile& file, std::uint64_t offset, std::uint64_t count) {
  const std::uint64_t from = std::min(file.size(), offset);
  std::string bytes(static_cast<std::size_t>(std::min(file.size() - from, count)), '\0');
  file.read_at(from, bytes);
  return bytes;
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

bool is_markup(std::string_view start) {
  if (start.starts_with("\xef\xbb\xbf"sv)) start.remove_prefix(3);
  const std::size_t first = start.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return false;
  const std::string lower = lower_case(start.substr(first, 200));
  return lower.starts_with("<!doctype html") || lower.starts_with("<html") ||
         lower.starts_with("<head") || lower.starts_with("<!--") || lower.starts_with("<?xml");
}

bool is_text(std::string_view start) {
  return std::ranges::all_of(
      start, [](char c) { return (c >= ' ' && c <= '~') || c == '\n' || c == '\r' || c == '\t'; });
}

// A message of Protocol Buffers that begins with ir_version and the producer's name, field 2.
bool is_onnx(std::string_view start) {
  if (start.size() < 8 || start[0] != '\x08' || start[1] < 1 || start[1] > 0x20) return false;
  if (start[2] != '\x12') return false;
  const auto length = static_cast<std::size_t>(static_cast<unsigned char>(start[3]));
  return length > 0 && length < 64 && start.size() >= 4 + length &&
         is_text(start.substr(4, length));
}

// PyTorch 0.1 wrote tar archives of these.
std::string describe_tar(std::string_view start) {
  std::string_view name = start.substr(0, std::min<std::size_t>(start.find('\0'), 100));
  if (name.starts_with("./")) name.remove_prefix(2);
  for (const std::string_view part : {"sys_info", "pickle", "storages", "tensors"}) {
    if (name == part) {
      return "it is a checkpoint of PyTorch 0.1, a tar archive; load it in PyTorch and save it "
             "again";
    }
  }
  return "it is a tar archive; unpack it first";
}

std::string describe_pickle(const InputFile& file) {
  const std::string part = read_part(file, 0, 4096);
  if (part.find("torch.distributed.checkpoint") != std::string::npos) {
    return concat("it is the metadata of a folder ", kDistributed);
  }
  return "it is a bare pickle, as pickle.dump writes; load it in Python and save its tensors by "
         "torch.save";
}

// What helps depends on who reads; the library's functions are named.
std::string_view other_reader(std::string_view start) {
  if (start.starts_with("\x93NUMPY"sv)) return "load_npy";
  const bool safetensors =
      start.size() > 9 && start.substr(4, 4) == std::string_view("\0\0\0\0", 4) && start[8] == '{';
  return safetensors ? "load_safetensors" : "";
}

std::string describe(const InputFile& file, std::string_view start) {
  if (start.empty()) return "it is empty";
  if (start.starts_with('\x80')) return describe_pickle(file);
  for (const Kind& kind : kKinds) {
    if (start.size() > kind.offset && start.substr(kind.offset).starts_with(kind.magic)) {
      return std::string(kind.description);
    }
  }
  if (start.size() >= 262 && start.substr(257).starts_with("ustar")) return describe_tar(start);
  if (is_markup(start)) {
    return "it is an HTML or XML page, such as a login or error page that was saved in the file's "
           "place; download the file again";
  }
  if (is_onnx(start)) {
    return "it is an ONNX model; read it by the package onnx, and save its initializers by "
           "numpy.savez";
  }
  if (read_part(file, file.size() - std::min<std::uint64_t>(file.size(), 8), 8) ==
      "\x57\xfb\x80\x8b\x24\x75\x47\xdb"sv) {
    return "it is the index of a checkpoint of TensorFlow; read it by tf.train.load_checkpoint, "
           "and "
           "save the arrays by numpy.savez";
  }
  if (std::ranges::all_of(start, [](char c) { return c == '\0'; })) {
    return "it begins with zeros only, as a file does that was not written to its end";
  }
  if (is_text(start)) return "it is a text";
  return "it begins like none of the formats that are read";
}

bool has(const ZipReader& zip, std::string_view ending) {
  return std::ranges::any_of(zip.entries(), [ending](const ZipEntry& entry) {
    return entry.name == ending || (entry.name.ends_with(ending) &&
                                    entry.name[entry.name.size() - ending.size() - 1] == '/');
  });
}

// A model as a program, with or without its weights; empty for other archives.
std::string_view describe_model(const ZipReader& zip) {
  if (has(zip, "constants.pkl")) {
    return "a TorchScript program (torch.jit.save), not a file of torch.save; load it by "
           "torch.jit.load, and save its state_dict()";
  }
  if (has(zip, "archive_format") || has(zip, "serialized_exported_program.json") ||
      has(zip, "serialized_state_dict.json")) {
    return "an exported program (torch.export.save), not a file of torch.save; load it by "
           "torch.export.load, and save its state_dict";
  }
  if (has(zip, ".data/extern_modules")) {
    return "a package (torch.package), not a file of torch.save; load the model by "
           "torch.package.PackageImporter, and save its state_dict()";
  }
  if (has(zip, "model.weights.h5")) {
    return "a Keras model; load it by keras.models.load_model, and save model.get_weights() by "
           "numpy.savez";
  }
  return {};
}

}  // namespace

bool looks_like_zip(const InputFile& file) {
  const std::string start = read_part(file, 0, 4);
  // The last is how wick began an archive without records before.
  return start == "PK\x03\x04"sv || start == "PK\x05\x06"sv || start == "PK\x06\x06"sv;
}

FormatError foreign_file(const InputFile& file) {
  const std::string start = read_part(file, 0, 512);
  const std::string what = concat("file ", file.path(), ", offset 0: ");
  if (const std::string_view reader = other_reader(start); !reader.empty()) {
    return {concat(what, "not a file of torch.save: it is a ",
                   reader == "load_npy" ? "NumPy array" : "safetensors file"),
            Remedy::other_reader, concat("load_any and ", reader, " read those")};
  }
  if (looks_like_zip(file)) {
    return {concat(what, "not a file of torch.save: it is a ZIP archive of arrays"),
            Remedy::other_reader, "load_any and load_npz read those"};
  }
  return FormatError(concat(what, "not a checkpoint: ", describe(file, start)));
}

bool is_npz(const ZipReader& zip) {
  const auto has_ending = [&zip](std::string_view ending) {
    return std::ranges::any_of(
        zip.entries(), [ending](const ZipEntry& entry) { return entry.name.ends_with(ending); });
  };
  if (zip.entries().empty()) return true;  // numpy.savez without arrays
  return has_ending(".npy") && !has_ending("/data.pkl") && describe_model(zip).empty();
}

FormatError foreign_archive(const ZipReader& zip, const InputFile& file) {
  const std::string what = concat("file ", file.path(), ": ");
  if (zip.entries().empty()) return FormatError(what + "an empty ZIP archive");
  if (const std::string_view model = describe_model(zip); !model.empty()) {
    return FormatError(concat(what, model));
  }
  if (is_npz(zip)) return foreign_file(file);
  for (const ZipEntry& entry : zip.entries()) {
    const fs::path inner(entry.name);
    for (const char* const ending : {".pt", ".pth", ".ckpt", ".safetensors", ".bin", ".tar"}) {
      if (inner.extension() == ending) {
        return FormatError(concat(what, "a ZIP archive around a file \"", entry.name.substr(0, 80),
                                  "\"; unpack it first"));
      }
    }
  }
  return FormatError(
      what + "a ZIP archive without a record \"<name>/data.pkl\", so not a file of torch.save");
}

void refuse_foreign_path(const fs::path& path) {
  if (path.extension() == ".distcp") {
    throw FormatError(
        concat("file ", path, ": not a checkpoint: it is a part of a folder ", kDistributed));
  }
  std::error_code error;
  if (!fs::is_directory(path, error)) return;
  std::string inside;
  bool distributed = fs::exists(path / ".metadata", error);
  std::size_t looked = 0;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end && looked < 10000;
       entry.increment(error), ++looked) {
    const fs::path name = entry->path().filename();
    distributed = distributed || name.extension() == ".distcp";
    for (const char* const ending :
         {".json", ".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".tar"}) {
      if (name.extension() != ending) continue;
      if (ending != std::string_view(".json") || name.string().ends_with(".index.json")) {
        // An index names the others.
        if (inside.empty() || name.string().ends_with(".index.json")) inside = name.string();
      }
    }
  }
  if (distributed) throw FormatError(concat("file ", path, ": a folder ", kDistributed));
  if (fs::exists(path / "saved_model.pb", error)) {
    throw FormatError(concat("file ", path,
                             ": a folder, a model of TensorFlow; load it there, and "
                             "save its arrays by numpy.savez"));
  }
  throw FormatError(concat("file ", path, ": a folder, not a file",
                           inside.empty() ? "" : concat("; give a file in it, such as ", inside)));
}

}  // namespace wick
