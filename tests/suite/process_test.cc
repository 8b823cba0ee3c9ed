#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/measure/fresh_process.h"
#include "harness/suite/worker/protocol.h"

namespace loadpath {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

FreshProcess Shell(const std::string& script) { return FreshProcess({"/bin/sh", "-c", script}); }

std::string Asked(const std::string& script, double limit_seconds = 60) {
  return Shell(script).Ask("question", limit_seconds);
}

TEST(FreshProcess, AnswersLinesForLines) {
  FreshProcess echo = Shell("while read line; do echo \"<$line>\"; done; exit 3");
  EXPECT_EQ(echo.Ask("one", 60), "<one>");
  EXPECT_EQ(echo.Ask("two", 60), "<two>");
  EXPECT_EQ(echo.End(60), 3);
}

TEST(FreshProcess, OfWhatItWritesEachLineIsOneAnswer) {
  FreshProcess eager = Shell("printf 'a\nb\n'; read line; exit 0");
  EXPECT_EQ(eager.Ask("", 60), "a");
  EXPECT_EQ(eager.Ask("", 60), "b");
}

TEST(FreshProcess, ThatHangsIsEnded) {
  EXPECT_THAT([] { Asked("exec sleep 600", 0.2); },
              ThrowsMessage<std::runtime_error>("/bin/sh: took longer than 1 s and was ended"));
  EXPECT_THAT([] { Asked("printf 'no end of the line'; exec sleep 600", 0.2); },
              ThrowsMessage<std::runtime_error>("/bin/sh: took longer than 1 s and was ended"));
  EXPECT_THAT([] { Shell("exec sleep 600").End(0.2); },
              ThrowsMessage<std::runtime_error>("/bin/sh: took longer than 1 s and was ended"));
}

TEST(FreshProcess, ThatEndsItsOutputAndStaysIsEnded) {
  const char* script = "exec >&-; exec sleep 600";
  EXPECT_THAT([&] { Asked(script, 0.3); },
              ThrowsMessage<std::runtime_error>("/bin/sh: took longer than 1 s and was ended"));
  EXPECT_THAT([&] { Shell(script).End(0.3); },
              ThrowsMessage<std::runtime_error>("/bin/sh: took longer than 1 s and was ended"));
}

TEST(FreshProcess, ThatDiesSaysHow) {
  EXPECT_THAT([] { Asked("exit 7"); },
              ThrowsMessage<std::runtime_error>("/bin/sh: ended with status 7 and without an answer"));
  EXPECT_THAT([] { Asked("kill -9 $$"); },
              ThrowsMessage<std::runtime_error>("/bin/sh: was ended by signal 9 (Killed) and without an answer"));
}

TEST(FreshProcess, ThatDoesNotListenIsNoHangAndNoSignal) {
  FreshProcess deaf = Shell("exec 0<&-; sleep 0.2; exit 4");
  EXPECT_THAT([&] { deaf.Ask(std::string(1 << 20, 'x'), 60); },
              ThrowsMessage<std::runtime_error>("/bin/sh: ended with status 4 and without an answer"));
  EXPECT_THAT([&] { deaf.Ask("again", 60); }, ThrowsMessage<std::runtime_error>("/bin/sh: has ended"));
}

TEST(FreshProcess, ThatNeverEndsItsLineIsEndedAtALimit) {
  EXPECT_THAT([] { Asked("exec cat /dev/zero"); },
              ThrowsMessage<std::runtime_error>("/bin/sh: answered with more than 256 MiB and was ended"));
}

TEST(FreshProcess, ThatCannotBeStartedIsNamed) {
  EXPECT_THAT([] { FreshProcess({"/no/such/program"}); },
              ThrowsMessage<std::runtime_error>("/no/such/program: cannot be started: No such file or directory"));
}

TEST(WorkerSamples, AreReadAsTheyAreWritten) {
  const WorkerSamples written{.name = "load/linear/zip/bare/direct/cpu/hot",
                              .samples = {{.wall_ns = 5,
                                           .cpu_ns = 4,
                                           .phases_ns = {{"open", 2}, {"load", 3}},
                                           .costs = {{"bytes", 88}},
                                           .minor_faults = 1,
                                           .major_faults = 0,
                                           .peak_extra_bytes = 9,
                                           .peak_bytes = 10,
                                           .residency_before = 1,
                                           .residency_after = 0.5,
                                           .touch_rate = 1e9,
                                           .round = 2,
                                           .position = 3,
                                           .checked = true}},
                              .bytes = 88,
                              .difference = "no difference"};
  const WorkerSamples read = ParseSamples(ToLine(written));
  EXPECT_EQ(ToLine(read), ToLine(written));
  EXPECT_EQ(read.samples.at(0).costs.at("bytes"), 88U);
  EXPECT_EQ(read.samples.at(0).peak_bytes, 10U);
  const WorkerSamples skipped{.name = "x", .status = Status::kSkipped, .reason = "why"};
  EXPECT_EQ(ParseSamples(ToLine(skipped)).reason, "why");
}

TEST(WorkerSamples, OfNonsenseAreAReason) {
  for (const char* line : {"", "hello", "[]", "{}", "{\"case\":1}", R"({"case":"x","status":"fine","samples":[]})",
                           R"({"case":"x","status":"ok","samples":[{"round":0}]})", "{\"case\":\"x\""}) {
    EXPECT_THAT([&] { ParseSamples(line); },
                ThrowsMessage<std::runtime_error>(HasSubstr("answered what is not the language of a worker: ")))
        << line;
  }
  EXPECT_THAT([] { ParseSamples(std::string(1000, 'x')); },
              ThrowsMessage<std::runtime_error>(HasSubstr(std::string(80, 'x') + "… (")));
  EXPECT_THAT([] { ParseSamples(R"({"error":"no case x"})"); },
              ThrowsMessage<std::runtime_error>("answered: no case x"));
}

}  // namespace
}  // namespace loadpath
