#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "harness/base/parallel.h"
#include "harness/base/stopwatch.h"
#include "harness/measure/counters.h"
#include "harness/measure/empty_process.h"
#include "harness/measure/warm_memory.h"
#include "harness/suite/case_kinds.h"
#include "loadpath/device.h"

namespace loadpath {
namespace {

constexpr std::string_view kHostToDevice = "h2d", kDisk = "disk", kFresh = "pread-fresh", kProcess = "process";

class LimitRun : public Run {
 public:
  /// `files`: that it reads; none: the scratch file of the session.
  LimitRun(const Case& one, std::vector<std::string> files, Session& session)
      : Run(one), session_(session), files_(std::move(files)) {}

  void Verify() override {
    try {
      limits_ = files_.empty() ? &session_.limits() : &session_.LimitsOf(files_);
      record.bytes = limits_->bytes();
      if (tested().threads == 0) record.threads = tested().path == kDisk ? limits_->BestDiskThreads() : 1;
      Cost();
    } catch (const DeviceError&) {
      throw;
    } catch (const std::runtime_error& error) {
      throw Skipped(error.what());
    }
  }

  Sample TakeSample(bool) override {
    Sample sample;
    // The same memory as the loads have.
    if (tested().path.starts_with(kFresh)) {
      if (const double touched = WarmMemory(limits_->bytes()); touched > 0) sample.touch_rate = touched;
    }
    try {
      const Limits::Cost cost = Cost();
      sample.wall_ns = Ns(cost.seconds);
      sample.cpu_ns = cost.cpu_ns;
    } catch (const NotAsWanted&) {
      sample.valid = false;
    }
    if (limits_->residency().pages > 0) sample.residency_before = limits_->residency().part();
    return sample;
  }

 private:
  Limits::Cost Cost() {
    if (tested().path == kHostToDevice) return CopyToDevice();
    return limits_->Run(tested().path, static_cast<int>(record.threads.value_or(1)));
  }

  // Pinned memory to the device, for loads that end there.
  Limits::Cost CopyToDevice() {
    if (!from_.defined()) {
      const at::Device device = OpenDevice(tested().device->text());
      const auto size = static_cast<std::int64_t>(limits_->bytes());
      from_ = at::zeros({size}, at::TensorOptions(at::kByte).pinned_memory(true));
      to_ = at::empty({size}, at::TensorOptions(at::kByte).device(device));
    }
    Synchronize(to_.device());
    const ProcessCounters before = ReadProcessCounters();
    Stopwatch watch;
    to_.copy_(from_, /*non_blocking=*/true);
    Synchronize(to_.device());
    const double seconds = watch.Lap();
    return {seconds, (ReadProcessCounters() - before).cpu_ns};
  }

  Session& session_;
  std::vector<std::string> files_;
  Limits* limits_ = nullptr;
  at::Tensor from_, to_;
};

// What a start-up costs at least: a process in which nothing but the linked libraries is set up.
class ProcessLimitRun : public Run {
 public:
  /// `files`: what the start-ups beside it load.
  ProcessLimitRun(const Case& one, const std::vector<std::string>& files) : Run(one) {
    for (const std::string& file : files) bytes_ += std::filesystem::file_size(file);
  }

  void Verify() override {
    record.threads = 1;
    try {
      StartEmptyProcess();
    } catch (const std::runtime_error& error) {
      throw Skipped(error.what());
    }
  }

  Sample TakeSample(bool) override {
    Sample sample;
    // The same memory as the start-ups have.
    if (const double touched = WarmMemory(bytes_); touched > 0) sample.touch_rate = touched;
    const EmptyProcess process = StartEmptyProcess();
    sample.wall_ns = process.wall_ns;
    sample.cpu_ns = process.used.cpu_ns;
    sample.minor_faults = process.used.minor_faults;
    sample.major_faults = process.used.major_faults;
    return sample;
  }

 private:
  std::uint64_t bytes_ = 0;
};

std::unique_ptr<Run> MakeLimit(const Case& one, std::vector<std::string> files, Session& session) {
  if (one.path == kProcess) return std::make_unique<ProcessLimitRun>(one, files);
  return std::make_unique<LimitRun>(one, std::move(files), session);
}

}  // namespace

void ListLimits(const CatalogueRequest& request, std::vector<Case>& all) {
  for (const std::string_view kind : Limits::Kinds()) {
    if (kind == kDisk) {
      all.push_back({.kind = CaseKind::kLimit, .path = std::string(kind)});
      continue;
    }
    for (const int threads : std::set<int>{1, Cores()}) {
      all.push_back({.kind = CaseKind::kLimit, .path = std::string(kind), .threads = threads});
    }
  }
  all.push_back({.kind = CaseKind::kLimit, .path = std::string(kProcess)});
  const auto device = std::ranges::find(request.devices, DeviceKind::kCuda, &DeviceName::kind);
  if (device != request.devices.end()) {
    all.push_back({.kind = CaseKind::kLimit, .path = std::string(kHostToDevice), .device = *device, .threads = 1});
  }
}

std::unique_ptr<Run> MakeLimitRun(const Case& one, Session& session) { return MakeLimit(one, {}, session); }

std::unique_ptr<Run> MakeLimitBeside(const Case& load, const std::string& kind, int threads,
                                     const std::vector<std::string>& files, Session& session) {
  Case one = {
      .kind = CaseKind::kLimit, .model = load.model, .format = load.format, .layout = load.layout, .path = kind};
  if (kind == kHostToDevice) one.device = load.device;
  one.threads = threads;
  return MakeLimit(one, files, session);
}

}  // namespace loadpath
