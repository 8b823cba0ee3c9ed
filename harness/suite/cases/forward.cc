#include <ATen/ATen.h>

#include "harness/base/stopwatch.h"
#include "harness/golden/compare.h"
#include "harness/load/device.h"
#include "harness/suite/cases/forward_ways.h"

namespace loadpath::bench {
namespace {

Forward Open(const Case& which, const Session& session, at::Device device) {
  if (which.path == "torchscript") return OpenTorchScript(which.model, session, device);
  if (which.path == "aoti") return OpenAoti(which.model, session, device);
  return OpenModule(which.model, session, device);
}

class ForwardRun : public Run {
 public:
  ForwardRun(const Case& which, Session& session) : Run(which), session_(session) {}

  void Verify() override {
    device_ = OpenDevice(which().device);
    forward_ = Open(which(), session_, device_);
    record.difference = CheckOutputs(forward_, which().model, which().batch, session_, device_);
    record.checked = true;
    inputs_ = ReadGolden(*session_.manifest, session_.ModelOf(which().model), which().batch).inputs;
    for (auto& input : inputs_) input = input.to(device_);
    estimate = Sample();
  }

  double Sample() override {
    const at::NoGradGuard no_grad;
    const std::int64_t start = MonotonicNs();
    const auto outputs = forward_(inputs_);
    Synchronize(device_);
    return static_cast<double>(MonotonicNs() - start) * 1e-9;
  }

 private:
  Session& session_;
  at::Device device_ = at::kCPU;
  Forward forward_;
  std::vector<at::Tensor> inputs_;
};

}  // namespace

std::unique_ptr<Run> MakeForwardRun(const Case& which, Session& session) {
  return std::make_unique<ForwardRun>(which, session);
}

}  // namespace loadpath::bench
