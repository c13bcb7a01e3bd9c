// SPDX-License-Identifier: MIT
#include "wick/core/big_integer.h"

#include <cmath>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/value.h"

namespace wick {
namespace {

using namespace std::string_literals;

BigInteger big(const char* decimal) {
  return BigInteger::from_string(decimal);
}

TEST(BigInteger, KeepsTheFewestBytesOfTwosComplement) {
  // (n).to_bytes(length, "little", signed=True) in Python, with the least length that works.
  EXPECT_EQ(big("0").bytes(), "");
  EXPECT_EQ(big("127").bytes(), "\x7f");
  EXPECT_EQ(big("128").bytes(), "\x80\0"s);
  EXPECT_EQ(big("-128").bytes(), "\x80");
  EXPECT_EQ(big("-129").bytes(), "\x7f\xff");
  EXPECT_EQ(big("18446744073709551616").bytes(), "\0\0\0\0\0\0\0\0\x01"s);   // 2**64
  EXPECT_EQ(big("-18446744073709551616").bytes(), "\0\0\0\0\0\0\0\0\xff"s);  // -2**64
  EXPECT_EQ(big("9223372036854775808").bytes(), "\0\0\0\0\0\0\0\x80\0"s);    // 2**63
  EXPECT_EQ(BigInteger::from_bytes("\x01\0\0\0"s).bytes(), "\x01");
  EXPECT_EQ(BigInteger::from_bytes("\xff\xff\xff"s).bytes(), "\xff");
  EXPECT_EQ(BigInteger::from_bytes("\0\0"s), BigInteger());
}

TEST(BigInteger, TextComesBack) {
  const std::string digits(5000, '7');
  for (const std::string& text :
       {"0"s, "1"s, "-1"s, "255"s, "1000000000"s, "-1000000000000000000"s, "9223372036854775807"s,
        "-9223372036854775808"s, "9223372036854775808"s, "340282366920938463463374607431768211455"s,
        "-340282366920938463463374607431768211456"s, digits, "-" + digits}) {
    const BigInteger value = BigInteger::from_string(text);
    EXPECT_EQ(value.to_string(), text);
    EXPECT_EQ(value.is_negative(), text[0] == '-');
    EXPECT_EQ(BigInteger::from_bytes(value.bytes()), value);
  }
  EXPECT_EQ(big("+0012").to_string(), "12");
  for (const char* const text : {"", "-", "1.5", "0x10", " 1", "1_000"}) {
    EXPECT_THROW(static_cast<void>(big(text)), ValueError) << text;
  }
}

TEST(BigInteger, FitsInt64OrNot) {
  EXPECT_EQ(big("9223372036854775807").to_int64(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(big("-9223372036854775808").to_int64(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(big("0").to_int64(), 0);
  EXPECT_EQ(big("-300").to_int64(), -300);
  EXPECT_FALSE(big("9223372036854775808").to_int64().has_value());
  EXPECT_FALSE(big("-9223372036854775809").to_int64().has_value());
}

TEST(BigInteger, BecomesTheNearestFloat) {
  // float(n) in Python.
  EXPECT_EQ(big("18446744073709551616").to_double(), 0x1p64);
  EXPECT_EQ(big("-18446744073709551616").to_double(), -0x1p64);
  EXPECT_EQ(big("9007199254740993").to_double(), 9007199254740992.0);  // a tie, to even
  EXPECT_EQ(big("9007199254740995").to_double(), 9007199254740996.0);
  // 2**100 + 2**47 is a tie, which goes to the even 2**100; one more does not.
  EXPECT_EQ(big("1267650600228229542234191560704").to_double(), 0x1p100);
  EXPECT_EQ(big("1267650600228229542234191560705").to_double(), 0x1.0000000000001p100);
  EXPECT_EQ(big(("1" + std::string(308, '0')).c_str()).to_double(), 1e308);
  EXPECT_TRUE(std::isinf(big(("1" + std::string(309, '0')).c_str()).to_double()));
  EXPECT_TRUE(std::isinf(BigInteger::from_bytes(std::string(4000, '\x01')).to_double()));
}

TEST(BigInteger, EqualsTheFloatThatIsExactlyIt) {
  EXPECT_TRUE(big("18446744073709551616") == 0x1p64);
  EXPECT_TRUE(big("-36893488147419103232") == -0x1p65);
  EXPECT_FALSE(big("18446744073709551617") == 0x1p64);
  EXPECT_TRUE(big("5") == 5.0);
  EXPECT_FALSE(big("5") == 5.5);
  EXPECT_TRUE(big("0") == -0.0);
  EXPECT_FALSE(big("5") == std::nan(""));
  EXPECT_FALSE(BigInteger::from_bytes(std::string(4000, '\x01')) ==
               std::numeric_limits<double>::infinity());
}

TEST(BigInteger, IsANumberAmongValues) {
  const Value value = big("18446744073709551616");
  EXPECT_EQ(value.kind(), Value::Kind::big_integer);
  EXPECT_EQ(Value(big("12")).kind(), Value::Kind::integer);
  EXPECT_EQ(Value(big("12")), Value(12));
  EXPECT_EQ(value, Value(0x1p64));
  EXPECT_EQ(Value(0x1p64), value);
  EXPECT_EQ(value, Value(std::complex<double>(0x1p64, 0)));
  EXPECT_FALSE(value == Value(std::complex<double>(0x1p64, 1)));
  EXPECT_FALSE(value == Value(1));
  EXPECT_FALSE(value == Value(big("18446744073709551617")));
  EXPECT_EQ(hash_key(value), hash_key(0x1p64));
  EXPECT_EQ(value.as_double(), 0x1p64);
  EXPECT_EQ(value.as_big_integer().to_string(), "18446744073709551616");
  EXPECT_EQ(Value(-3).as_big_integer().to_string(), "-3");
  testing::expect_throw_with<ValueError>([&] { static_cast<void>(value.as_int()); },
                                         "does not fit 64 bits");
  const Value huge = BigInteger::from_bytes(std::string(4000, '\x01'));
  testing::expect_throw_with<ValueError>([&] { static_cast<void>(huge.as_double()); },
                                         "beyond the range of float64");
  Dict dict;
  dict.set(value, "found");
  dict.set(huge, "too");
  EXPECT_EQ(dict.at(0x1p64).as_string(), "found");
  EXPECT_EQ(dict.at(huge).as_string(), "too");
}

}  // namespace
}  // namespace wick
