#include "harness/suite/worker/worker.h"

#include <algorithm>
#include <istream>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>

#include "harness/base/error.h"
#include "harness/base/nearest.h"
#include "harness/base/text.h"
#include "harness/base/version.h"
#include "harness/load/load_path.h"
#include "harness/measure/page_cache.h"
#include "harness/results/costs.h"
#include "harness/suite/case_kinds.h"
#include "harness/suite/cases/startup.h"
#include "harness/suite/suite.h"
#include "harness/suite/worker/protocol.h"

namespace loadpath {
namespace {

using Answer = nlohmann::ordered_json;

constexpr std::size_t kLongestRequest = std::size_t{1} << 20;
constexpr std::uint64_t kMostSamples = 1'000'000;

class Worker {
 public:
  Worker(const SuiteOptions& options, std::span<const Model> models) : options_(options), models_(models) {
    // A request names any case.
    options_.filter = ".";
    options_.caches = {CacheState::kHot, CacheState::kCold, CacheState::kCopy};
    options_.memories = {MemoryState::kBacked, MemoryState::kReturned};
  }

  // Returns the line of the answer; an empty one after which there is nothing to say.
  std::string Do(const std::string& line) {
    try {
      if (line.size() > kLongestRequest) throw UsageError("a request has 1 MiB at most");
      const auto request = nlohmann::json::parse(line);
      if (!request.is_object()) throw UsageError("a request is a JSON object");
      if (request.value("v", kWorkerVersion) != kWorkerVersion)
        throw UsageError("only version " + std::to_string(kWorkerVersion) + " of the language is spoken here");
      const auto what = request.at("do").get<std::string>();
      if (what == "hello") return Line(Hello());
      if (what == "list") return Line(List(request.value("filter", ".")));
      if (what == "sample") return TakeSamples(request);
      if (what == "costs") return Line(Costs(request));
      if (what == "start") return Start(request);
      if (what == "quit") return "";
      throw UsageError("do " + Escaped(what) + ": not known; hello, list, sample, costs, start and quit are");
    } catch (const std::exception& error) {
      return Line({{"error", OneLine(ReasonOf(error))}});
    }
  }

 private:
  static std::string Line(const Answer& answer) {
    return answer.dump(-1, ' ', false, Answer::error_handler_t::replace);
  }

  Answer Hello() const {
    const Version& built = ProgramVersion();
    return {{"v", kWorkerVersion},    {"program", options_.program}, {"version", built.version},
            {"commit", built.commit}, {"libtorch", built.libtorch},  {"build_type", built.build_type}};
  }

  Answer List(const std::string& filter) const {
    SuiteOptions options = options_;
    options.filter = filter;
    Answer cases = Answer::array();
    for (const Case& one : ChosenCases(options, models_)) {
      Answer fields = {{"name", one.name()}};
      fields.update(Answer::parse(CaseToJson(one)));
      cases.push_back(std::move(fields));
    }
    return {{"cases", std::move(cases)}};
  }

  // The case by its whole name, or by the part before device and cache, which then stand beside it.
  const Case& Find(const nlohmann::json& request) {
    if (catalogue_.empty()) catalogue_ = ChosenCases(options_, models_);
    std::string name = request.at("case").get<std::string>();
    const auto find = [&] { return std::ranges::find(catalogue_, name, [](const Case& one) { return one.name(); }); };
    auto found = find();
    if (found == catalogue_.end() && request.contains("device")) {
      name += "/" + request["device"].get<std::string>();
      if (request.contains("cache")) name += "/" + request["cache"].get<std::string>();
      found = find();
    }
    if (found != catalogue_.end()) return *found;
    std::vector<std::string> names;
    for (const Case& one : catalogue_) names.push_back(one.name());
    const std::string nearest = Nearest(name, names);
    throw UsageError("no case " + Escaped(name) + (nearest.empty() ? "" : "; did you mean " + nearest + "?"));
  }

  // The run of the case, verified once.
  Run& RunOf(const Case& one) {
    std::unique_ptr<Run>& run = runs_[one.name()];
    if (!session_) {
      OpenDevices(options_);
      session_.emplace(models_, options_.data, options_.quick, options_.make_data, options_.twins);
    }
    if (!run) {
      run = MakeRun(one, *session_);
      VerifyRun(*run, options_.all_devices);
    }
    return *run;
  }

  std::string TakeSamples(const nlohmann::json& request) {
    const auto check = request.value("check", "first");
    if (check != "first" && check != "each") throw UsageError("check " + Escaped(check) + ": first or each is needed");
    const auto count = request.value("samples", std::uint64_t{1});
    if (count < 1 || count > kMostSamples) throw UsageError("samples: 1 to 1000000 is needed");
    const Case& wanted = Find(request);
    const bool verified = runs_.contains(wanted.name());
    Run& run = RunOf(wanted);
    const std::size_t before = run.record.samples.size();
    const std::uint64_t dropped = run.record.dropped.value_or(0);
    for (std::uint64_t i = 0; i < count && run.record.status == Status::kOk; ++i) {
      try {
        Sample sample = run.TakeSample(check == "each" || i == 0);
        sample.round = i;
        sample.position = position_++;
        run.Keep(std::move(sample));
      } catch (const NotAsWanted&) {
        run.record.dropped = run.record.dropped.value_or(0) + 1;
      } catch (const std::exception& error) {
        run.record.status = Status::kError;
        run.record.reason = ReasonOf(error);
      }
    }
    WorkerSamples answer{.name = run.record.name,
                         .status = run.record.status,
                         .reason = run.record.reason,
                         .dropped = run.record.dropped.value_or(0) - dropped,
                         .bytes = run.record.bytes.value_or(0),
                         .difference = run.record.difference};
    // A wrong case has no times.
    if (answer.status == Status::kOk) {
      answer.samples.assign(run.record.samples.begin() + static_cast<std::ptrdiff_t>(before), run.record.samples.end());
      if (!verified) answer.first = run.first;
    }
    return ToLine(answer);
  }

  Answer Costs(const nlohmann::json& request) {
    const Run& run = RunOf(Find(request));
    Answer answer = {{"case", run.record.name}, {"status", Name(run.record.status)}};
    if (!run.record.reason.empty()) answer["reason"] = run.record.reason;
    if (run.record.status == Status::kOk) answer["costs"] = CostsOf(run.record);
    return answer;
  }

  // The sample of a startup case, in this process.
  std::string Start(const nlohmann::json& request) {
    const Case one = CaseFromJson(request.at("case").dump());
    if (one.kind != CaseKind::kStartup || !one.device || !one.cache || one.models.empty() ||
        FindLoadPath(one.path) == nullptr) {
      throw UsageError("start needs a startup case, with its models, load path, device and cache");
    }
    WorkerSamples answer{.name = one.name()};
    try {
      StartupAnswer taken =
          TakeStartupSample(one, options_.data, request.at("started_at").get<std::int64_t>(), models_);
      answer.samples = {std::move(taken.sample)};
      answer.bytes = taken.bytes;
      answer.difference = taken.difference;
    } catch (const Skipped& skipped) {
      answer.status = Status::kSkipped;
      answer.reason = skipped.what();
    } catch (const std::exception& error) {
      answer.status = Status::kError;
      answer.reason = ReasonOf(error);
    }
    return ToLine(answer);
  }

  SuiteOptions options_;
  std::span<const Model> models_;
  std::optional<Session> session_;  // made when it is needed: a startup sample has one of its own
  std::vector<Case> catalogue_;
  std::map<std::string, std::unique_ptr<Run>> runs_;
  std::uint64_t position_ = 0;
};

}  // namespace

int RunWorker(const SuiteOptions& options, std::span<const Model> models, std::istream& requests,
              std::ostream& answers) {
  Worker worker(options, models);
  for (std::string line; std::getline(requests, line);) {
    const std::string answer = worker.Do(line);
    if (answer.empty()) break;
    answers << answer << "\n" << std::flush;
    if (!answers) return 1;
  }
  return 0;
}

}  // namespace loadpath
