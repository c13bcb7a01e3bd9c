// SPDX-License-Identifier: MIT
// Files that are no checkpoints are named for what they are, wherever they are opened.
#include "serialize/file_kind.h"

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "serialize/zip_writer.h"
#include "tests/support.h"
#include "wick/core/tensor.h"
#include "wick/serialize/any_file.h"
#include "wick/serialize/checkpoint.h"
#include "wick/serialize/checkpoint_file.h"
#include "wick/serialize/npy.h"
#include "wick/serialize/safetensors.h"

namespace wick {
namespace {

using namespace std::string_literals;
using testing::expect_throw_with;
using testing::TempDir;
using testing::write_file;

void refused_everywhere(const std::filesystem::path& path, const std::string& message) {
  SCOPED_TRACE(message);
  const std::vector<std::function<void()>> entries = {
      [&] { static_cast<void>(load(path)); },
      [&] { static_cast<void>(load(path, kCpu, {.placeholders = true})); },
      [&] { static_cast<void>(load_any(path)); },
      [&] { static_cast<void>(CheckpointFile::open(path)); },
  };
  for (const auto& entry : entries) expect_throw_with<FormatError>(entry, message);
}

std::string zip_of(const std::vector<std::string>& names) {
  std::string archive;
  ZipWriter zip([&archive](std::string_view piece) { archive.append(piece); }, "");
  for (const std::string& name : names) zip.add(name, "content");
  zip.finish();
  return archive;
}

std::string tar_of(const std::string& name) {
  std::string header(512, '\0');
  header.replace(0, name.size(), name);
  header.replace(257, 5, "ustar");
  return header + std::string(1024, '\0');
}

TEST(FileKind, OtherFilesAreNamed) {
  const TempDir dir;
  const std::vector<std::pair<std::string, std::string>> files = {
      {"", "it is empty"},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n", "a Git LFS pointer"},
      {"<!DOCTYPE html>\n<html><title>Sign in</title>", "an HTML or XML page"},
      {"\xef\xbb\xbf \n<HTML>", "an HTML or XML page"},
      {"<?xml version=\"1.0\"?><Error>AccessDenied</Error>", "an HTML or XML page"},
      {"\x1f\x8b\x08\0\0"s, "compressed by gzip"},
      {"BZh91AY", "compressed by bzip2"},
      {"\xfd\x37zXZ\0"s, "compressed by xz"},
      {"\x28\xb5\x2f\xfd", "compressed by Zstandard"},
      {"\x89HDF\r\n\x1a\n", "an HDF5 file"},
      {"GGUF\3\0\0\0"s, "a GGUF model"},
      {"\x08\x08\x12\x07pytorch\x1a\x05", "an ONNX model"},
      {"model_checkpoint_path: \"m\"\n", "TensorFlow"},
      {std::string(40, 'x') + "\x57\xfb\x80\x8b\x24\x75\x47\xdb", "a checkpoint of TensorFlow"},
      {"\x80\x04\x95\x0b\0\0\0\0\0\0\0}\x94\x8c\x01\x61\x94K\x01s."s, "a bare pickle"},
      {"\x80\x04\x8c%torch.distributed.checkpoint.metadata\x94", "torch.distributed.checkpoint"},
      {tar_of("sys_info"), "a checkpoint of PyTorch 0.1"},
      {tar_of("model/weights"), "it is a tar archive; unpack it first"},
      {std::string(600, '\0'), "zeros only"},
      {"just words", "it is a text"},
      {"\x01\x02\x03\x04", "like none of the formats"},
  };
  for (const auto& [content, message] : files) {
    write_file(dir / "f.pt", content);
    refused_everywhere(dir / "f.pt", message);
  }
}

TEST(FileKind, OtherArchivesAreNamed) {
  const TempDir dir;
  const std::vector<std::pair<std::vector<std::string>, std::string>> archives = {
      {{"m/data.pkl", "m/constants.pkl", "m/version"}, "torch.jit.load"},
      {{"m/data/weights/weight_0", "m/archive_format"}, "an exported program"},
      {{"serialized_exported_program.json", "version"}, "an exported program"},
      {{"p/.data/0.storage", "p/.data/extern_modules"}, "torch.package"},
      {{"metadata.json", "config.json", "model.weights.h5"}, "a Keras model"},
      {{"README", "sub/model.pt"}, "around a file \"sub/model.pt\"; unpack it first"},
      {{"a.txt"}, "without a record \"<name>/data.pkl\""},
      // Arrays among other things make no archive of arrays of them.
      {{"m/data.pkl", "m/constants.pkl", "m/extra/x.npy"}, "torch.jit.load"},
      {{"m/x.npy", "m/archive_format"}, "an exported program"},
      {{"p/.data/extern_modules", "p/x.npy"}, "torch.package"},
      {{"x.npy", "model.weights.h5"}, "a Keras model"},
      {{"m/data.pkl", "m/x.npy"}, "no record \"m/version\""},
  };
  for (const auto& [names, message] : archives) {
    write_file(dir / "f.pt", zip_of(names));
    refused_everywhere(dir / "f.pt", message);
  }
}

TEST(FileKind, FoldersAreNamed) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "plain");
  refused_everywhere(dir / "plain", "a folder, not a file");
  write_file(dir / "plain" / "model.safetensors", "x");
  refused_everywhere(dir / "plain", "give a file in it, such as model.safetensors");
  write_file(dir / "plain" / "__0_0.distcp", zip_of({"archive/data.pkl"}));
  refused_everywhere(dir / "plain", "dcp_to_torch_save");
  refused_everywhere(dir / "plain" / "__0_0.distcp", "a part of a folder of torch.distributed");
}

TEST(FileKind, WhatOtherFunctionsReadIsNotForeign) {
  const TempDir dir;
  StateDict state;
  state.set("a", Tensor::ones({2}, DType::float32));
  save_safetensors(state, dir / "s.pt");
  save_npy(state.at("a"), dir / "n.pt");
  save_npz(state, dir / "z.pt");
  for (const auto& [name, reader] :
       {std::pair{"s.pt", "load_safetensors"}, std::pair{"n.pt", "load_npy"},
        std::pair{"z.pt", "load_npz"}}) {
    try {
      static_cast<void>(load(dir / name));
      ADD_FAILURE();
    } catch (const FormatError& error) {
      EXPECT_NE(std::string(error.what()).find(reader), std::string::npos) << error.what();
      // A program that reads all formats has its own words.
      EXPECT_EQ(error.remedy(), Remedy::other_reader);
      EXPECT_EQ(error.problem().find("load_"), std::string_view::npos) << error.problem();
    }
  }
}

TEST(FileKind, WholeModulesAreNamed) {
  // A class of one's own, in the file of a module.
  const std::filesystem::path file =
      std::filesystem::path(WICK_FIXTURES) / "serialize" / "foreign.pt";
  expect_throw_with<FormatError>([&] { static_cast<void>(load(file)); },
                                 "save module.state_dict() instead");
}

}  // namespace
}  // namespace wick
