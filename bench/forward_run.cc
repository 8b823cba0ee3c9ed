#include <ATen/ATen.h>

#include "bench/run.h"
#include "harness/golden/compare.h"
#include "harness/load/device.h"
#include "harness/measure/counters.h"
#include "models/model.h"

namespace loadpath::bench {
namespace {

// Weights from zip/bare (multi:A and multi:B: from the file that holds both), read straight into the parameters.
class ForwardRun : public Run {
 public:
  ForwardRun(const Case& which, Session& session) : Run(which), session_(session), model_(*FindModel(which.model)) {}

  void Verify() override {
    device_ = OpenDevice(which().device);
    const ManifestModel& entry = session_.ModelOf(which().model);
    const ManifestFile& file = session_.FileOf(which().model, "zip", which().model.starts_with("multi:") ? "multi" : "bare");
    std::string key;
    for (const auto& [model, path] : file.models) {
      if (model == which().model) key = path;
    }
    DeferredInit deferred;
    module_ = deferred.Construct(model_.make);
    const LoadResult result = FindLoadPath("direct")->load({.file = session_.manifest->PathOf(file.name),
                                                            .key_path = key,
                                                            .checkpoint = nullptr,
                                                            .module = *module_,
                                                            .device = device_,
                                                            .deferred = &deferred,
                                                            .options = {},
                                                            .read = {}});
    deferred.Loaded(result.loaded);
    deferred.Finish();
    if (const std::string wrong = CheckParameters(*module_, entry); !wrong.empty()) throw WrongAnswer(wrong);
    record.difference = CheckOutputs(*module_, which().model, which().batch, session_, device_);
    record.checked = true;
    module_->eval();
    inputs_ = ReadGolden(*session_.manifest, entry, which().batch).inputs;
    for (auto& input : inputs_) input = input.to(device_);
    estimate = Sample();
  }

  double Sample() override {
    const at::NoGradGuard no_grad;
    const std::int64_t start = MonotonicNs();
    const auto outputs = model_.forward(*module_, inputs_);
    Synchronize(device_);
    return static_cast<double>(MonotonicNs() - start) * 1e-9;
  }

 private:
  Session& session_;
  const Model& model_;
  at::Device device_ = at::kCPU;
  std::shared_ptr<torch::nn::Module> module_;
  std::vector<at::Tensor> inputs_;
};

}  // namespace

std::unique_ptr<Run> MakeForwardRun(const Case& which, Session& session) { return std::make_unique<ForwardRun>(which, session); }

}  // namespace loadpath::bench
