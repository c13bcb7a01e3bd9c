// SPDX-License-Identifier: MIT
// Tensors without elements that begin behind their storage, in every format, and back.
#include <string>

#include <gtest/gtest.h>

#include "tests/serialize/archive_builder.h"
#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/serialize/checkpoint.h"
#include "wick/serialize/checkpoint_file.h"
#include "wick/serialize/npy.h"
#include "wick/serialize/safetensors.h"

namespace wick {
namespace {

using namespace std::string_literals;
using testing::TempDir;

Tensor behind() {
  return Tensor::zeros({3, 4}).slice(0, 3).slice(1, 2);
}

TEST(EmptyTensor, BehindItsStorageIsSavedAndLoaded) {
  const TempDir directory;
  const auto path = directory / "x.pt";
  save(Dict{{"e", behind()}, {"f", Tensor::ones({2})}}, path);
  const auto check = [](const Tensor& tensor) {
    EXPECT_EQ(tensor.shape(), (Dims{0, 2}));
    EXPECT_EQ(tensor.strides(), (Dims{4, 1}));
    EXPECT_EQ(tensor.offset(), 14);
    EXPECT_EQ(tensor.storage()->bytes(), 48u);
  };
  check(load(path).at("e").as_tensor());
  check(load(path, kMeta).at("e").as_tensor());
  for (const bool mmap : {false, true}) {
    const CheckpointFile file = CheckpointFile::open(path, kCpu, {.mmap = mmap});
    check(file.tensor("e"));
    check(file.value().at("e").as_tensor());
    EXPECT_EQ(file.find("e")->offset, 14);
    StateDict target;
    target.set("e", Tensor::zeros({0, 2}));
    target.set("f", Tensor::zeros({2}));
    file.load_into(target);
    target.set("e", Tensor::zeros({2, 0}).transpose(0, 1));  // not by the straight way
    file.load_into(target);
    EXPECT_EQ(target.at("f").at<float>({1}), 1);
  }
}

TEST(EmptyTensor, InTheFormatsWithoutStoragesHasNoPlace) {
  const TempDir directory;
  StateDict state;
  state.set("e", behind());
  save_safetensors(state, directory / "x.safetensors");
  EXPECT_EQ(load_safetensors(directory / "x.safetensors").at("e").shape(), (Dims{0, 2}));
  save_npz(state, directory / "x.npz");
  EXPECT_EQ(load_npz(directory / "x.npz").at("e").shape(), (Dims{0, 2}));
  save_npy(behind(), directory / "x.npy");
  EXPECT_EQ(load_npy(directory / "x.npy").shape(), (Dims{0, 2}));
}

// Over storage 0 of 4 floats.
std::string tensor(const std::string& offset, const std::string& sizes) {
  return "ctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\nU\x01"
         "0U\x03"
         "cpuK\x04tQ" +
         offset + sizes + "K\x01\x85\x89}tR";
}

TEST(EmptyTensor, OffsetsAreCheckedForWhatTheyAre) {
  const TempDir directory;
  const auto path = directory / "x.pt";
  const auto read = [&](const std::string& pickle) {
    testing::write_file(path, testing::checkpoint_of(pickle, std::string(16, '\0')));
    return load(path).as_tensor();
  };
  EXPECT_EQ(read(tensor("K\x05", "K\0\x85"s)).offset(), 5);
  EXPECT_EQ(read(tensor("\x8a\x08\0\0\0\0\0\0\0\x40"s, "K\0\x85"s)).offset(),
            std::int64_t{1} << 62);
  EXPECT_THROW(read(tensor("J\xff\xff\xff\xff", "K\0\x85"s)), FormatError);
  EXPECT_THROW(read(tensor("K\x05", "K\x01\x85")), FormatError);
  EXPECT_EQ(read(tensor("K\x03", "K\x01\x85")).numel(), 1);
}

// In a big-endian file, too, tensors of all dtypes share an empty storage.
TEST(EmptyTensor, OfAnyDtypeSharesAnEmptyStorage) {
  const TempDir directory;
  const auto path = directory / "x.pt";
  const auto over = [](const std::string& type) {
    return "ctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\n" + type +
           "\nU\x01"
           "0U\x03"
           "cpuK\0tQK\0K\0\x85K\x01\x85\x89}tR"s;
  };
  for (const std::string order : {"little", "big"}) {
    testing::write_file(
        path,
        testing::checkpoint_of("](" + over("FloatStorage") + over("LongStorage") + "e", "", order));
    const Value back = load(path);
    EXPECT_EQ(back.at_index(0).as_tensor().dtype(), DType::float32);
    EXPECT_EQ(back.at_index(1).as_tensor().dtype(), DType::int64);
    EXPECT_EQ(back.at_index(0).as_tensor().storage(), back.at_index(1).as_tensor().storage());
  }
  // Saved by wick, and read again.
  const Tensor floats = Tensor::empty({0});
  save(List{{floats, Tensor(floats.storage(), DType::int64, {0}, {1}, 0)}}, path);
  EXPECT_EQ(load(path).at_index(1).as_tensor().dtype(), DType::int64);
}

// torch.save allows it for dtypes whose storages count bytes: uint8, and those without a class.
TEST(EmptyTensor, AndFullOnesShareStoragesAsPyTorchAllows) {
  const TempDir directory;
  const auto path = directory / "x.pt";
  const Tensor bytes = Tensor::arange(8, DType::uint8);
  save(List{{bytes, Tensor(bytes.storage(), DType::uint16, {4}, {1}, 0),
             Tensor(bytes.storage(), DType::float8_e5m2, {8}, {1}, 0)}},
       path);
  const Value back = load(path);
  EXPECT_EQ(back.at_index(1).as_tensor().at<std::uint16_t>({3}), 0x0706);
  EXPECT_EQ(back.at_index(0).as_tensor().storage(), back.at_index(2).as_tensor().storage());
}

TEST(EmptyTensor, RecordsLongerThanTheirStorageAreKnown) {
  const TempDir directory;
  const auto path = directory / "x.pt";
  testing::write_file(path, testing::checkpoint_of(tensor(std::string("K\0", 2), "K\x04\x85"),
                                                   std::string(18, '\0')));
  const CheckpointFile file = CheckpointFile::open(path);
  EXPECT_EQ(file.longer_records(), (std::vector<std::string>{"x/data/0"}));
  EXPECT_EQ(load(path).as_tensor().numel(), 4);
}

}  // namespace
}  // namespace wick
