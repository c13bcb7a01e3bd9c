// SPDX-License-Identifier: MIT
#include "serialize/inflate.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace wick {
namespace {

constexpr std::size_t kMaxCodeBits = 15;
constexpr std::size_t kLiterals = 288;  // codes for bytes, the end of a block, and lengths
constexpr std::size_t kDistances = 30;
constexpr std::uint32_t kEndOfBlock = 256;

struct Damaged {};

// Bits of the packed data, the lowest of each byte first.
class Bits {
 public:
  explicit Bits(const PackedSource& source) : source_(source) {}

  std::uint32_t take(unsigned count) {
    while (held_ < count) {
      word_ |= std::uint64_t{next_byte()} << held_;
      held_ += 8;
    }
    const auto value = static_cast<std::uint32_t>(word_ & ((std::uint64_t{1} << count) - 1));
    word_ >>= count;
    held_ -= count;
    return value;
  }
  // Up to the next byte.
  void align() { take(held_ % 8); }
  unsigned char next_byte() {
    if (piece_.empty()) piece_ = source_();
    if (piece_.empty()) throw Damaged();
    const auto byte = static_cast<unsigned char>(piece_.front());
    piece_ = piece_.subspan(1);
    return byte;
  }

 private:
  const PackedSource& source_;
  std::span<const char> piece_;
  std::uint64_t word_ = 0;
  unsigned held_ = 0;
};

// A canonical Huffman code: codes of one length are consecutive numbers, in the order of what they
// stand for.
class Code {
 public:
  explicit Code(std::span<const std::uint8_t> lengths) {
    for (const std::uint8_t length : lengths) ++count_.at(length);
    count_[0] = 0;
    int left = 1;  // codes that are free at this length
    for (std::size_t bits = 1; bits <= kMaxCodeBits; ++bits) {
      left = 2 * left - count_.at(bits);
      if (left < 0) throw Damaged();
    }
    std::array<std::size_t, kMaxCodeBits + 2> place{};
    for (std::size_t bits = 1; bits <= kMaxCodeBits; ++bits) {
      place.at(bits + 1) = place.at(bits) + static_cast<std::size_t>(count_.at(bits));
    }
    for (std::size_t symbol = 0; symbol < lengths.size(); ++symbol) {
      if (lengths[symbol] == 0) continue;
      symbols_.at(place.at(lengths[symbol])++) = static_cast<std::uint16_t>(symbol);
    }
  }

  std::uint32_t take(Bits& bits) const {
    int code = 0;
    int first = 0;          // code of this length
    std::size_t index = 0;  // of it among the symbols
    for (std::size_t length = 1; length <= kMaxCodeBits; ++length) {
      code |= static_cast<int>(bits.take(1));
      const int count = count_.at(length);
      if (code - first < count) return symbols_.at(index + static_cast<std::size_t>(code - first));
      index += static_cast<std::size_t>(count);
      first = (first + count) << 1;
      code <<= 1;
    }
    throw Damaged();
  }

 private:
  std::array<int, kMaxCodeBits + 1> count_{};  // of codes, by length
  std::array<std::uint16_t, kLiterals> symbols_{};
};

class Inflater {
 public:
  Inflater(const PackedSource& source, std::size_t count) : bits_(source), wanted_(count) {}

  std::string run() {
    bool last = false;
    while (!last && out_.size() < wanted_) {
      last = bits_.take(1) != 0;
      switch (bits_.take(2)) {
        case 0: copy_stored(); break;
        case 1: unpack(fixed_literals(), fixed_distances()); break;
        case 2: unpack_dynamic(); break;
        default: throw Damaged();
      }
    }
    return std::move(out_);
  }

 private:
  void copy_stored() {
    bits_.align();
    const std::uint32_t length = bits_.take(16);
    if ((length ^ bits_.take(16)) != 0xFFFF) throw Damaged();
    for (std::uint32_t i = 0; i < length && out_.size() < wanted_; ++i) {
      out_.push_back(static_cast<char>(bits_.take(8)));
    }
  }

  static Code fixed_literals() {
    std::array<std::uint8_t, kLiterals> lengths{};
    std::fill_n(lengths.begin(), 144, std::uint8_t{8});
    std::fill_n(lengths.begin() + 144, 112, std::uint8_t{9});
    std::fill_n(lengths.begin() + 256, 24, std::uint8_t{7});
    std::fill_n(lengths.begin() + 280, 8, std::uint8_t{8});
    return Code(lengths);
  }
  static Code fixed_distances() {
    std::array<std::uint8_t, kDistances> lengths{};
    lengths.fill(5);
    return Code(lengths);
  }

  // The lengths of the two codes, packed by a third one.
  void unpack_dynamic() {
    static constexpr std::array<std::uint8_t, 19> kOrder = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                            11, 4,  12, 3, 13, 2, 14, 1, 15};
    const std::size_t literals = bits_.take(5) + 257;
    const std::size_t distances = bits_.take(5) + 1;
    const std::size_t packed = bits_.take(4) + 4;
    if (literals > 286 || distances > kDistances) throw Damaged();
    std::array<std::uint8_t, kOrder.size()> first{};
    for (std::size_t i = 0; i < packed; ++i) {
      first.at(kOrder.at(i)) = static_cast<std::uint8_t>(bits_.take(3));
    }
    const Code code(first);
    std::array<std::uint8_t, 286 + kDistances> lengths{};
    for (std::size_t done = 0; done < literals + distances;) {
      const std::uint32_t symbol = code.take(bits_);
      if (symbol < 16) {
        lengths.at(done++) = static_cast<std::uint8_t>(symbol);
        continue;
      }
      if (symbol == 16 && done == 0) throw Damaged();
      const std::uint8_t repeated = symbol == 16 ? lengths.at(done - 1) : std::uint8_t{0};
      const std::size_t times = symbol == 16   ? 3 + bits_.take(2)
                                : symbol == 17 ? 3 + bits_.take(3)
                                               : 11 + bits_.take(7);
      if (times > literals + distances - done) throw Damaged();
      std::fill_n(lengths.begin() + static_cast<std::ptrdiff_t>(done), times, repeated);
      done += times;
    }
    if (lengths.at(kEndOfBlock) == 0) throw Damaged();
    const std::span<const std::uint8_t> all(lengths);
    unpack(Code(all.first(literals)), Code(all.subspan(literals, distances)));
  }

  // One block: bytes, and copies of what came before.
  void unpack(const Code& literals, const Code& distances) {
    static constexpr std::array<std::uint16_t, 29> kLength = {
        3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
        31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    static constexpr std::array<std::uint8_t, 29> kLengthBits = {
        0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    static constexpr std::array<std::uint16_t, kDistances> kDistance = {
        1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
        193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
    static constexpr std::array<std::uint8_t, kDistances> kDistanceBits = {
        0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
        6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};
    while (out_.size() < wanted_) {
      const std::uint32_t symbol = literals.take(bits_);
      if (symbol < kEndOfBlock) {
        out_.push_back(static_cast<char>(symbol));
        continue;
      }
      if (symbol == kEndOfBlock) return;
      const std::size_t which = symbol - kEndOfBlock - 1;
      if (which >= kLength.size()) throw Damaged();
      const std::size_t length = kLength.at(which) + bits_.take(kLengthBits.at(which));
      const std::uint32_t from = distances.take(bits_);
      if (from >= kDistance.size()) throw Damaged();
      const std::size_t distance = kDistance.at(from) + bits_.take(kDistanceBits.at(from));
      if (distance > out_.size()) throw Damaged();
      for (std::size_t i = 0; i < length && out_.size() < wanted_; ++i) {
        out_.push_back(out_[out_.size() - distance]);
      }
    }
  }

  Bits bits_;
  std::size_t wanted_;
  std::string out_;
};

}  // namespace

std::optional<std::string> inflate_beginning(const PackedSource& source, std::size_t count) {
  try {
    return Inflater(source, count).run();
  } catch (const Damaged&) {
    return std::nullopt;
  }
}

}  // namespace wick
