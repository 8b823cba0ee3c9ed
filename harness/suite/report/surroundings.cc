#include "harness/suite/report/surroundings.h"

#include "harness/base/stopwatch.h"

namespace loadpath {
namespace {

constexpr double kSecondsBetweenLooks = 0.5;

double Now() { return static_cast<double>(MonotonicNs()) * 1e-9; }

}  // namespace

Surroundings::Surroundings(const std::vector<std::string>& folders)
    : lock_(folders), begin_(ReadCpuTimes()), looked_at_(Now()) {
  for (const int process : lock_.Others()) others_.insert(process);
}

void Surroundings::Look() {
  const double now = Now();
  if (now - looked_at_ < kSecondsBetweenLooks) return;
  looked_at_ = now;
  for (const int process : lock_.Others()) others_.insert(process);
}

void Surroundings::EndPart() {
  looked_at_ = 0;
  Look();
  const CpuTimes end = ReadCpuTimes();
  const MachineLoad load = LoadBetween(begin_, end);
  begin_ = end;
  if (IsBusy(load) && load.others + load.stolen >= worst_.others + worst_.stolen) worst_ = load;
}

std::string Surroundings::OtherRuns() const {
  if (others_.empty() && !lock_.not_alone()) return "";
  std::string processes;
  for (const int process : others_) processes += (processes.empty() ? "" : ", ") + std::to_string(process);
  const std::string who = others_.empty()       ? "another run measures at the same time (in another container)"
                          : others_.size() == 1 ? "another run measures at the same time (process " + processes + ")"
                                                : "other runs measure at the same time (processes " + processes + ")";
  return who + ": the times of all of them are worth less";
}

std::vector<std::string> Surroundings::Warnings() const {
  std::vector<std::string> warnings;
  if (const std::string runs = OtherRuns(); !runs.empty()) warnings.push_back(runs);
  if (worst_.seconds > 0) {
    warnings.push_back("the machine was busy: " + BusyText(worst_, LoadAverage()) + ": the times are worth less");
  }
  return warnings;
}

}  // namespace loadpath
