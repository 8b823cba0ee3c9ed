#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "harness/base/parallel.h"
#include "harness/results/names.h"
#include "harness/suite/case_kinds.h"
#include "harness/suite/cases/forward_ways.h"
#include "loadpath/device.h"

namespace loadpath {
namespace {

class ForwardRun : public Run {
 public:
  ForwardRun(const Case& one, Session& session) : Run(one), session_(session) {
    threads_ = one.threads > 0 ? one.threads : at::get_num_threads();
    record.threads = static_cast<std::uint64_t>(threads_);
  }

  void Verify() override {
    const at::Device device = OpenDevice(tested().device->text());
    const auto way = std::ranges::find(ForwardWays(), tested().path, &ForwardWay::name);
    if (way == ForwardWays().end()) throw std::logic_error("no such way to run a model forward: " + tested().path);
    golden_ = ReadGolden(session_.manifest(), session_.ModelOf(tested().model), tested().batch);
    subject_ = way->open({tested().model, tested().batch, device, golden_.inputs}, session_);
    record.difference = Pass(true).second.front();
    record.checked = record.outputs_checked = true;
  }

  Sample TakeSample(bool check) override { return Pass(check).first; }

 private:
  // Also returns what a check found, a sentence an output. Throws WrongAnswer.
  std::pair<Sample, std::vector<std::string>> Pass(bool check) {
    std::vector<at::Tensor> outputs;
    const Sample sample = subject_->Pass(threads_, check ? &outputs : nullptr);
    if (!check) return {sample, {}};
    return {sample, CompareOutputs(outputs, golden_, session_.ModelOf(tested().model), tested().batch)};
  }

  Session& session_;
  int threads_ = 1;
  Golden golden_;
  std::unique_ptr<ForwardSubject> subject_;
};

}  // namespace

void ListForwards(const CatalogueRequest& request, std::vector<Case>& all) {
  if (!request.checkpoints.empty()) return;
  for (const Model& model : request.models) {
    for (const DeviceName& device : request.devices) {
      for (const std::int64_t batch : model.batches) {
        for (const ForwardWay& way : ForwardWays()) {
          if (!way.exists(model.name)) continue;
          Case one{.kind = CaseKind::kForward,
                   .model = std::string(model.name),
                   .path = std::string(way.name),
                   .device = device,
                   .batch = static_cast<int>(batch)};
          all.push_back(one);
          one.threads = 1;
          if (way.by_threads && device.kind == DeviceKind::kCpu && Cores() > 1) all.push_back(one);
        }
      }
    }
  }
}

std::unique_ptr<Run> MakeForwardRun(const Case& one, Session& session) {
  return std::make_unique<ForwardRun>(one, session);
}

}  // namespace loadpath
