#include "harness/suite/report/exit_status.h"

#include <algorithm>
#include <cctype>

#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/load/load_path.h"

namespace loadpath {
namespace {

constexpr int kInterrupted = 130;

bool IsTimed(const Run* run) { return run->record.status == Status::kOk; }
bool IsWrong(const Run* run) { return run->record.status == Status::kError && !run->bad_input; }

// Returns true if the filter spells out this name: "^load/linear/zip/bare/copy/cpu/hot$". In a regular expression some
// characters of a name stand behind a backslash or in brackets.
bool HasFullName(const std::string& filter, const std::string& name) {
  std::string plain = filter;
  std::erase_if(plain, [](char c) { return c == '\\' || c == '[' || c == ']'; });
  for (std::size_t at = 0; (at = plain.find(name, at)) != std::string::npos; ++at) {
    const std::size_t end = at + name.size();  // threads:1 is not threads:16
    if (end == plain.size() || std::isalnum(static_cast<unsigned char>(plain[end])) == 0) return true;
  }
  return false;
}

// LibTorch's own readers may refuse a file; ours have no reason to.
bool IsLoadByOurPath(const Case& one) {
  if (one.kind != CaseKind::kLoad && one.kind != CaseKind::kStartup) return false;
  const LoadPath* path = FindLoadPath(one.path);
  return path != nullptr && path->libtorch_reader.empty();
}

bool ShouldHaveRun(const Run& run, const std::string& filter) {
  if (run.record.status != Status::kSkipped) return false;
  return run.missing_data || (!run.no_device && !run.not_made && IsLoadByOurPath(run.tested())) ||
         HasFullName(filter, run.tested().name());
}

// "1 case failed: NAME: REASON", or "3 cases failed, the first is NAME: REASON".
std::string Told(const std::vector<const Run*>& runs, const std::string& what) {
  const Record& first = runs.front()->record;
  return Counted(runs.size(), "case") + " " + what + (runs.size() == 1 ? ": " : ", the first is ") + first.name + ": " +
         OneLine(first.reason);
}

template <class Predicate>
std::vector<const Run*> Those(std::span<Run* const> runs, const Predicate& wanted) {
  std::vector<const Run*> those;
  std::ranges::copy_if(runs, std::back_inserter(those), wanted);
  return those;
}

}  // namespace

ExitStatus ExitStatusOf(std::span<Run* const> asked, const std::string& filter, bool interrupted) {
  if (interrupted) return {kInterrupted, {"interrupted: what was measured until then is reported"}};
  ExitStatus status;
  for (const Run* run : asked) {
    const std::string& reason = run->record.reason;
    const bool told = std::ranges::find(status.messages, reason) != status.messages.end();
    if (run->bad_input && !told) status.messages.push_back(reason);
  }
  const bool bad_input = !status.messages.empty();
  if (bad_input) status.code = 1;
  if (bad_input && std::ranges::none_of(asked, [](const Run* run) { return IsTimed(run) || IsWrong(run); })) {
    status.code = 2;
    return status;
  }
  if (const auto wrong = Those(asked, IsWrong); !wrong.empty()) {
    status.code = 1;
    status.messages.push_back(Told(wrong, "failed"));
  }
  const auto skipped = Those(asked, [&](const Run* run) { return ShouldHaveRun(*run, filter); });
  if (!skipped.empty()) {
    status.code = 1;
    status.messages.push_back(Told(skipped, skipped.size() == 1 ? "was skipped" : "were skipped"));
  }
  if (status.messages.empty() && std::ranges::none_of(asked, IsTimed)) {
    status.code = 1;
    const auto all = Those(asked, [](const Run*) { return true; });
    status.messages.push_back("nothing was timed: " + Told(all, all.size() == 1 ? "was skipped" : "were skipped"));
  }
  return status;
}

}  // namespace loadpath
