#include <ATen/ATen.h>
#include <c10/core/Allocator.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "harness/base/stopwatch.h"
#include "harness/golden/compare.h"
#include "harness/load/device.h"
#include "harness/measure/counters.h"
#include "harness/measure/memory.h"
#include "harness/measure/page_cache.h"
#include "harness/measure/tensor_allocator.h"
#include "harness/suite/checkpoint_module.h"
#include "harness/suite/run.h"
#include "models/model.h"

namespace loadpath::bench {
namespace {

std::int64_t Ns(double seconds) { return std::max<std::int64_t>(1, std::llround(seconds * 1e9)); }

// One state dict of a file and the module that takes it.
struct Part {
  std::string model, key;
  std::function<std::shared_ptr<torch::nn::Module>()> make;
  std::function<std::string(torch::nn::Module&)> check;  // empty where all is right
  DeferredInit deferred{};
  std::shared_ptr<torch::nn::Module> module{};
};

class LoadRun : public Run {
 public:
  LoadRun(const Case& which, Session& session) : Run(which), session_(session), path_(*FindLoadPath(which.path)) {}

  void Verify() override {
    device_ = OpenDevice(which().device);
    if (which().checkpoint != nullptr) {
      FindUserFile();
    } else {
      FindReferenceFile();
    }
    files_ = FilesOf(file_, HowToOpen(which()));
    if (which().cache == "hot") MakeHot(files_);
    std::optional<ScopedTensorAllocator> loading(std::in_place);
    PeakMemory peak;
    Construct();
    estimate = Load(/*first=*/true);
    peak.Stop();
    record.peak_extra_bytes = peak.Extra(AnonymousBytes());
    loading.reset();
    for (const auto& part : parts_) {
      if (const std::string wrong = part->check(*part->module); !wrong.empty()) throw WrongAnswer(wrong);
    }
    record.checked = true;
    Release();
  }

  double Sample() override {
    const ScopedTensorAllocator loading;
    Construct();
    if (which().cache == "cold") {
      const Residency left = Evict(files_);
      record.greatest_residency = std::max(record.greatest_residency.value_or(0), left.part());
    } else {
      MakeHot(files_);
    }
    const double seconds = Load(/*first=*/false);
    Release();
    return seconds;
  }

 private:
  void FindReferenceFile() {
    const std::string layout = which().layout.starts_with("multi:") ? "multi" : which().layout;
    opened_once_ = which().layout == "multi:once";
    const bool pair = which().model == "multi:A+B";
    for (const std::string& model :
         pair ? std::vector<std::string>{"multi:A", "multi:B"} : std::vector{which().model}) {
      const ManifestModel& entry = session_.ModelOf(model);
      const ManifestFile& file = session_.FileOf(model, which().format, layout);
      // torch::pickle_load is given the form that it can read, where there is one.
      const bool plain = path_.input == LoadInput::kPlainDict && !file.plain_dict.empty();
      file_ = session_.manifest->PathOf(plain ? file.plain_dict : file.name);
      if (!std::filesystem::exists(file_)) throw Skipped("no " + file_ + "; scripts/bench makes it");
      const auto key = std::ranges::find(file.models, model, [](const auto& one) { return one.first; });
      if (key == file.models.end()) throw std::runtime_error(file_ + ": the manifest names no key for " + model);
      AddPart(model, key->second, FindModel(model)->make, [this, model, &entry](torch::nn::Module& module) {
        const std::string wrong = CheckParameters(module, entry);
        if (wrong.empty())
          record.difference = CheckOutputs(module, model, entry.goldens.begin()->first, session_, device_);
        return wrong;
      });
    }
  }

  void FindUserFile() {
    const UserCheckpoint& user = *which().checkpoint;
    file_ = user.file;
    if (path_.runs_code)
      throw Skipped("may run code that lies in a file: it is given the reference data alone (ckpt load --via " +
                    which().path + " takes any)");
    const auto checkpoint = Checkpoint::Open(file_);
    record.format = checkpoint->format();
    const StateDict state_dict = StateDict::From(checkpoint, user.key);
    const auto digests = DigestsOf(state_dict);
    const Model* known = ModelThatFits(state_dict);
    if (known != nullptr) record.model = known->name;
    const auto make = known != nullptr ? known->make : [state_dict] { return MirrorOf(state_dict); };
    make();  // says in one line what is not a state dict
    AddPart(record.model, user.key, make,
            [digests](torch::nn::Module& module) { return CheckAgainst(digests, module); });
  }

  static const Model* ModelThatFits(const StateDict& state_dict) {
    for (const Model& model : Models()) {
      DeferredInit deferred;
      const auto module = deferred.Construct(model.make);
      const bool fits = CheckLoadStateDict(*module, state_dict).error.empty();
      for (const auto& tensor : module->parameters()) deferred.Loaded({&tensor, 1});
      if (fits) return &model;
    }
    return nullptr;
  }

  void AddPart(const std::string& model, const std::string& key,
               std::function<std::shared_ptr<torch::nn::Module>()> make,
               std::function<std::string(torch::nn::Module&)> check) {
    parts_.push_back(std::make_unique<Part>());
    Part& part = *parts_.back();
    part.model = model;
    part.key = key;
    part.make = std::move(make);
    part.check = std::move(check);
  }

  void Construct() {
    for (const auto& part : parts_) part->module = part->deferred.Construct(part->make);
  }
  void Release() {
    for (const auto& part : parts_) part->module.reset();
  }

  // Seconds from opening the file until every byte is where it belongs.
  double Load(bool first) {
    std::vector<LoadResult> results;
    const ProcessCounters counters = ReadProcessCounters();
    const AllocationCounts allocations = ReadAllocationCounts();
    const std::int64_t start = MonotonicNs();
    std::shared_ptr<const Checkpoint> shared;
    double opened = 0;
    if (opened_once_) {
      shared = Checkpoint::Open(file_);
      opened = static_cast<double>(MonotonicNs() - start) * 1e-9;
    }
    for (const auto& part : parts_) {
      results.push_back(path_.load({.file = file_,
                                    .key_path = part->key,
                                    .checkpoint = shared,
                                    .open = HowToOpen(which()),
                                    .module = *part->module,
                                    .device = device_,
                                    .deferred = &part->deferred}));
    }
    Synchronize(device_);
    const double seconds = static_cast<double>(MonotonicNs() - start) * 1e-9;
    const AllocationCounts allocated = ReadAllocationCounts() - allocations;
    const ProcessCounters used = ReadProcessCounters() - counters;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      parts_[i]->deferred.Loaded(results[i].loaded);
      parts_[i]->deferred.Finish();
    }
    if (first) {
      NoteCosts(results, allocated, shared ? shared->open_report() : ReadReport{});
    } else {
      NoteSample(results, opened, used);
    }
    return seconds;
  }

  // Exact costs: the same in every sample, so the first one's are told.
  void NoteCosts(const std::vector<LoadResult>& results, const AllocationCounts& allocated, const ReadReport& opened) {
    std::uint64_t loaded = 0, mapped = 0, fallen = 0;
    std::optional<std::uint64_t> copied = 0, read = opened.bytes_read, calls = opened.read_calls;
    const auto add = [](std::optional<std::uint64_t>& sum, std::optional<std::uint64_t> more) {
      sum = sum && more ? std::optional(*sum + *more) : std::nullopt;  // one that is not known leaves the sum unknown
    };
    for (const LoadResult& result : results) {
      loaded += result.bytes_loaded;
      mapped += result.bytes_mapped;
      add(copied, result.bytes_copied);
      add(read, result.bytes_read);
      add(calls, result.read_calls);
      fallen += result.tensors_fallen_back;
      for (const CrcStatus status : result.crc) ++record.crc[std::string(Name(status))];
      if (!result.fallback.empty()) record.fallback = result.fallback;
    }
    record.bytes = loaded;
    record.bytes_read = read;
    record.bytes_copied = copied;
    record.read_calls = calls;
    if (mapped > 0) record.bytes_mapped = mapped;
    if (fallen > 0) record.tensors_fallen_back = fallen;
    record.allocations = allocated.allocations;
    record.bytes_allocated = allocated.bytes;
  }

  void NoteSample(const std::vector<LoadResult>& results, double opened, const ProcessCounters& used) {
    double open = opened, plan = 0, load = 0, resident = 0;
    for (const LoadResult& result : results) {
      open += result.seconds.open;
      plan += result.seconds.plan;
      load += result.seconds.load;
      resident += result.seconds.resident;
    }
    record.phases_ns["open"].push_back(Ns(open));
    record.phases_ns["plan"].push_back(Ns(plan));
    record.phases_ns["load"].push_back(Ns(load));
    if (record.bytes_mapped) {
      record.phases_ns["mapped"].push_back(Ns(open + plan + load));
      record.phases_ns["resident"].push_back(Ns(resident));
    }
    record.minor_faults.push_back(static_cast<std::int64_t>(used.minor_faults));
    record.major_faults.push_back(static_cast<std::int64_t>(used.major_faults));
  }

  // Of the modules' parameters and buffers, the bytes that lie in memory that LibTorch's allocator gave.
  std::uint64_t AnonymousBytes() const {
    const auto own = c10::GetAllocator(c10::kCPU)->raw_deleter();
    std::set<const c10::StorageImpl*> seen;
    std::uint64_t bytes = 0;
    const auto add = [&](const std::vector<at::Tensor>& tensors) {
      for (const auto& tensor : tensors) {
        if (!tensor.is_cpu() || tensor.storage().data_ptr().get_deleter() != own) continue;
        if (seen.insert(tensor.storage().unsafeGetStorageImpl()).second) bytes += tensor.storage().nbytes();
      }
    };
    for (const auto& part : parts_) {
      add(part->module->parameters());
      add(part->module->buffers());
    }
    return bytes;
  }

  Session& session_;
  const LoadPath& path_;
  std::string file_;
  std::vector<std::string> files_;
  bool opened_once_ = false;
  at::Device device_ = at::kCPU;
  std::vector<std::unique_ptr<Part>> parts_;
};

}  // namespace

std::unique_ptr<Run> MakeLoadRun(const Case& which, Session& session) {
  return std::make_unique<LoadRun>(which, session);
}

}  // namespace loadpath::bench
