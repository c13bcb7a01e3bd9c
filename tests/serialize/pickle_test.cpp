// SPDX-License-Identifier: MIT
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "serialize/byte_writer.h"
#include "serialize/pickle_opcodes.h"
#include "serialize/pickle_reader.h"
#include "serialize/pickle_writer.h"
#include "tests/support.h"
#include "wick/core/error.h"

namespace wick {
namespace {

using namespace std::string_view_literals;

std::shared_ptr<Storage> no_storages(const StorageId& /*id*/, DType /*dtype*/) {
  throw FormatError("no storages here");
}

Value read(std::string_view pickle) {
  return unpickle_value(pickle, "p", no_storages);
}

void refuse(std::string_view pickle, const std::string& message) {
  testing::expect_throw_with<FormatError>([&] { static_cast<void>(read(pickle)); }, message);
}

Value round_trip(const Value& value) {
  return read(pickle_value(value).bytes);
}

TEST(Pickle, BytesAreThoseOfPythonsPickler) {
  // pickle.dumps({"a": [1, 256, -1, 2**40, 0.5], "b": (None, True)}, protocol=2)
  const Value value =
      Dict{{"a", List{{1, 256, -1, std::int64_t{1} << 40, 0.5}}}, {"b", Tuple{{nullptr, true}}}};
  EXPECT_EQ(pickle_value(value).bytes,
            "\x80\x02}q\x00(X\x01\x00\x00\x00"
            "aq\x01]q\x02(K\x01M\x00\x01J\xff\xff\xff\xff\x8a\x06\x00\x00\x00\x00\x00\x01"
            "G?\xe0\x00\x00\x00\x00\x00\x00"
            "eX\x01\x00\x00\x00"
            "bq\x03N\x88\x86q\x04u."sv);
}

TEST(Pickle, EveryPlainKindComesBack) {
  Dict ordered(Dict::Type::ordered_dict);
  ordered.set("z", 1);
  ordered.set("a", 2);
  Dict counter(Dict::Type::counter);
  counter.set("x", 2);
  Dict groups = Dict::default_dict("list");
  groups.set("k", List{{1}});
  const Value values[] = {nullptr,
                          true,
                          false,
                          0,
                          255,
                          256,
                          65535,
                          65536,
                          -1,
                          -129,
                          std::numeric_limits<std::int64_t>::min(),
                          std::numeric_limits<std::int64_t>::max(),
                          1.5,
                          -0.0,
                          std::complex<double>(1, -2),
                          "",
                          "caf\xc3\xa9",
                          Bytes{""},
                          Bytes{std::string("\0\x80\xff", 3)},
                          List{},
                          List{{1, "x"}},
                          Tuple{},
                          Tuple{{1}},
                          Tuple{{1, 2, 3, 4}},
                          Dict{},
                          Dict{{1, "a"}, {"k", 2.5}, {Tuple{{1, nullptr}}, true}},
                          ordered,
                          Set{},
                          Set{1, "x"},
                          FrozenSet(),
                          FrozenSet({1, "x"}),
                          BigInteger::from_string("9223372036854775808"),
                          BigInteger::from_string("-9223372036854775809"),
                          BigInteger::from_bytes(std::string(254, '\x01')),
                          BigInteger::from_bytes(std::string(300, '\x01')),
                          ByteArray{},
                          ByteArray{std::string("\0\x80\xff", 3)},
                          counter,
                          Dict::default_dict(""),
                          groups,
                          Size{{}},
                          Size{{2, 3, 4, 5}},
                          DType::float8_e4m3fn,
                          kCpu,
                          Device{DeviceType::cuda, 3}};
  for (const Value& value : values) {
    const Value back = round_trip(value);
    EXPECT_EQ(back.kind(), value.kind()) << value.kind_name();
    EXPECT_TRUE(back == value) << value.kind_name();
  }
  EXPECT_TRUE(std::signbit(round_trip(-0.0).as_double()));
  EXPECT_TRUE(std::isnan(round_trip(std::nan("")).as_double()));
}

TEST(Pickle, OrderedDictKeepsOrderAndAttributes) {
  Dict ordered(Dict::Type::ordered_dict);
  ordered.set("z", 1);
  ordered.set("a", 2);
  ordered.set_attributes(std::make_shared<Dict>(Dict{{"_metadata", Dict{{"", 1}}}}));
  const Value back = round_trip(ordered);
  EXPECT_EQ(back.as_dict().type(), Dict::Type::ordered_dict);
  EXPECT_EQ(back.as_dict().begin()->first.as_string(), "z");
  ASSERT_NE(back.as_dict().attributes(), nullptr);
  EXPECT_EQ(back.as_dict().attributes()->at("_metadata").at("").as_int(), 1);
}

TEST(Pickle, LongContainersGoInBatches) {
  for (const int count : {1, 999, 1000, 1001, 2000, 2001}) {
    List list;
    Dict dict;
    Dict ordered(Dict::Type::ordered_dict);
    for (int i = 0; i < count; ++i) {
      list.items.emplace_back(i);
      dict.set(i, 0);
      ordered.set(i, 0);
    }
    const Value value = Tuple{{std::move(list), std::move(dict), std::move(ordered)}};
    EXPECT_TRUE(round_trip(value) == value) << count;
  }
}

TEST(Pickle, SharedContainersStayShared) {
  const Value shared = List{{1}};
  const Value back = round_trip(Tuple{{shared, shared, Value(List{{1}})}});
  EXPECT_EQ(back.at_index(0).identity(), back.at_index(1).identity());
  EXPECT_NE(back.at_index(0).identity(), back.at_index(2).identity());
}

TEST(Pickle, ContainersMayContainThemselves) {
  const Value list = List{};
  const Value dict = Dict{};
  list.as_list().push_back(dict);
  list.as_list().push_back(Tuple{{list, 7}});
  dict.as_dict().set("up", list);
  for (const Value& back : {round_trip(list), round_trip(list.at_index(1)).at_index(0)}) {
    ASSERT_EQ(back.as_list().size(), 2u);
    EXPECT_EQ(back.at_index(0).at("up").identity(), back.identity());
    EXPECT_EQ(back.at_index(1).at_index(0).identity(), back.identity());
    back.as_list().clear();  // break the circle, which nothing else would free
  }
  list.as_list().clear();
}

TEST(Pickle, WriterRefusesWhatNoPickleHolds) {
  EXPECT_THROW(static_cast<void>(pickle_value("\xff")), ValueError);
  EXPECT_THROW(static_cast<void>(pickle_value(Tensor())), ValueError);
}

TEST(Pickle, WriterRefusesTwoDtypesOverOneStorage) {
  const Tensor floats = Tensor::zeros({4});
  const Tensor ints(floats.storage(), DType::int32, {4}, {1}, 0);
  testing::expect_throw_with<DTypeError>(
      [&] {
        static_cast<void>(pickle_value(List{{floats, ints}}));
      },
      "share one storage");
}

TEST(Pickle, ReadsLaterProtocols) {
  // pickle.dumps({"s": {1}, "b": b"x", "t": "y" }, protocol=4)
  const Value value = read(
      "\x80\x04\x95\x1d\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01s\x94\x8f\x94(K\x01\x90\x8c\x01"
      "b\x94"
      "C\x01x\x94\x8c\x01t\x94\x8c\x01y\x94u."sv);
  EXPECT_TRUE(value == Value(Dict{{"s", Set{1}}, {"b", Bytes{"x"}}, {"t", "y"}}));
  EXPECT_TRUE(read("\x80\x04\x8c\x05torch\x8c\x07"
                   "float64\x93."sv) == Value(DType::float64));
}

TEST(Pickle, ForbiddenGlobalsAreNamedAndNeverRun) {
  refuse(
      "\x80\x02"
      "cposix\nsystem\nX\x02\x00\x00\x00ls\x85R."sv,
      "p, offset 2: the global \"posix\" \"system\" is not admitted");
  refuse(
      "\x80\x02"
      "cbuiltins\neval\n."sv,
      "\"builtins\" \"eval\"");
  refuse(
      "\x80\x02"
      "ctorch\nload\n."sv,
      "\"torch\" \"load\"");
  refuse("\x80\x04\x8c\x02os\x8c\x06system\x93."sv, "\"os\" \"system\"");
  refuse(
      "\x80\x02"
      "cnumpy.core.multiarray\nscalar\n."sv,
      "it belongs to a NumPy scalar or array");
  refuse("\x80\x02}X\x01\x00\x00\x00wctorch._utils\n_rebuild_sparse_tensor\n."sv,
         "p, offset 9: \"w\": the global \"torch._utils\" \"_rebuild_sparse_tensor\" is not "
         "admitted: it "
         "makes a sparse tensor");
  refuse(
      "\x80\x02"
      "ctorch._utils\n_rebuild_qtensor\n."sv,
      "quantized tensor");
  refuse(
      "\x80\x02"
      "ctorch\nQInt8Storage\n."sv,
      "quantized tensor");
  refuse(
      "\x80\x02"
      "ctorch\nfloat6_e3m2fn\n."sv,
      "wick does not have this dtype");
  refuse("\x80\x02i."sv, "opcode 105 is not admitted");  // INST, of protocol 0
}

TEST(Pickle, ReadsIntsAsTextOfPython2) {
  const auto read_int = [](const std::string& line) {
    const std::string pickle = "\x80\x02I" + line + "\n.";
    return read(pickle).as_int();
  };
  EXPECT_EQ(read_int("1099511627776"), std::int64_t{1} << 40);
  EXPECT_EQ(read_int("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(read_int("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(read_int("0"), 0);
  for (const char* const line : {"", "-", "01", "00", "-01", "1L", " 1", "+1", "0x10", "1.5",
                                 "9223372036854775808", "-9223372036854775809"}) {
    refuse(concat("\x80\x02I", line, "\n."), "the text of an int is none of 64 bits");
  }
  refuse("\x80\x02I12."sv, "line");
}

TEST(Pickle, ClassesAreNoValues) {
  refuse(
      "\x80\x02"
      "ctorch\nFloatStorage\n."sv,
      "among the values");
  refuse(
      "\x80\x02]"
      "ctorch\nSize\na."sv,
      "among the values");
  refuse(
      "\x80\x02}"
      "ctorch\nSize\nK\x01s."sv,
      "as a key");
  refuse(
      "\x80\x02"
      "ctorch\nSize\nctorch\nSize\n\x85R."sv,
      "argument");
  refuse(
      "\x80\x02]"
      "ctorch\nSize\nctorch\nSize\nb."sv,
      "attributes");
}

TEST(Pickle, BrokenStacksAndMemosAreRefused) {
  refuse(""sv, "not a pickle");
  refuse("]."sv, "not a pickle of protocol 2");
  refuse("\x80\x06N."sv, "protocol 6");
  refuse("\x80\x02."sv, "the stack is empty");
  refuse("\x80\x02N"sv, "needs 1 more byte");
  refuse(
      "\x80\x02"
      "a."sv,
      "too few");
  refuse("\x80\x02Ne."sv, "no mark");
  refuse("\x80\x02](Na."sv, "empty");  // the list lies below the mark
  refuse("\x80\x02NNa."sv, "no list");
  refuse("\x80\x02NNNs."sv, "no dict");
  refuse("\x80\x02}(Nu."sv, "a key has no value");
  refuse("\x80\x02}]Ns."sv, "not hashable");
  refuse("\x80\x02h\x00."sv, "never set");
  refuse("\x80\x02Nr\xff\xff\xff\x7f."sv, "out of range");
  refuse("\x80\x02NR."sv, "empty");
  refuse("\x80\x02N)R."sv, "no function");
  refuse(
      "\x80\x02X\xff\xff\xff\xff"
      "ab."sv,
      "needs 4294967295");
  refuse("\x80\x02X\x01\x00\x00\x00\xff."sv, "UTF-8");
  refuse("\x80\x02N.N"sv, "bytes follow");
  refuse("\x80\x02Q."sv, "empty");
  refuse("\x80\x02NQ."sv, "persistent id");
}

// 0, 1 and so on as the operand of LONG_BINPUT and LONG_BINGET.
std::string number(std::uint32_t value) {
  ByteWriter out;
  out.write(value);
  return out.release();
}

// From the outside in; deep_file_test.cpp has them from the inside out.
TEST(Pickle, IsReadHoweverDeepAndInWhateverOrderItIsBuilt) {
  constexpr std::uint32_t kDepth = 100000;
  std::string pickle = "\x80\x02";
  for (std::uint32_t i = 0; i < kDepth; ++i) {
    pickle += "]r" + number(i) + (i == 0 ? "" : "0j" + number(i - 1) + 'j' + number(i) + 'a');
    if (i != 0) pickle += '0';
  }
  const Value deep = read(pickle + 'j' + number(0) + '.');
  std::size_t depth = 1;
  for (const Value* at = &deep; !at->as_list().empty(); at = &at->as_list()[0]) ++depth;
  EXPECT_EQ(depth, kDepth);
  // Not reached from the result: only to be destroyed.
  EXPECT_TRUE(read(pickle + "N.").is_none());
}

TEST(Pickle, WorkIsLimitedByTheSizeOfThePickle) {
  // A tuple of two tuples of two tuples ...: hashing it would take 2^60 steps.
  std::string pickle = "\x80\x02}K\x01\x85";
  for (int i = 0; i < 60; ++i) pickle += "2\x86";
  refuse(pickle + "K\x01s.", "out of all proportion");
  // A long text fetched again and again.
  std::string text = "\x80\x02](X" + number(1 << 20) + std::string(1 << 20, 'x') + "q";
  text.push_back('\0');
  for (int i = 0; i < 1 << 20; ++i) text += std::string("h\0", 2);
  refuse(text + "e.", "out of all proportion");
  // A record of ten thousand bytes that unpacks to ten million empty dicts or references.
  const std::string many(10'000'000, '}');
  testing::expect_throw_with<FormatError>(
      [&] {
        static_cast<void>(unpickle_value("\x80\x02(" + many + "t.", "p", no_storages, 10'000));
      },
      "out of all proportion");
  // A memoised argument from which call after call makes a new object.
  std::string calls = "\x80\x02](c_codecs\nencode\nq" + std::string(1, '\0') + "X" +
                      number(1 << 16) + std::string(1 << 16, 'x') + "X" + number(6) +
                      "latin1\x86q\x01R";
  for (int i = 0; i < 1 << 16; ++i) calls += std::string("h\0h\x01R", 5);
  refuse(calls + "e.", "out of all proportion");
  // A frozen set of two frozen sets of two frozen sets ...
  std::string nested = "\x80\x04}(K\x01\x91(K\x02\x91";
  for (int i = 0; i < 60; ++i) {
    nested += std::string("q") + static_cast<char>(1) + "0q" + static_cast<char>(2) +
              "0(h\x01h\x02\x91" + "(h\x01h\x02" + "N\x91";
  }
  refuse(nested + "s.", "out of all proportion");
  // As many in a file of that size are welcome.
  EXPECT_EQ(read("\x80\x02(" + std::string(100'000, '}') + "t.").as_tuple().size(), 100'000u);
}

}  // namespace
}  // namespace wick
