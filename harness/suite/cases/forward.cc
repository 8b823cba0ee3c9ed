#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "harness/base/stopwatch.h"
#include "harness/measure/counters.h"
#include "harness/suite/case_kinds.h"
#include "harness/suite/cases/forward_ways.h"
#include "loadpath/device.h"

namespace loadpath {
namespace {

class ForwardRun : public Run {
 public:
  ForwardRun(const Case& one, Session& session) : Run(one), session_(session) {
    record.threads = static_cast<std::uint64_t>(at::get_num_threads());
  }

  void Verify() override {
    device_ = OpenDevice(tested().device->text());
    const auto way = std::ranges::find(ForwardWays(), tested().path, &ForwardWay::name);
    if (way == ForwardWays().end()) throw std::logic_error("no such way to run a model forward: " + tested().path);
    forward_ = way->open(tested().model, session_, device_);
    const ManifestModel& entry = session_.ModelOf(tested().model);
    record.difference = CheckOutputs(forward_, session_.manifest(), entry, tested().batch, device_).front();
    record.checked = record.outputs_checked = true;
    golden_ = ReadGolden(session_.manifest(), entry, tested().batch);
    inputs_ = golden_.inputs;
    for (at::Tensor& input : inputs_) input = input.to(device_);
  }

  Sample TakeSample(bool check) override {
    const at::NoGradGuard no_grad;
    const ProcessCounters before = ReadProcessCounters();
    Stopwatch watch;
    const auto outputs = forward_(inputs_);
    Synchronize(device_);
    const double seconds = watch.Lap();
    const ProcessCounters used = ReadProcessCounters() - before;
    if (check) CompareOutputs(outputs, golden_, session_.ModelOf(tested().model), tested().batch);
    return {.wall_ns = Ns(seconds),
            .cpu_ns = used.cpu_ns,
            .minor_faults = used.minor_faults,
            .major_faults = used.major_faults,
            .checked = check};
  }

 private:
  Session& session_;
  at::Device device_ = at::kCPU;
  Forward forward_;
  Golden golden_;
  std::vector<at::Tensor> inputs_;
};

}  // namespace

void ListForwards(const CatalogueRequest& request, std::vector<Case>& all) {
  if (!request.checkpoints.empty()) return;
  for (const Model& model : request.models) {
    for (const DeviceName& device : request.devices) {
      for (const std::int64_t batch : model.batches) {
        for (const ForwardWay& way : ForwardWays()) {
          if (!way.exists(model.name)) continue;
          all.push_back({.kind = CaseKind::kForward,
                         .model = std::string(model.name),
                         .path = std::string(way.name),
                         .device = device,
                         .batch = static_cast<int>(batch)});
        }
      }
    }
  }
}

std::unique_ptr<Run> MakeForwardRun(const Case& one, Session& session) {
  return std::make_unique<ForwardRun>(one, session);
}

}  // namespace loadpath
