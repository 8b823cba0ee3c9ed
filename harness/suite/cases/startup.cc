// The parent's side of startup cases: a sample is a new process, from the moment it is started to its first output.
#include "harness/suite/cases/startup.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "harness/base/parallel.h"
#include "harness/base/paths.h"
#include "harness/base/stopwatch.h"
#include "harness/golden/check_outputs.h"
#include "harness/measure/fresh_process.h"
#include "harness/measure/page_cache.h"
#include "harness/suite/case_kinds.h"
#include "harness/suite/reference_source.h"
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
    estimate = Sample();
    record.checked = record.outputs_checked = true;
    record.phases_ns.clear();
    record.cpu_ns.clear();
  }

  double Sample() override {
    if (tested().cache == CacheState::kCold) {
      record.greatest_residency = std::max(record.greatest_residency.value_or(0), Evict(files_).part());
    } else {
      MakeHot(files_);
    }
    const std::string program = ProgramPath();
    const ProcessResult result =
        RunProcess(StartupArguments(program, {CaseToJson(tested()), session_.data(), MonotonicNs()}), kLimitSeconds);
    const auto answer = nlohmann::json::parse(result.output, nullptr, /*allow_exceptions=*/false);
    if (answer.is_object() && answer.contains("skipped")) throw Skipped(answer["skipped"].get<std::string>());
    if (answer.is_object() && answer.contains("error")) throw WrongAnswer(answer["error"].get<std::string>());
    if (!answer.is_object() || result.status != 0) {
      throw std::runtime_error("its process ended with status " + std::to_string(result.status) +
                               (answer.is_object() ? " after it had answered" : " and without an answer"));
    }
    record.bytes = answer.at("bytes").get<std::uint64_t>();
    record.difference = answer.at("difference").get<std::string>();
    record.cpu_ns.push_back(answer.at("cpu_ns").get<std::int64_t>());
    double seconds = 0;
    for (const auto& [phase, value] : answer.at("phases").items()) {
      seconds += value.get<double>();
      record.phases_ns[phase].push_back(std::max<std::int64_t>(1, std::llround(value.get<double>() * 1e9)));
    }
    return seconds;
  }

 private:
  Session& session_;
  std::vector<std::string> files_;
};

}  // namespace

std::vector<std::string> StartupArguments(const std::string& program, const StartupSample& sample) {
  return {program,
          "--startup-sample",
          sample.one,
          "--data",
          sample.data,
          "--started-at",
          std::to_string(sample.started_at)};
}

void ListStartups(const CatalogueRequest& request, std::vector<Case>& all) {
  AddReferenceLoads(CaseKind::kStartup, request, all);
}

std::unique_ptr<Run> MakeStartupRun(const Case& one, Session& session) {
  return std::make_unique<StartupRun>(one, session);
}

}  // namespace loadpath
