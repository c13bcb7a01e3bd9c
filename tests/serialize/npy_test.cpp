// SPDX-License-Identifier: MIT
#include "wick/serialize/npy.h"

#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "serialize/byte_writer.h"
#include "serialize/npy_header.h"
#include "serialize/zip_writer.h"
#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/serialize/any_file.h"

namespace wick {
namespace {

namespace fs = std::filesystem;
using testing::expect_throw_with;
using testing::TempDir;
using testing::write_file;

const DType kDTypes[] = {DType::float32,   DType::float64,   DType::float16, DType::uint8,
                         DType::int8,      DType::int16,     DType::int32,   DType::int64,
                         DType::uint16,    DType::uint32,    DType::uint64,  DType::boolean,
                         DType::complex64, DType::complex128};

Tensor any_bits(const Dims& shape, DType dtype) {
  Tensor tensor = Tensor::empty(shape, dtype);
  auto* const bytes = static_cast<unsigned char*>(tensor.raw());
  for (std::size_t i = 0; i < tensor.nbytes(); ++i) {
    bytes[i] = static_cast<unsigned char>(dtype == DType::boolean ? i % 2 : 255 - i * 73);
  }
  return tensor;
}

// A file of version `major`.0 around any text.
std::string npy(std::string_view dict, std::string_view data, int major = 1) {
  ByteWriter file;
  file.bytes("\x93NUMPY");
  file.write(static_cast<std::uint8_t>(major));
  file.write(std::uint8_t{0});
  if (major == 1) {
    file.write(static_cast<std::uint16_t>(dict.size()));
  } else {
    file.write(static_cast<std::uint32_t>(dict.size()));
  }
  file.bytes(dict);
  file.bytes(data);
  return file.release();
}

std::string dict(std::string_view descr, std::string_view shape, bool fortran = false) {
  return concat("{'descr': ", descr, ", 'fortran_order': ", fortran ? "True" : "False",
                ", 'shape': ", shape, ", }\n");
}

class Npy : public ::testing::Test {
 protected:
  Tensor read(const std::string& bytes) {
    write_file(path_, bytes);
    return load_npy(path_);
  }
  void expect_refused(const std::string& bytes, const std::string& reason) {
    expect_throw_with<FormatError>([&] { static_cast<void>(read(bytes)); }, reason);
  }
  TempDir directory_;
  fs::path path_ = directory_ / "a.npy";
};

TEST_F(Npy, EveryDtypeComesBackBitForBit) {
  for (const DType dtype : kDTypes) {
    for (const Dims& shape : {Dims{}, Dims{0}, Dims{3, 0}, Dims{7}, Dims{2, 3}, Dims(9, 1)}) {
      const Tensor tensor = any_bits(shape, dtype);
      save_npy(tensor, path_);
      const Tensor back = load_npy(path_);
      EXPECT_EQ(back.dtype(), dtype);
      EXPECT_TRUE(bitwise_equal(back, tensor)) << dtype << shape;
    }
  }
}

// numpy.save(f, numpy.arange(6, dtype="<u2").reshape(2, 3)) of NumPy 2.4.
TEST_F(Npy, WritesNumpysBytes) {
  std::string bytes;
  const Tensor array = Tensor::arange(6).to(DType::uint16).view({2, 3});
  write_npy(array.transpose(0, 1).contiguous().transpose(0, 1),
            [&bytes](std::string_view piece) { bytes.append(piece); });
  const std::string header = "{'descr': '<u2', 'fortran_order': False, 'shape': (2, 3), }";
  EXPECT_EQ(bytes, npy(header + std::string(117 - header.size(), ' ') + '\n',
                       std::string("\0\0\1\0\2\0\3\0\4\0\5\0", 12)));
  EXPECT_EQ(make_npy_header(DType::boolean, {}).substr(10, 55),
            "{'descr': '|b1', 'fortran_order': False, 'shape': (), }");
  EXPECT_EQ(make_npy_header(DType::int8, {5}).substr(10, 57),
            "{'descr': '|i1', 'fortran_order': False, 'shape': (5,), }");
}

TEST_F(Npy, ByteOrderAndIndexOrder) {
  const std::string data("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c", 12);
  const Tensor big = read(npy(dict("'>i2'", "(2, 3)"), data));
  EXPECT_EQ(big.to_vector<std::int16_t>(),
            (std::vector<std::int16_t>{0x0102, 0x0304, 0x0506, 0x0708, 0x090a, 0x0b0c}));
  const Tensor fortran = read(npy(dict("'|u1'", "(2, 3, 2)", true), data));
  EXPECT_EQ(fortran.shape(), (Dims{2, 3, 2}));
  EXPECT_EQ(fortran.strides(), (Dims{1, 2, 6}));
  EXPECT_EQ(fortran.at<std::uint8_t>({1, 0, 0}), 2);
  EXPECT_EQ(fortran.at<std::uint8_t>({0, 1, 0}), 3);
  EXPECT_EQ(fortran.at<std::uint8_t>({0, 0, 1}), 7);
  // Both parts of a complex number are turned round, each by itself.
  const Tensor complex = read(npy(dict("'>c8'", "()"), std::string("\x3f\x80\0\0\x40\0\0\0", 8)));
  EXPECT_EQ(complex.item<std::complex<float>>(), (std::complex<float>{1, 2}));
}

TEST_F(Npy, TakesWhatNumpyTakes) {
  const std::string four("\1\2\3\4", 4);
  for (const std::string& text :
       {dict("'|u1'", "(4,)"), dict("'u1'", "(4,)"), dict("\"|u1\"", "(4 , )"),
        dict("'|u1'", "(4L,)"), dict("'<u4'", "()"), dict("'=u4'", "()"),
        std::string("{\"shape\":(2,2),\"descr\":'|i1',\"fortran_order\":True}")}) {
    EXPECT_EQ(read(npy(text, four)).nbytes(), 4u) << text;
  }
  EXPECT_EQ(read(npy(dict("'|u1'", "(4,)"), four, 2)).numel(), 4);
  EXPECT_EQ(read(npy(dict("'|u1'", "(4,)"), four, 3)).numel(), 4);
  EXPECT_EQ(read(npy(dict("'?'", "(4,)"), four)).dtype(), DType::boolean);
}

TEST_F(Npy, WhatNoTensorHoldsIsNamed) {
  expect_refused(npy(dict("'|O'", "(1,)"), "\x80\x02N."), "Python objects");
  expect_refused(npy(dict("[('a', '<f4')]", "(1,)"), "1234"), "structures");
  expect_refused(npy(dict("'|V4'", "(1,)"), "1234"), "raw bytes");
  expect_refused(npy(dict("'<U1'", "(1,)"), "1234"), "texts");
  expect_refused(npy(dict("'|S4'", "(1,)"), "1234"), "texts");
  expect_refused(npy(dict("'<M8[s]'", "(0,)"), ""), "dates");
  expect_refused(npy(dict("'<f16'", "(0,)"), ""), "f16");
  expect_refused(npy(dict("''", "(0,)"), ""), "''");
}

TEST_F(Npy, WhatNumpyDoesNotHaveIsRefused) {
  for (const DType dtype : {DType::bfloat16, DType::float8_e4m3fn, DType::complex32}) {
    EXPECT_THROW(save_npy(Tensor::zeros({1}, dtype), path_), DTypeError);
    StateDict state;
    state.set("w", Tensor::zeros({1}, dtype));
    expect_throw_with<DTypeError>([&] { save_npz(state, path_); }, "\"w\"");
  }
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(Npy, LyingHeadersAreRefused) {
  const std::string four("\1\2\3\4", 4);
  const std::string good = dict("'|u1'", "(4,)");
  EXPECT_NO_THROW(read(npy(good, four)));
  expect_refused(npy(good, "123"), "3 bytes are not the 4");
  for (const char* const shape :
       {"(4)", "4", "[4]", "(-4,)", "(4.0,)", "(,)", "(4,,)", "(4,", "(2, 3)", "('4',)",
        "(99999999999999999999,)", "(4294967296, 4294967296)", "(9223372036854775807, 2, 0)"}) {
    EXPECT_THROW(read(npy(dict("'|u1'", shape), four)), FormatError) << shape;
  }
  EXPECT_THROW(read(npy(dict("'<f8'", "(2305843009213693952,)"), four)), FormatError);
  for (const char* const text :
       {"", "{}", "[]", "{'descr': '|u1'}", "{'descr': '|u1', 'fortran_order': False}",
        "{'descr': '|u1', 'fortran_order': 0, 'shape': (4,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (4,)} x",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (4,), 'x': 1}",
        "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (4,)}",
        "{'descr': '|u1 'fortran_order': False, 'shape': (4,)}",
        "{'descr': __import__('os'), 'fortran_order': False, 'shape': (4,)}"}) {
    EXPECT_THROW(read(npy(text, four)), FormatError) << text;
  }
  expect_refused(npy(good, four, 4), "version 4.0");
  expect_refused(npy(good, four, 0), "version 0.0");
  std::string huge = npy(good, four, 2);
  huge.replace(8, 4, "\xff\xff\xff\xff");
  expect_refused(huge, "at most");
  const std::string deep =
      "{'descr': '|u1', 'fortran_order': False, 'shape': " + std::string(50'000, '(') + "}";
  EXPECT_THROW(read(npy(deep, four)), FormatError);
}

TEST_F(Npy, EveryTruncationIsRefused) {
  const std::string bytes = npy(dict("'<f4'", "(2,)"), "12345678");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(static_cast<void>(read(bytes.substr(0, size))), FormatError) << size;
  }
}

// numpy.save was called several times with one file, of which numpy.load reads the first array.
TEST_F(Npy, BytesBehindTheArrayArePassedOver) {
  const std::string bytes = npy(dict("'>u2'", "(2, 2)", true), "12345678");
  const Tensor alone = read(bytes);
  EXPECT_EQ(NpyFile(path_).trailing_bytes(), 0u);
  for (const std::string& behind : {std::string("9"), bytes, std::string(3'000'000, '\0')}) {
    EXPECT_TRUE(bitwise_equal(read(bytes + behind), alone));
    EXPECT_TRUE(bitwise_equal(load_any(path_).as_tensor(), alone));
    EXPECT_EQ(NpyFile(path_).trailing_bytes(), behind.size());
  }
  EXPECT_EQ(read(npy(dict("'|u1'", "()"), "123")).numel(), 1);
  EXPECT_EQ(read(npy(dict("'|u1'", "(0, 3)"), "123")).numel(), 0);
}

TEST_F(Npy, FlippedBitsNeverCrash) {
  const std::string bytes = npy(dict("'<i2'", "(2, 2)"), "12345678");
  std::size_t refused = 0;
  for (std::size_t bit = 0; bit < (bytes.size() - 8) * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    try {
      EXPECT_LE(read(flipped).nbytes(), 8u) << bit;
    } catch (const FormatError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, bytes.size() * 5);
}

// -- .npz -----------------------------------------------------------------------------------------

class Npz : public Npy {};

TEST_F(Npz, ComesBackInOrder) {
  StateDict state;
  state.set("z", any_bits({3, 4}, DType::float32));
  state.set("sub/b.weight", any_bits({5}, DType::complex128));
  state.set("", any_bits({}, DType::boolean));
  state.set("\xC3\xA9", any_bits({0, 2}, DType::int64));
  save_npz(state, path_);
  EXPECT_EQ(recognise_file(path_), FileFormat::npz);
  const StateDict back = load_npz(path_);
  ASSERT_EQ(back.size(), state.size());
  auto expected = state.begin();
  for (const auto& [name, tensor] : back) {
    EXPECT_EQ(name, expected->first);
    EXPECT_TRUE(bitwise_equal(tensor, expected->second)) << name;
    ++expected;
  }
}

// Longer than the pieces in which a record is read, and of numbers that pieces cut through.
TEST_F(Npz, LargeBigEndianRecords) {
  const std::int64_t count = 1'500'000;
  std::string data;
  data.reserve(static_cast<std::size_t>(count) * 8);
  for (std::int64_t i = 0; i < count; ++i) {
    for (int shift = 56; shift >= 0; shift -= 8) data.push_back(static_cast<char>(i >> shift));
  }
  std::string archive;
  ZipWriter zip([&archive](std::string_view piece) { archive.append(piece); }, "");
  zip.add("n.npy", npy(dict("'>i8'", concat('(', count, ",)")), data));
  zip.finish();
  write_file(path_, archive);
  EXPECT_TRUE(bitwise_equal(load_npz(path_).at("n"), Tensor::arange(count)));
}

// numpy.savez without arrays writes these 22 bytes.
TEST_F(Npz, WithoutArraysItIsTheEndRecordAlone) {
  save_npz(StateDict(), path_);
  std::ifstream file(path_, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(bytes, std::string("PK\x05\x06") + std::string(18, '\0'));
  EXPECT_EQ(recognise_file(path_), FileFormat::npz);
  EXPECT_TRUE(load_any(path_).as_dict().empty());
  // As wick wrote it before.
  std::string before;
  ZipWriter zip([&before](std::string_view piece) { before.append(piece); }, "");
  zip.add("a", "");
  zip.finish();
  before.erase(0, before.find("PK\x06\x06"));
  for (const std::size_t at : {24U, 32U}) before[at] = '\0';            // records
  for (std::size_t at = 40; at < 56; ++at) before[at] = '\0';           // directory
  for (std::size_t at = 56 + 8; at < 56 + 16; ++at) before[at] = '\0';  // where that is
  for (std::size_t at = 76 + 8; at < 76 + 20; ++at) before[at] = '\0';
  write_file(path_, before);
  EXPECT_TRUE(load_any(path_).as_dict().empty());
}

TEST_F(Npz, NamesThatWouldNotComeBackAreRefused) {
  const Tensor one = Tensor::ones({1}, DType::float32);
  const auto state_of = [&one](const std::vector<std::string>& names) {
    StateDict state;
    for (const std::string& name : names) state.set(name, one);
    return state;
  };
  const auto refused = [&](const std::vector<std::string>& names, const std::string& message) {
    expect_throw_with<ValueError>([&] { save_npz(state_of(names), path_); }, message);
    EXPECT_FALSE(fs::exists(path_));
  };
  refused({std::string("a\0b", 3)}, "NUL");
  refused({"\xed\xa0\x80"}, "surrogate");
  refused({"\xff"}, "UTF-8");
  refused({"a", "a.npy"}, "which is another array");
  refused({std::string(65532, 'a')}, "65535");
  for (const char* const name : {"a/b", "/a", "a.npy", "a b\n", "\xc3\xa9", "..", "a\\b"}) {
    save_npz(state_of({name}), path_);
    EXPECT_TRUE(load_npz(path_).contains(name)) << name;
  }
}

TEST_F(Npz, ArraysThatNoTensorHoldsHideNoOthers) {
  std::string archive;
  ZipWriter zip([&archive](std::string_view piece) { archive.append(piece); }, "");
  zip.add("a.npy", npy(dict("'|u1'", "(4,)"), "1234"));
  zip.add("texts.npy", npy(dict("'<U1'", "(1,)"), std::string(4, 'a')));
  zip.add("objects.npy", npy(dict("'|O'", "(1,)"), "pickle"));
  zip.add("fields.npy",
          npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "1234"));
  zip.add("b.npy", npy(dict("'|u1'", "(1,)"), "5"));
  zip.finish();
  write_file(path_, archive);
  const NpzFile file(path_);
  ASSERT_EQ(file.entries().size(), 2U);
  ASSERT_EQ(file.others().size(), 3U);
  EXPECT_EQ(file.others()[1].name, "objects");
  EXPECT_EQ(file.read(*file.find("b")).to_vector<std::uint8_t>(), std::vector<std::uint8_t>{'5'});
  expect_throw_with<FormatError>([&] { static_cast<void>(load_npz(path_)); }, "texts.npy");
  const Value value = load_any(path_, {}, {.placeholders = true});
  EXPECT_EQ(value.as_dict().size(), 5U);
  EXPECT_EQ(value.at("a").as_tensor().numel(), 4);
  EXPECT_EQ(value.at("fields").kind(), Value::Kind::placeholder);
}

TEST_F(Npz, OtherRecordsAndDamageAreRefused) {
  const auto archive = [](std::string_view name, std::string_view content) {
    std::string bytes;
    ZipWriter zip([&bytes](std::string_view piece) { bytes.append(piece); }, "");
    zip.add(name, content);
    zip.finish();
    return bytes;
  };
  const std::string array = npy(dict("'|u1'", "(4,)"), "1234");
  const auto refused = [&](const std::string& bytes, const std::string& reason) {
    write_file(path_, bytes);
    expect_throw_with<FormatError>([&] { static_cast<void>(load_npz(path_)); }, reason);
  };
  refused(archive("a.txt", array), "\"a.txt\"");
  refused(archive("a.npy", "hello"), "\"a.npy\"");
  refused(archive("a.npy", npy(dict("'|u1'", "(4,)"), "123")), "3 bytes are not the 4");
  refused(archive("a", array), "\"a\"");
  std::string damaged = archive("a.npy", array);
  damaged[damaged.find("1234")] = 'x';
  refused(damaged, "CRC-32");
  const std::string whole = archive("a.npy", array);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    write_file(path_, whole.substr(0, size));
    EXPECT_THROW(static_cast<void>(load_npz(path_)), FormatError) << size;
  }
}

}  // namespace
}  // namespace wick
