// SPDX-License-Identifier: MIT
// The strokes of the ten digits.
#include "tools/data/strokes.h"

#include <array>

namespace wick::tools {
namespace {

using std::array;

// A closed curve repeats its first points, so that the pen passes its start smoothly.
constexpr array kZeroRound = {Point{.55F, .0F},  Point{.18F, .16F}, Point{.04F, .52F},
                              Point{.2F, .88F},  Point{.5F, 1.F},   Point{.83F, .82F},
                              Point{.96F, .46F}, Point{.82F, .12F}, Point{.52F, .0F}};
constexpr array kZeroOpen = {Point{.7F, .07F},  Point{.3F, .06F},  Point{.05F, .5F},
                             Point{.26F, .94F}, Point{.68F, .95F}, Point{.95F, .5F},
                             Point{.78F, .1F},  Point{.5F, .0F}};
constexpr array kOneBar = {Point{.5F, .0F}, Point{.5F, 1.F}};
constexpr array kOneFlag = {Point{.1F, .24F}, Point{.56F, .0F}, Point{.56F, 1.F}};
constexpr array kOneBase = {Point{.1F, 1.F}, Point{.98F, 1.F}};
constexpr array kTwoHead = {Point{.08F, .25F}, Point{.28F, .04F}, Point{.62F, .0F},
                            Point{.88F, .2F},  Point{.78F, .48F}, Point{.42F, .78F},
                            Point{.04F, 1.F}};
constexpr array kTwoFoot = {Point{.04F, 1.F}, Point{.98F, .96F}};
constexpr array kTwoLooped = {
    Point{.1F, .2F},  Point{.4F, .0F},   Point{.8F, .12F}, Point{.82F, .42F}, Point{.52F, .76F},
    Point{.2F, .98F}, Point{.02F, .88F}, Point{.2F, .76F}, Point{.55F, .92F}, Point{1.F, .94F}};
constexpr array kThreeRound = {Point{.08F, .14F}, Point{.4F, .0F}, Point{.82F, .12F},
                               Point{.78F, .36F}, Point{.42F, .47F}};
constexpr array kThreeBelly = {Point{.42F, .47F}, Point{.8F, .55F}, Point{.92F, .76F},
                               Point{.62F, .98F}, Point{.3F, 1.F},  Point{.04F, .86F}};
constexpr array kThreeFlat = {Point{.08F, .03F}, Point{.86F, .02F}, Point{.42F, .42F}};
constexpr array kThreeFlatBelly = {Point{.42F, .42F}, Point{.8F, .5F},  Point{.92F, .74F},
                                   Point{.6F, .98F},  Point{.28F, 1.F}, Point{.02F, .86F}};
constexpr array kFourOpen = {Point{.2F, .0F}, Point{.06F, .56F}, Point{.98F, .54F}};
constexpr array kFourOpenBar = {Point{.78F, .08F}, Point{.7F, 1.F}};
constexpr array kFourClosed = {Point{.68F, .0F}, Point{.02F, .66F}, Point{1.F, .66F}};
constexpr array kFourClosedBar = {Point{.68F, .0F}, Point{.68F, 1.F}};
constexpr array kFourRound = {Point{.16F, .0F}, Point{.06F, .34F}, Point{.24F, .54F},
                              Point{.6F, .5F}, Point{.8F, .3F}};
constexpr array kFourRoundBar = {Point{.88F, .02F}, Point{.78F, .44F}, Point{.72F, 1.F}};
constexpr array kFiveTop = {Point{.94F, .02F}, Point{.24F, .03F}, Point{.16F, .44F}};
constexpr array kFiveBelly = {Point{.16F, .44F}, Point{.5F, .36F}, Point{.86F, .52F},
                              Point{.86F, .82F}, Point{.5F, 1.F},  Point{.06F, .9F}};
constexpr array kFiveCurl = {Point{.9F, .0F},   Point{.3F, .06F},  Point{.18F, .36F},
                             Point{.58F, .46F}, Point{.84F, .68F}, Point{.66F, .94F},
                             Point{.3F, 1.F},   Point{.04F, .88F}};
constexpr array kSixTall = {Point{.72F, .0F}, Point{.36F, .22F}, Point{.1F, .6F},
                            Point{.18F, .9F}, Point{.52F, 1.F},  Point{.86F, .84F},
                            Point{.78F, .6F}, Point{.46F, .54F}, Point{.16F, .72F}};
constexpr array kSixRound = {
    Point{.86F, .12F}, Point{.6F, .0F},  Point{.24F, .2F},  Point{.06F, .6F}, Point{.24F, .94F},
    Point{.62F, .98F}, Point{.9F, .76F}, Point{.66F, .52F}, Point{.3F, .56F}, Point{.1F, .74F}};
constexpr array kSevenPlain = {Point{.04F, .04F}, Point{.96F, .03F}, Point{.4F, 1.F}};
constexpr array kSevenTop = {Point{.06F, .16F}, Point{.1F, .02F}, Point{.94F, .05F}};
constexpr array kSevenStem = {Point{.94F, .05F}, Point{.66F, .4F}, Point{.5F, .7F},
                              Point{.44F, 1.F}};
constexpr array kSevenBar = {Point{.28F, .5F}, Point{.86F, .46F}};
constexpr array kEightCrossed = {Point{.82F, .16F}, Point{.54F, .0F},  Point{.2F, .14F},
                                 Point{.34F, .4F},  Point{.72F, .58F}, Point{.88F, .82F},
                                 Point{.5F, 1.F},   Point{.12F, .84F}, Point{.3F, .58F},
                                 Point{.68F, .4F},  Point{.84F, .18F}, Point{.62F, .02F}};
constexpr array kEightUpper = {Point{.5F, .46F}, Point{.2F, .36F}, Point{.2F, .12F},
                               Point{.5F, .0F},  Point{.8F, .12F}, Point{.8F, .36F},
                               Point{.48F, .46F}};
constexpr array kEightLower = {Point{.48F, .46F}, Point{.12F, .6F}, Point{.1F, .86F},
                               Point{.5F, 1.F},   Point{.9F, .86F}, Point{.86F, .6F},
                               Point{.5F, .46F}};
constexpr array kNineHead = {Point{.86F, .16F}, Point{.54F, .0F}, Point{.14F, .14F},
                             Point{.14F, .42F}, Point{.5F, .52F}, Point{.82F, .36F},
                             Point{.88F, .14F}};
constexpr array kNineStraight = {Point{.88F, .14F}, Point{.84F, .5F}, Point{.76F, 1.F}};
constexpr array kNineHook = {Point{.88F, .14F}, Point{.9F, .56F}, Point{.68F, .94F},
                             Point{.34F, 1.F}, Point{.12F, .88F}};

constexpr array kZeroA = {Stroke{kZeroRound, true}};
constexpr array kZeroB = {Stroke{kZeroOpen, true}};
constexpr array kOneA = {Stroke{kOneBar}};
constexpr array kOneB = {Stroke{kOneFlag}};
constexpr array kOneC = {Stroke{kOneFlag}, Stroke{kOneBase}};
constexpr array kTwoA = {Stroke{kTwoHead, true}, Stroke{kTwoFoot}};
constexpr array kTwoB = {Stroke{kTwoLooped, true}};
constexpr array kThreeA = {Stroke{kThreeRound, true}, Stroke{kThreeBelly, true}};
constexpr array kThreeB = {Stroke{kThreeFlat}, Stroke{kThreeFlatBelly, true}};
constexpr array kFourA = {Stroke{kFourOpen}, Stroke{kFourOpenBar}};
constexpr array kFourB = {Stroke{kFourClosed}, Stroke{kFourClosedBar}};
constexpr array kFourC = {Stroke{kFourRound, true}, Stroke{kFourRoundBar, true}};
constexpr array kFiveA = {Stroke{kFiveTop}, Stroke{kFiveBelly, true}};
constexpr array kFiveB = {Stroke{kFiveCurl, true}};
constexpr array kSixA = {Stroke{kSixTall, true}};
constexpr array kSixB = {Stroke{kSixRound, true}};
constexpr array kSevenA = {Stroke{kSevenPlain}};
constexpr array kSevenB = {Stroke{kSevenTop}, Stroke{kSevenStem, true}};
constexpr array kSevenC = {Stroke{kSevenTop}, Stroke{kSevenStem, true}, Stroke{kSevenBar}};
constexpr array kEightA = {Stroke{kEightCrossed, true}};
constexpr array kEightB = {Stroke{kEightUpper, true}, Stroke{kEightLower, true}};
constexpr array kNineA = {Stroke{kNineHead, true}, Stroke{kNineStraight, true}};
constexpr array kNineB = {Stroke{kNineHead, true}, Stroke{kNineHook, true}};

// Where a manner is the common one, it stands here more than once.
constexpr array kZero = {Glyph{kZeroA, .95F}, Glyph{kZeroB, .9F}};
constexpr array kOne = {Glyph{kOneA, .5F}, Glyph{kOneA, .5F}, Glyph{kOneB, .5F}, Glyph{kOneC, .6F}};
constexpr array kTwo = {Glyph{kTwoA}, Glyph{kTwoB}};
constexpr array kThree = {Glyph{kThreeA, .9F}, Glyph{kThreeA, .9F}, Glyph{kThreeB, .9F}};
constexpr array kFour = {Glyph{kFourA, .9F}, Glyph{kFourB, .95F}, Glyph{kFourC, .85F}};
constexpr array kFive = {Glyph{kFiveA, .9F}, Glyph{kFiveA, .9F}, Glyph{kFiveB, .9F}};
constexpr array kSix = {Glyph{kSixA, .85F}, Glyph{kSixB, .85F}};
constexpr array kSeven = {Glyph{kSevenA, .9F}, Glyph{kSevenB, .9F}, Glyph{kSevenC, .9F}};
constexpr array kEight = {Glyph{kEightA, .85F}, Glyph{kEightB, .8F}};
constexpr array kNine = {Glyph{kNineA, .8F}, Glyph{kNineA, .8F}, Glyph{kNineB, .85F}};

constexpr array<std::span<const Glyph>, 10> kDigits = {kZero, kOne, kTwo,   kThree, kFour,
                                                       kFive, kSix, kSeven, kEight, kNine};

}  // namespace

std::span<const Glyph> glyphs_of(std::size_t digit) {
  return kDigits[digit];
}

}  // namespace wick::tools
