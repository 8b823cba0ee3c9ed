#include <ATen/ATen.h>

#include "harness/base/stopwatch.h"
#include "harness/load/device.h"
#include "harness/suite/run.h"

namespace loadpath::bench {
namespace {

class LimitRun : public Run {
 public:
  LimitRun(const Case& which, Session& session) : Run(which), session_(session) {}

  void Verify() override {
    record.bytes = session_.limits.bytes();
    try {
      estimate = Sample();
    } catch (const DeviceError&) {
      throw;
    } catch (const std::runtime_error& error) {
      throw Skipped(error.what());
    }
  }

  double Sample() override {
    return which().path == "h2d" ? HostToDevice() : session_.limits.Run(which().path, which().threads);
  }

 private:
  // Pinned memory to the device, for loads that end there.
  double HostToDevice() {
    if (!from_.defined()) {
      const at::Device device = OpenDevice(session_.options.device == "all" ? "cuda" : session_.options.device);
      const auto size = static_cast<std::int64_t>(session_.limits.bytes());
      from_ = at::zeros({size}, at::TensorOptions(at::kByte).pinned_memory(true));
      to_ = at::empty({size}, at::TensorOptions(at::kByte).device(device));
    }
    Synchronize(to_.device());
    const std::int64_t start = MonotonicNs();
    to_.copy_(from_, /*non_blocking=*/true);
    Synchronize(to_.device());
    return static_cast<double>(MonotonicNs() - start) * 1e-9;
  }

  Session& session_;
  at::Tensor from_, to_;
};

}  // namespace

std::unique_ptr<Run> MakeLimitRun(const Case& which, Session& session) {
  return std::make_unique<LimitRun>(which, session);
}

}  // namespace loadpath::bench
