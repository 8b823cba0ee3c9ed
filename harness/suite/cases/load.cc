#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>

#include "harness/base/error.h"
#include "harness/base/parallel.h"
#include "harness/base/stopwatch.h"
#include "harness/golden/check_outputs.h"
#include "harness/measure/counters.h"
#include "harness/measure/memory.h"
#include "harness/measure/page_cache.h"
#include "harness/suite/case_kinds.h"
#include "harness/suite/cases/load_costs.h"
#include "harness/suite/fitting_model.h"
#include "harness/suite/reference_source.h"
#include "harness/suite/user_checkpoint.h"
#include "loadpath/device.h"
#include "loadpath/tensor_allocator.h"

namespace loadpath {
namespace {

// One state dict of a file and the module that takes it.
struct Part {
  std::string key;
  KeyRules rules;
  std::function<std::shared_ptr<torch::nn::Module>()> make;
  std::function<std::string(torch::nn::Module&)> check;  // returns what is wrong, or nothing
  DeferredInit deferred{};
  std::shared_ptr<torch::nn::Module> module{};
  std::vector<KeyReport> report{};  // of the first load
};

class LoadRun : public Run {
 public:
  LoadRun(const Case& one, Session& session) : Run(one), session_(session), path_(*FindLoadPath(one.path)) {
    record.threads = path_.libtorch_reader.empty() ? Cores() : 1;
  }

  void Verify() override {
    device_ = OpenDevice(tested().device->text());
    if (!tested().checkpoint) {
      FindReferenceFile();
      VerifyLoad();
      return;
    }
    if (path_.runs_code) {
      throw Skipped("may run code that lies in a file: it is given the reference data alone (ckpt load --via " +
                    tested().path + " runs it on a TorchScript file that you trust)");
    }
    try {
      FindUserFile();
      VerifyLoad();
    } catch (const CheckpointError& error) {
      throw BadInput(error.what());
    } catch (const StateDictError& error) {
      throw BadInput(tested().checkpoint->file + ": " + error.what());
    } catch (const UsageError& error) {
      throw BadInput(error.what());
    }
  }

  double Sample() override {
    const ScopedTensorAllocator loading;
    const Releaser releaser(*this);
    Construct();
    if (tested().cache == CacheState::kCold) {
      const Residency left = Evict(files_);
      record.greatest_residency = std::max(record.greatest_residency.value_or(0), left.part());
    } else {
      MakeHot(files_);
    }
    return Load(/*first=*/false);
  }

 private:
  // Frees the modules at the end of a scope, however it ends: a case that is wrong keeps no memory from the others.
  class Releaser {
   public:
    explicit Releaser(LoadRun& run) : run_(run) {}
    ~Releaser() { run_.Release(); }
    Releaser(const Releaser&) = delete;
    Releaser& operator=(const Releaser&) = delete;

   private:
    LoadRun& run_;
  };

  void VerifyLoad() {
    const Releaser releaser(*this);
    files_ = FilesOf(*Checkpoint::Open(file_, HowToOpen(tested())));
    if (tested().cache == CacheState::kHot) MakeHot(files_);
    std::optional<ScopedTensorAllocator> loading(std::in_place);
    PeakMemory peak;
    Construct();
    estimate = Load(/*first=*/true);
    peak.Stop();
    record.peak_extra_bytes = peak.Extra(AnonymousBytes(Modules()));
    loading.reset();
    for (const auto& part : parts_) {
      if (const std::string wrong = part->check(*part->module); !wrong.empty()) throw WrongAnswer(wrong);
    }
    record.checked = true;
  }

  void FindReferenceFile() {
    const ReferenceSource source = FindReference(tested(), session_);
    file_ = source.file;
    must_load_ = source.must_load;
    for (const ReferencePart& part : source.parts) {
      Part& added = AddPart(part.key, part.model->make);
      added.rules = part.rules();
      added.check = [this, part, &added](torch::nn::Module& module) {
        if (part.own != nullptr) Complete(part, path_, added.report, module, session_);
        const std::string wrong = CheckParameters(module, *part.entry);
        if (!wrong.empty()) return wrong;
        module.eval();
        const Forward forward = [&](std::span<const at::Tensor> inputs) { return part.model->forward(module, inputs); };
        const std::int64_t batch = part.entry->goldens.begin()->first;
        if (!record.difference.empty()) record.difference += "; ";
        record.difference += CheckOutputs(forward, session_.manifest(), *part.entry, batch, device_).front();
        record.outputs_checked = true;
        return wrong;
      };
    }
  }

  void FindUserFile() {
    const UserCheckpoint& user = *tested().checkpoint;
    file_ = user.file;
    must_load_ = path_.libtorch_reader.empty();
    const auto checkpoint = Checkpoint::Open(file_, HowToOpen(tested()));
    record.format = checkpoint->format();
    const StateDict state_dict = StateDict::From(checkpoint, user.key);
    const Model* known = FittingModel(state_dict, session_.models());
    if (known != nullptr) record.model = known->name;
    const auto make = known != nullptr ? known->make : [state_dict] { return ModuleLike(state_dict); };
    AddPart(user.key, make).check = [state_dict, dtypes = ConstructedDtypes(make)](torch::nn::Module& module) {
      return CheckAgainstFile(state_dict, module, dtypes);
    };
  }

  static Dtypes ConstructedDtypes(const std::function<std::shared_ptr<torch::nn::Module>()>& make) {
    DeferredInit deferred;
    const auto module = deferred.Construct(make);  // gone before `deferred`, so nothing is ever filled
    return DtypesOf(*module);
  }

  Part& AddPart(const std::string& key, std::function<std::shared_ptr<torch::nn::Module>()> make) {
    Part& part = *parts_.emplace_back(std::make_unique<Part>());
    part.key = key;
    part.make = std::move(make);
    return part;
  }

  void Construct() {
    for (const auto& part : parts_) part->module = part->deferred.Construct(part->make);
  }
  void Release() {
    for (const auto& part : parts_) part->module.reset();
  }

  std::vector<std::shared_ptr<torch::nn::Module>> Modules() const {
    std::vector<std::shared_ptr<torch::nn::Module>> modules;
    for (const auto& part : parts_) modules.push_back(part->module);
    return modules;
  }

  // Returns the seconds from opening the file until every byte is where it belongs.
  double Load(bool first) {
    std::vector<LoadResult> results;
    const ProcessCounters counters = ReadProcessCounters();
    const AllocationCounts allocations = ReadAllocationCounts();
    const std::int64_t start = MonotonicNs();
    Stopwatch opening(start);
    std::shared_ptr<const Checkpoint> shared;
    double opened = 0;
    if (tested().opened_once) {
      shared = Checkpoint::Open(file_, HowToOpen(tested()));
      opened = opening.Lap();
    }
    for (const auto& part : parts_) {
      const LoadRequest request{.file = file_,
                                .key_path = part->key,
                                .checkpoint = shared,
                                .open = HowToOpen(tested()),
                                .rules = part->rules,
                                .module = *part->module,
                                .device = device_};
      results.push_back(LoadBy(path_, request, must_load_));
    }
    Synchronize(device_);
    const double seconds = Stopwatch(start).Lap();
    const AllocationCounts allocated = ReadAllocationCounts() - allocations;
    const ProcessCounters used = ReadProcessCounters() - counters;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      parts_[i]->deferred.Loaded(results[i].loaded);
      parts_[i]->deferred.Finish();
    }
    if (first) {
      for (std::size_t i = 0; i < parts_.size(); ++i) parts_[i]->report = results[i].report;
      NoteCosts(results, allocated, shared ? shared->open_report() : ReadReport{}, record);
    } else {
      RequireSameCosts(results, allocated, shared ? shared->open_report() : ReadReport{}, record);
      NoteSample(results, opened, used, record);
    }
    return seconds;
  }

  Session& session_;
  const LoadPath& path_;
  std::string file_;
  std::vector<std::string> files_;
  bool must_load_ = true;
  at::Device device_ = at::kCPU;
  std::vector<std::unique_ptr<Part>> parts_;
};

}  // namespace

void ListLoads(const CatalogueRequest& request, std::vector<Case>& all) {
  const auto named_alike = [&](const std::filesystem::path& name) {
    return std::ranges::count_if(request.checkpoints, [&](const UserCheckpoint& other) {
      return std::filesystem::path(other.file).filename() == name;
    });
  };
  for (const UserCheckpoint& checkpoint : request.checkpoints) {
    // Two files of one name are told apart by their paths. The format is known once the case runs.
    const std::filesystem::path file(checkpoint.file);
    const bool alone = named_alike(file.filename()) == 1;
    AddLoads({.kind = CaseKind::kLoad,
              .model = file.stem().string(),
              .format = "file",
              .layout = (alone ? file.filename().string() : checkpoint.file) +
                        (checkpoint.key.empty() ? "" : "::" + checkpoint.key),
              .checkpoint = checkpoint},
             request, all);
  }
  AddReferenceLoads(CaseKind::kLoad, request, all);
}

std::unique_ptr<Run> MakeLoadRun(const Case& one, Session& session) { return std::make_unique<LoadRun>(one, session); }

}  // namespace loadpath
