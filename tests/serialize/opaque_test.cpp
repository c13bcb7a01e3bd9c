// SPDX-License-Identifier: MIT
// Checkpoints with tensors of the opaque dtypes, as PyTorch saves them.
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

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

namespace fs = std::filesystem;
using namespace std::string_literals;
using testing::expect_throw_with;

// _rebuild_tensor_v3(untyped storage of so many bytes, 0, (count,), (1,), False, {}, dtype, {bits})
std::string view_of(const std::string& dtype, int bytes, int count, const std::string& metadata) {
  return "ctorch._utils\n_rebuild_tensor_v3\n((X\x07\0\0\0storagectorch.storage\nUntypedStorage\n"
         "X\x01\0\0\0000X\x03\0\0\0cpuK"s +
         static_cast<char>(bytes) + "tQK\0K"s + static_cast<char>(count) + "\x85K\x01\x85\x89}" +
         "ctorch\n" + dtype + "\n}" + metadata + "tR";
}
const std::string kConj = "X\x04\0\0\0conj\x88s"s;
const std::string kNeg = "X\x03\0\0\0neg\x88s"s;

class OpaqueFiles : public ::testing::Test {
 protected:
  void write(const std::string& pickle, std::string_view data,
             const std::string& order = "little") {
    std::ofstream(path, std::ios::binary) << testing::checkpoint_of(pickle, data, order);
  }
  [[nodiscard]] std::string bytes_read() const {
    const Tensor tensor = load(path).as_tensor();
    return {static_cast<const char*>(tensor.raw()), tensor.nbytes()};
  }
  void TearDown() override { fs::remove(path); }
  fs::path path = fs::temp_directory_path() /
                  concat("wick_opaque_",
                         ::testing::UnitTest::GetInstance()->current_test_info()->name(), ".pt");
};

TEST_F(OpaqueFiles, EveryOneIsReadLazilyAndInto) {
  for (int i = kNumberDTypeCount; i < kDTypeCount; ++i) {
    const auto dtype = static_cast<DType>(i);
    const int count = 8 / static_cast<int>(size_of(dtype));
    write("}X\x01\0\0\0w"s + view_of(std::string(name(dtype)), 8, count, "") + "s", "abcdefgh");
    const CheckpointFile file = CheckpointFile::open(path);
    const Tensor tensor = file.tensor("w");
    EXPECT_EQ(tensor.dtype(), dtype);
    EXPECT_EQ(tensor.shape(), (Dims{count}));
    EXPECT_EQ(std::string(static_cast<const char*>(tensor.raw()), tensor.nbytes()), "abcdefgh");
    StateDict state;
    state.set("w", Tensor::zeros({count}, dtype));
    static_cast<void>(file.load_into(state));
    EXPECT_TRUE(bitwise_equal(state.at("w"), tensor)) << dtype;
    StateDict floats;
    floats.set("w", Tensor::zeros({count}));
    expect_throw_with<StateDictError>([&] { static_cast<void>(file.load_into(floats)); },
                                      concat("dtype of \"w\": the checkpoint has ", dtype,
                                             ", which is not converted to the model's float32"));
  }
}

TEST_F(OpaqueFiles, ViewsShareTheirStorage) {
  const Tensor base = Tensor::zeros({4, 2}, DType::bits16);
  save(List{{base, base.transpose(0, 1), base.slice(0, 1, 3), DType::int4}}, path);
  const Value back = load(path);
  const Tensor transposed = back.at_index(1).as_tensor();
  EXPECT_EQ(transposed.storage(), back.at_index(0).as_tensor().storage());
  EXPECT_EQ(transposed.strides(), (Dims{1, 2}));
  EXPECT_EQ(back.at_index(2).as_tensor().offset(), 2);
  EXPECT_EQ(back.at_index(3).as_dtype(), DType::int4);
}

TEST_F(OpaqueFiles, BigEndianOnesAreTurnedRoundByTheirParts) {
  write(view_of("bits16", 4, 2, ""), "abcd", "big");
  EXPECT_EQ(bytes_read(), "badc");
  write(view_of("bcomplex32", 4, 1, ""), "abcd", "big");
  EXPECT_EQ(bytes_read(), "badc");
  write(view_of("bits8", 4, 4, ""), "abcd", "big");
  EXPECT_EQ(bytes_read(), "abcd");
}

TEST_F(OpaqueFiles, LazyViewsOfBcomplex32AreResolved) {
  // 1 + 2j and -1 - 2j.
  const std::string data = "\x80\x3f\x00\x40\x80\xbf\x00\xc0"s;
  write(view_of("bcomplex32", 8, 2, kConj), data);
  EXPECT_EQ(bytes_read(), "\x80\x3f\x00\xc0\x80\xbf\x00\x40"s);
  write(view_of("bcomplex32", 8, 2, kNeg), data);
  EXPECT_EQ(bytes_read(), "\x80\xbf\x00\xc0\x80\x3f\x00\x40"s);
  write(view_of("int4", 8, 8, kNeg), data);
  expect_throw_with<FormatError>([&] { static_cast<void>(load(path)); },
                                 "a negated view of int4, which has no negatives");
  write(view_of("bits8", 8, 8, kConj), data);
  expect_throw_with<FormatError>([&] { static_cast<void>(load(path)); },
                                 "a conjugated view of bits8, which is not complex");
}

TEST_F(OpaqueFiles, OtherFormatsRefuseThem) {
  const Tensor tensor = Tensor::zeros({2}, DType::float4_e2m1fn_x2);
  StateDict state;
  state.set("w", tensor);
  expect_throw_with<DTypeError>([&] { save_safetensors(state, path); },
                                "safetensors has no dtype for float4_e2m1fn_x2; save with");
  expect_throw_with<DTypeError>([&] { save_npy(tensor, path); },
                                "NumPy has no dtype for float4_e2m1fn_x2; save with");
}

}  // namespace
}  // namespace wick
