// The parent's side of startup cases: a sample is a new process, from the moment it is started to its first output.
#include "harness/suite/cases/startup.h"

#include "harness/base/parallel.h"
#include "harness/base/paths.h"
#include "harness/golden/check_outputs.h"
#include "harness/measure/fresh_process.h"
#include "harness/measure/page_cache.h"
#include "harness/measure/warm_memory.h"
#include "harness/suite/case_kinds.h"
#include "harness/suite/reference_source.h"
#include "harness/suite/worker/protocol.h"
#include "loadpath/device.h"

namespace loadpath {
namespace {

constexpr double kLimitSeconds = 600;  // of one sample

class StartupRun : public Run {
 public:
  StartupRun(const Case& one, Session& session) : Run(one), session_(session) {
    const LoadPath& path = *FindLoadPath(one.path);
    record.threads = path.libtorch_reader.empty() ? Cores() : 1;
  }

  void Verify() override {
    OpenDevice(tested().device->text());
    files_ = FilesOf(*Checkpoint::Open(FindReference(tested(), session_).file, HowToOpen(tested())));
    if (tested().cache == CacheState::kCold) MakeCold(files_);
    TakeSample(/*check=*/true);
    record.checked = record.outputs_checked = true;
  }

  std::optional<WantedLimit> Limit() const override {
    return WantedLimit{.kind = "process", .threads = 0, .files = files_};
  }

  // Its process checks every sample.
  Sample TakeSample(bool) override {
    const double before = (tested().cache == CacheState::kCold ? Evict(files_) : MakeHot(files_)).part();
    const double touched = WarmMemory(record.bytes.value_or(0));
    FreshProcess process({ProgramPath(), "--worker", "--data", session_.data()});
    const WorkerSamples answer = ParseSamples(process.Ask(StartRequest(tested(), process.started_at()), kLimitSeconds));
    if (answer.status == Status::kSkipped) throw Skipped(answer.reason);
    if (answer.status == Status::kError) throw WrongAnswer(answer.reason);
    if (answer.samples.size() != 1) throw std::runtime_error("its process answered without a sample");
    Sample sample = answer.samples.front();
    record.bytes = answer.bytes;
    record.difference = answer.difference;
    sample.residency_before = before;
    if (touched > 0) sample.touch_rate = touched;
    sample.residency_after = ReadResidency(files_).part();
    sample.checked = true;
    return sample;
  }

 private:
  Session& session_;
  std::vector<std::string> files_;
};

}  // namespace

void ListStartups(const CatalogueRequest& request, std::vector<Case>& all) {
  AddReferenceLoads(CaseKind::kStartup, request, all);
}

std::unique_ptr<Run> MakeStartupRun(const Case& one, Session& session) {
  return std::make_unique<StartupRun>(one, session);
}

}  // namespace loadpath
