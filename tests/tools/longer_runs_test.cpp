// SPDX-License-Identifier: MIT
// A finished run goes on with --resume FILE --epochs N.
#include <string>

#include <gmock/gmock.h>

#include "tests/tools/programs_fixture.h"

namespace wick::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class LongerRuns : public Programs, public ::testing::WithParamInterface<Arguments> {
 protected:
  [[nodiscard]] Arguments with_epochs(const std::string& count) const {
    Arguments options = GetParam();
    options.insert(options.end(), {"--epochs", count});
    return options;
  }
  [[nodiscard]] double rate_of(const std::string& file) const {
    return load(at(file)).at("opt").at("param_groups").at_index(0).at("lr").as_double();
  }
  [[nodiscard]] double last_rate_of(const std::string& file) const {
    return load(at(file)).at("scheduler").at("_last_lr").at_index(0).as_double();
  }
};

/// Ways of learning whose rates do not depend on the number of epochs.
using AnyLength = LongerRuns;

TEST_P(AnyLength, AreThoseThatWereAsLongFromTheStart) {
  ASSERT_EQ(train(training("short", with_epochs("1"))).status, 0);
  const ProcessResult more = train({"--resume", at("short/last.tar"), "--epochs", "3"});
  ASSERT_EQ(more.status, 0) << more.err;
  EXPECT_THAT(more.out, HasSubstr("epoch 3: loss"));
  EXPECT_THAT(more.out, Not(HasSubstr("goes on at the rates")));
  ASSERT_EQ(train(training("whole", with_epochs("3"))).status, 0);
  expect_same_run("whole/last.tar", "short/last.tar");
}

INSTANTIATE_TEST_SUITE_P(
    Ways, AnyLength,
    ::testing::Values(Arguments{"--scheduler", "none"},
                      Arguments{"--scheduler", "step", "--step-size", "2", "--gamma", "0.5"},
                      Arguments{"--scheduler", "multistep", "--milestones", "1,2"},
                      Arguments{"--scheduler", "exponential", "--gamma", "0.5"},
                      Arguments{"--scheduler", "restarts", "--step-size", "2"},
                      Arguments{"--scheduler", "none", "--optimizer", "sgd", "--momentum", "0.9",
                                "--lr", "0.05", "--val-split", "0.2", "--normalize"}));

/// Those whose rates depend on it: from there on they are the ones of the longer run.
using StretchedRuns = LongerRuns;

TEST_P(StretchedRuns, GoOnAtTheRatesOfALongerRun) {
  ASSERT_EQ(train(training("short", with_epochs("1"))).status, 0);
  ASSERT_EQ(train(training("whole", with_epochs("3"))).status, 0);
  const double at_the_end = rate_of("short/last.tar");
  EXPECT_LT(at_the_end, 1e-5);
  const ProcessResult more =
      train({"--resume", at("short/last.tar"), "--epochs", "3", "--checkpoint-dir", at("longer")});
  ASSERT_EQ(more.status, 0) << more.err;
  EXPECT_THAT(more.out, HasSubstr("goes on at the rates of a run of 3 epochs, with 0.0"));
  EXPECT_THAT(more.out, HasSubstr("it began as one of 1"));
  // After the second epoch and at the end, to the last bit.
  for (const char* const name : {"model_dnn_1.tar", "last.tar"}) {
    const std::string longer = std::string("longer/") + name;
    const std::string whole = std::string("whole/") + name;
    EXPECT_EQ(rate_of(longer), rate_of(whole)) << name;
    EXPECT_EQ(last_rate_of(longer), last_rate_of(whole)) << name;
    EXPECT_TRUE(load(at(longer)).at("scheduler") == load(at(whole)).at("scheduler")) << name;
  }
  EXPECT_GT(rate_of("longer/model_dnn_1.tar"), at_the_end);
  // It has learned in the meantime, and not what the run that was planned so has learned.
  EXPECT_FALSE(load(at("longer/last.tar")).at("model") == load(at("short/last.tar")).at("model"));
  EXPECT_FALSE(load(at("longer/last.tar")).at("model") == load(at("whole/last.tar")).at("model"));
}

TEST_P(StretchedRuns, AreResumedToTheSameBits) {
  ASSERT_EQ(train(training("short", with_epochs("1"))).status, 0);
  const ProcessResult longer =
      train({"--resume", at("short/last.tar"), "--epochs", "3", "--checkpoint-dir", at("longer")});
  ASSERT_EQ(longer.status, 0) << longer.err;
  const ProcessResult again =
      train({"--resume", at("longer/model_dnn_1.tar"), "--checkpoint-dir", at("again")});
  ASSERT_EQ(again.status, 0) << again.err;
  expect_same_run("longer/last.tar", "again/last.tar");
}

INSTANTIATE_TEST_SUITE_P(
    Ways, StretchedRuns,
    ::testing::Values(Arguments{"--scheduler", "linear"},
                      Arguments{"--scheduler", "polynomial", "--power", "2", "--lr", "0.005"},
                      Arguments{"--scheduler", "cosine"}, Arguments{"--scheduler", "onecycle"},
                      Arguments{"--scheduler", "cosine", "--optimizer", "sgd", "--momentum", "0.9",
                                "--lr", "0.05"}));

class RunLengths : public Programs {};

TEST_F(RunLengths, FewerEpochsThanAreDoneAreRefused) {
  ASSERT_EQ(train(training("run", {"--epochs", "2"})).status, 0);
  for (const char* const epochs : {"1", "0"}) {
    expect_refused(train({"--resume", at("run/last.tar"), "--epochs", epochs}), 1,
                   std::string("--epochs is ") + epochs +
                       ", but 2 are done; give the number of all epochs together");
  }
  EXPECT_EQ(train({"--resume", at("run/last.tar"), "--epochs", "2"}).status, 0);
}

TEST_F(RunLengths, AShorterRunEndsWhereItSays) {
  ASSERT_EQ(train(training("run", {"--epochs", "3"})).status, 0);
  ASSERT_EQ(train({"--resume", at("run/model_dnn_0.tar"), "--epochs", "2", "--checkpoint-dir",
                   at("shorter")})
                .status,
            0);
  const Value checkpoint = load(at("shorter/last.tar"));
  EXPECT_EQ(checkpoint.at("epoch").as_int(), 2);
  EXPECT_EQ(checkpoint.at("config").at("epochs").as_int(), 2);
  EXPECT_LT(checkpoint.at("scheduler").at("_last_lr").at_index(0).as_double(), 1e-9);
}

TEST_F(RunLengths, HelpSaysHowSchedulesGoOn) {
  const std::string help = train({"--help"}).out;
  EXPECT_THAT(help, HasSubstr("With --epochs N"));
  EXPECT_THAT(help, HasSubstr("cosine and onecycle, whose rates depend on N"));
}

}  // namespace
}  // namespace wick::testing
