// SPDX-License-Identifier: MIT
// The progress bar, drawn to a string under a clock that the test moves.
#include "tools/progress_bar.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <sstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace wick::tools {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Bench {
  explicit Bench(bool terminal, std::int64_t total, int width = 80) {
    options.label = "Epoch 1/2";
    options.unit = "batch";
    options.total = total;
    options.terminal = terminal;
    options.width = width;
    options.clock = [this] {
      ++looks;
      return now;
    };
  }
  [[nodiscard]] std::string last_line() const {
    const std::string all = out.str();
    return all.substr(all.rfind('\r') + 1);
  }
  double now = 100;
  int looks = 0;
  std::ostringstream out;
  ProgressBarOptions options;
};

TEST(ProgressBar, DrawsWhatTqdmDraws) {
  Bench bench(true, 1875);
  ProgressBar bar(bench.out, bench.options);
  bar.set_note_name("loss");
  for (int i = 0; i < 812; ++i) {
    bench.now += 0.001;
    bar.advance(0.34214);
  }
  bench.now += 0.188;
  bar.finish();
  EXPECT_THAT(bench.last_line(),
              StartsWith("Epoch 1/2:  43%|████▊      | 812/1875 [00:01<00:01, 812.0 batch/s, "
                         "loss=0.3421]"));
}

TEST(ProgressBar, IsSeldomDrawnAndSeldomReadsTheClock) {
  Bench bench(true, 100000);
  ProgressBar bar(bench.out, bench.options);
  for (int i = 0; i < 100000; ++i) {
    bench.now += 0.0001;  // ten seconds in all
    bar.advance(1.0);
  }
  const std::string all = bench.out.str();
  const auto drawings = std::count(all.begin(), all.end(), '\r');
  EXPECT_LE(drawings, 102);
  EXPECT_GE(drawings, 50);
  EXPECT_LE(bench.looks, 250);
}

TEST(ProgressBar, KeepsUpWithARateThatDrops) {
  Bench bench(true, 100000);
  ProgressBar bar(bench.out, bench.options);
  for (int i = 0; i < 20000; ++i) {
    bench.now += 0.0001;
    bar.advance(1.0);
  }
  // From 10,000 steps a second to 100: the stale estimate lasts for 500 steps at most.
  const int before = bench.looks;
  for (int i = 0; i < 1500; ++i) {
    bench.now += 0.01;
    bar.advance(1.0);
  }
  EXPECT_GE(bench.looks - before, 50);
}

int columns_of(std::string_view line) {
  constexpr int kErase = 3;
  return static_cast<int>(
             std::count_if(line.begin(), line.end(),
                           [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; })) -
         kErase;
}

TEST(ProgressBar, IsNeverAsWideAsTheTerminal) {
  for (int width = 1; width <= 200; ++width) {
    Bench bench(true, 10, width);
    ProgressBar bar(bench.out, bench.options);
    bar.set_note_name("loss");
    bench.now += 1;
    bar.advance(1.0);
    bar.finish();
    const std::string line = bench.last_line();
    const std::string shown = line.substr(0, line.find('\n'));
    EXPECT_LT(columns_of(shown), width) << shown;
    if (width >= 26) {
      EXPECT_THAT(line, HasSubstr("1/10"));
    }
  }
}

TEST(ProgressBar, FollowsAWindowThatChanges) {
  Bench bench(true, 1000);
  int width = 120;
  bench.options.measure_width = [&width] { return width; };
  ProgressBar bar(bench.out, bench.options);
  for (const int now : {120, 60, 30, 5, 200, 80}) {
    width = now;
    bench.now += 1;
    bar.advance(1.0, 100);
    EXPECT_LT(columns_of(bench.last_line()), now);
    EXPECT_GE(columns_of(bench.last_line()), std::min(now, 70) - 1);
  }
  width = 0;  // not known: the last one stays
  bench.now += 1;
  bar.advance(1.0, 100);
  EXPECT_LT(columns_of(bench.last_line()), 80);
  EXPECT_GE(columns_of(bench.last_line()), 69);
}

TEST(ProgressBar, AsksARealTerminalBeforeEachDrawing) {
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_GE(terminal, 0);
  winsize size{.ws_row = 24, .ws_col = 100, .ws_xpixel = 0, .ws_ypixel = 0};
  ASSERT_EQ(::ioctl(terminal, TIOCSWINSZ, &size), 0);
  ProgressBarOptions options;
  ask_terminal(options, terminal);
  EXPECT_TRUE(options.terminal);
  EXPECT_EQ(options.width, 100);
  size.ws_col = 33;
  ASSERT_EQ(::ioctl(terminal, TIOCSWINSZ, &size), 0);
  ASSERT_TRUE(options.measure_width);
  EXPECT_EQ(options.measure_width(), 33);
  ::close(terminal);
}

TEST(ProgressBar, ColumnsAreNotBytes) {
  EXPECT_EQ(first_columns("█▌x", 2), "█▌");
  EXPECT_EQ(first_columns("█▌x", 9), "█▌x");
  EXPECT_EQ(first_columns("abc", 0), "");
  EXPECT_EQ(first_columns("", 3), "");
}

TEST(ProgressBar, WritesPlainLinesElsewhere) {
  Bench bench(false, 1000);
  ProgressBar bar(bench.out, bench.options);
  for (int i = 0; i < 1000; ++i) {
    bench.now += 0.0625;
    bar.advance(0.5);
  }
  bar.finish();
  const std::string all = bench.out.str();
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 10);
  EXPECT_EQ(all.find('\r'), std::string::npos);
  EXPECT_EQ(all.find('\x1b'), std::string::npos);
  EXPECT_THAT(all, StartsWith("Epoch 1/2:  10%|█         | 100/1000 [00:06<00:56, 16.0 batch/s"));
}

TEST(ProgressBar, WritesOneLineForWhatIsQuick) {
  Bench bench(false, 1000);
  ProgressBar bar(bench.out, bench.options);
  for (int i = 0; i < 1000; ++i) {
    bench.now += 0.0001;
    bar.advance(0.5);
  }
  bar.finish();
  EXPECT_THAT(bench.out.str(), StartsWith("Epoch 1/2: 100%|██████████| 1000/1000 [00:00<00:00"));
  const std::string all = bench.out.str();
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 1);
}

TEST(ProgressBar, CountsTheRateFromWhereItBegan) {
  Bench bench(false, 1000);
  bench.options.initial = 900;
  ProgressBar bar(bench.out, bench.options);
  bench.now += 10;
  bar.advance(0.5, 100);
  bar.finish();
  EXPECT_THAT(bench.out.str(), HasSubstr("1000/1000 [00:10<00:00, 10.0 batch/s"));
}

TEST(ProgressBar, TakesAnEmptyTask) {
  Bench bench(true, 0);
  ProgressBar bar(bench.out, bench.options);
  bar.finish();
  EXPECT_THAT(bench.last_line(), HasSubstr("0/0"));
}

TEST(FormatDuration, ReadsLikeAClock) {
  EXPECT_EQ(format_duration(0), "00:00");
  EXPECT_EQ(format_duration(61.9), "01:01");
  EXPECT_EQ(format_duration(3723), "1:02:03");
  EXPECT_EQ(format_duration(HUGE_VAL), "?");
}

TEST(FormatBar, FillsByEighths) {
  EXPECT_EQ(format_bar(0, 3), "   ");
  EXPECT_EQ(format_bar(0.5, 3), "█▌ ");
  EXPECT_EQ(format_bar(1, 3), "███");
  EXPECT_EQ(format_bar(7, 2), "██");
}

}  // namespace
}  // namespace wick::tools
