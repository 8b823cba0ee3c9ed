#include "harness/suite/report/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "harness/suite/run.h"

namespace loadpath {
namespace {

using testing::HasSubstr;
using testing::Not;

class FixedRun : public Run {
 public:
  using Run::Run;
  void Verify() override {}
  Sample TakeSample(bool) override { return {}; }
};

Record RecordOf(const std::string& path) {
  return FixedRun({.kind = CaseKind::kLoad,
                   .model = "multi:A+B",
                   .format = "safetensors",
                   .layout = "multi:twice",
                   .path = path,
                   .device = DeviceName{},
                   .cache = CacheState::kCold})
      .record;
}

Record TimedRecord(std::size_t samples) {
  Record record = RecordOf("pickle_load");
  record.samples.assign(samples, {.wall_ns = 123'456'789, .peak_extra_bytes = 497'759'232});
  record.bytes = 497'759'232;
  record.part_of_limit = 0.46;
  record.limit = "pread-fresh/threads:2";
  record.checked = record.outputs_checked = true;
  record.crc = {{"checked", 148}, {"not written", 1}};
  return record;
}

std::string LineWith(const std::string& text, const std::string& word) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.find(word) != std::string::npos) return line;
  }
  return "";
}

TEST(TableText, HasASectionAndALineForACase) {
  const Record record = TimedRecord(10);
  const std::string text = TableText({&record, 1}, {});
  EXPECT_THAT(text, HasSubstr("\nload/multi:A+B/safetensors/multi:twice\n  pickle_load/cpu/cold  "));
  EXPECT_THAT(LineWith(text, "pickle_load"),
              HasSubstr("123 ms  ±0.0%  123 ms  4.03 GB/s  46% fresh  497.8 MB  outputs+some crc"));
}

TEST(TableText, NoLineIsLongerThan100Characters) {
  for (const std::size_t samples : {1, 10, 100}) {
    const Record record = TimedRecord(samples);
    const std::string facts(40, 'x');
    std::istringstream lines(
        TableText({&record, 1}, {{"cpu", facts}, {"memory", facts}, {"commit", facts}, {"date", facts}}));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
  }
}

TEST(TableText, ColumnsWithoutAValueAreLeftOut) {
  Record record = RecordOf("direct");
  record.samples = {{.wall_ns = 5}};
  const std::string heads = LineWith(TableText({&record, 1}, {}), "case ");
  EXPECT_THAT(heads, HasSubstr("median"));
  EXPECT_THAT(heads, Not(HasSubstr("p90")));
  EXPECT_THAT(heads, Not(HasSubstr("of limit")));
}

TEST(TableText, ACaseThatWasNotTimedSaysWhy) {
  std::vector<Record> records = {TimedRecord(1), RecordOf("jit_load"), RecordOf("mmap"), RecordOf("assign"),
                                 RecordOf("copy")};
  records[1].status = records[3].status = records[4].status = Status::kSkipped;
  records[1].reason = records[4].reason = "it refuses " + std::string(60, 'x') + " a reason of more than a line";
  records[2].status = Status::kError;
  records[2].reason = "w differs";
  records[3].reason = "no such thing";
  const std::string text = TableText(records, {});
  EXPECT_THAT(LineWith(text, "  jit_load/"), "");
  EXPECT_THAT(text, HasSubstr("  mmap/cpu/cold\n    error: w differs\n"));
  EXPECT_THAT(text, HasSubstr("\n\nskipped 2 (jit_load, copy): it refuses " + std::string(60, 'x') +
                              "\n  a reason of more than a line\nskipped 1 (assign): no such thing\n"));
  const std::string verbose = TableText(records, {}, {}, {.verbose = true});
  for (const char* path : {"jit_load", "assign", "copy"})
    EXPECT_THAT(verbose, HasSubstr("\n  " + std::string(path) + "/cpu/cold  skipped\n"));
}

TEST(TableText, NotesWhatFellBackWhatWasDroppedAndWhatVaries) {
  Record record = TimedRecord(1);
  record.fallback = "copy: 1 strided in the file";
  record.dropped = 3;
  record.varying = {"bytes_read", "read_calls"};
  const std::string text = TableText({&record, 1}, {});
  EXPECT_THAT(text, HasSubstr("    fell back to copy: 1 strided in the file\n"));
  EXPECT_THAT(text, HasSubstr("    3 samples dropped: not as cold as the case says, or memory was not\n"));
  EXPECT_THAT(text, HasSubstr("    not the same in every sample: bytes_read, read_calls\n"));
}

// Returns the columns that a table of `width` characters has, as their heads stand.
std::string Heads(std::size_t width) {
  const Record record = TimedRecord(100);
  std::istringstream words(LineWith(TableText({&record, 1}, {}, {}, {.width = width}), "case "));
  std::string heads, word;
  while (words >> word) heads += word + " ";
  return heads;
}

TEST(TableText, ColumnsAreLeftOutThatHaveNoRoom) {
  EXPECT_EQ(Heads(140), "case median ± p90 p99 rate of limit extra checked ");
  EXPECT_EQ(Heads(100), "case median ± p90 rate of limit extra checked ");
  EXPECT_EQ(Heads(80), "case median ± rate of limit extra ");
  EXPECT_EQ(Heads(60), "case median ± rate of limit ");
  EXPECT_EQ(Heads(40), "case median ");
  const Record record = TimedRecord(100);
  EXPECT_THAT(TableText({&record, 1}, {}), Not(HasSubstr("left out")));
}

TEST(TableText, FitsIntoNarrowTerminals) {
  std::vector<Record> records = {TimedRecord(100), RecordOf("jit_load"), RecordOf("mmap")};
  records[1].status = Status::kSkipped;
  records[2].status = Status::kError;
  records[1].reason = records[2].reason = "there are many reasons why this case was not timed on this machine";
  const RunNotes notes = {.interrupted = true, .warnings = {"another run measures at the same time: process 12345"}};
  const Context context = {{"cpu", "AMD EPYC"}, {"processors", "2"}, {"libtorch", "2.15.0"}, {"version", "0.1.0"}};
  for (const std::size_t width : {60, 80, 100}) {
    std::istringstream lines(TableText(records, context, notes, {.width = width}));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), width) << line;
  }
  EXPECT_THAT(TableText(records, context, notes, {.width = 60}),
              HasSubstr("\nleft out to fit 60 characters a line: p99, p90, checked,\n  extra (--json has them)\n"));
}

TEST(TableText, SaysThatTheRunWasInterruptedAndWhatDisturbedIt) {
  const Record record = TimedRecord(1);
  const std::string foot =
      "\n\ninterrupted: what was measured until then is shown\nwarning: it was busy\n\ndate today\n";
  EXPECT_THAT(TableText({&record, 1}, {{"date", "today"}}, {.interrupted = true, .warnings = {"it was busy"}}),
              testing::EndsWith(foot));
  EXPECT_THAT(TableText({&record, 1}, {{"date", "today"}}), Not(HasSubstr("interrupted")));
}

TEST(TableText, ALongReasonIsCutOffAndThatIsSaid) {
  Record record = RecordOf("direct");
  record.status = Status::kError;
  record.reason = "Error(s) in loading state_dict for Net:\n\tMissing key(s) in state_dict: \"a\".";
  std::string text = TableText({&record, 1}, {});
  EXPECT_THAT(text,
              HasSubstr("    error: Error(s) in loading state_dict for Net: Missing key(s) in state_dict: \"a\".\n"));
  EXPECT_THAT(text, Not(HasSubstr("...")));
  for (int i = 0; i < 100; ++i) record.reason += " \"layer." + std::to_string(i) + ".weight\"";
  text = TableText({&record, 1}, {});
  EXPECT_THAT(text, HasSubstr("weight\" ...\n"));
  EXPECT_THAT(text, HasSubstr("\n...: cut off here; --json writes every reason whole\n"));
  EXPECT_THAT(text, Not(HasSubstr("layer.99")));
}

TEST(TableText, RanksTheCasesOfACheckpointAndSaysWhichIsFastest) {
  std::vector<Record> records;
  for (const auto& [path, ns] : {std::pair("copy", 40'000), {"direct", 30'000}, {"mmap", 10'000}}) {
    records.push_back(RecordOf(path));
    records.back().samples.assign(10, {.wall_ns = ns});
  }
  records.back().bytes_mapped = 8;
  const std::string text = TableText(records, {});
  EXPECT_THAT(text, testing::ContainsRegex("mmap/cpu/cold +10.0 us +±0.0% +10.0 us +1.00x\n"
                                           "  direct/cpu/cold +30.0 us +±0.0% +30.0 us +3.00x\n"
                                           "  copy/cpu/cold +40.0 us +±0.0% +40.0 us +4.00x\n"));
  EXPECT_THAT(text,
              HasSubstr("\nfastest cold load of multi:A+B: mmap of safetensors/multi:twice, 10.0 us; into memory of "
                        "its own:\n  direct of safetensors/multi:twice, 30.0 us\n"));
}

TEST(TableText, SaysThatNothingDisturbedTheTimesIfThatCouldBeSeen) {
  constexpr const char* kQuiet = "\nno other process disturbed the times\n";
  constexpr const char* kShort = "\ntoo little was sampled to tell whether other processes disturbed the times\n";
  Record record = RecordOf("copy");
  record.samples.assign(10, {.wall_ns = 200'000'000});
  EXPECT_THAT(TableText({&record, 1}, {}), HasSubstr(kQuiet));
  record.samples.pop_back();
  EXPECT_THAT(TableText({&record, 1}, {}), HasSubstr(kShort));
  RunNotes notes;
  notes.warnings = {"the machine was busy"};
  EXPECT_THAT(TableText({&record, 1}, {}, notes), Not(testing::AnyOf(HasSubstr(kQuiet), HasSubstr(kShort))));
}

TEST(TableText, ALimitThatDroppedSamplesHasNoStateOfTheCacheToName) {
  Record record = FixedRun({.kind = CaseKind::kLimit, .path = "disk", .threads = 1}).record;
  record.samples = {{.wall_ns = 5}};
  record.dropped = 1;
  EXPECT_THAT(TableText({&record, 1}, {}),
              HasSubstr("    1 sample dropped: not as hot or cold as the case says, or memory was not\n"));
}

TEST(TableText, ATinyLoadHasTheTimeOfATensor) {
  Record record = RecordOf("direct");
  record.samples = {{.wall_ns = 50'000}};
  record.tensors = 2;
  EXPECT_THAT(LineWith(TableText({&record, 1}, {}), "  direct/"), HasSubstr("25.0 us/tensor"));
}

TEST(TableText, TheLimitOfACheckpointStandsBehindItsLoads) {
  std::vector<Record> records = {TimedRecord(5), TimedRecord(5), TimedRecord(5)};
  records[1].group = "load/gpt2/zip/bare";
  records[2] = FixedRun({.kind = CaseKind::kLimit,
                         .model = "multi:A+B",
                         .format = "safetensors",
                         .layout = "multi:twice",
                         .path = "pread-fresh",
                         .threads = 2})
                   .record;
  records[2].samples = {{.wall_ns = 5}};
  const std::string text = TableText(records, {});
  EXPECT_LT(text.find("\nload/multi:A+B/"), text.find("\nlimit/multi:A+B/safetensors/multi:twice\n"));
  EXPECT_LT(text.find("\nlimit/multi:A+B/"), text.find("\nload/gpt2/"));
}

TEST(CheckedText, SaysWhetherOutputsWereCompared) {
  Record record;
  EXPECT_EQ(CheckedText(record), "");
  record.checked = true;
  EXPECT_EQ(CheckedText(record), "tensors");
  record.outputs_checked = true;
  EXPECT_EQ(CheckedText(record), "outputs");
  record.crc = {{"checked", 2}};
  EXPECT_EQ(CheckedText(record), "outputs+crc");
  record.crc["off"] = 1;
  EXPECT_EQ(CheckedText(record), "outputs+some crc");
}

TEST(TimeText, HasThreeDigits) {
  EXPECT_EQ(TimeText(999.4), "999 ns");
  EXPECT_EQ(TimeText(999.6), "1.00 us");
  EXPECT_EQ(TimeText(12'345'678), "12.3 ms");
}

}  // namespace
}  // namespace loadpath
