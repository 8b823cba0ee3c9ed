#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>

#include "harness/base/error.h"
#include "harness/base/parallel.h"
#include "harness/base/stopwatch.h"
#include "harness/base/text.h"
#include "harness/golden/check_outputs.h"
#include "harness/measure/counters.h"
#include "harness/measure/fresh_copy.h"
#include "harness/measure/memory.h"
#include "harness/measure/page_cache.h"
#include "harness/measure/warm_memory.h"
#include "harness/results/costs.h"
#include "harness/state/module_state.h"
#include "harness/suite/case_kinds.h"
#include "harness/suite/cases/load_costs.h"
#include "harness/suite/cases/twins.h"
#include "harness/suite/fitting_model.h"
#include "harness/suite/reference_source.h"
#include "harness/suite/sampling/interrupt.h"
#include "harness/suite/user_checkpoint.h"
#include "loadpath/device.h"
#include "loadpath/tensor_allocator.h"

namespace loadpath {
namespace {

// Below this, a load is made of other things than moving bytes.
constexpr std::uint64_t kLeastForLimit = std::uint64_t{1} << 20;

// One state dict of a file and the module that takes it.
struct Part {
  std::string key;
  KeyRules rules;
  std::function<std::shared_ptr<torch::nn::Module>()> make;
  std::function<std::string(torch::nn::Module&)> check;  // returns what is wrong, or nothing
  DeferredInit deferred{};
  std::shared_ptr<torch::nn::Module> module{};
  std::vector<KeyReport> report{};  // of the last load
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

  Sample TakeSample(bool check) override {
    std::optional<FreshCopy> copy;
    if (tested().cache == CacheState::kCopy) copy.emplace(file_, files_);
    const Releaser releaser(*this);  // before the copy goes, nothing maps it any more
    const std::vector<std::string>& files = copy ? copy->files() : files_;
    if (tested().cache == CacheState::kHot) {
      MakeHot(files);
    } else {
      Evict(files);
    }
    const bool returned = tested().memory == MemoryState::kReturned;
    const ReturnedMemory memory =
        returned ? AwaitReturnedMemory(Interrupted) : ReturnedMemory{.rate = WarmMemory(fresh_bytes_)};
    std::optional<ScopedTensorAllocator> loading(std::in_place);
    PeakMemory peak(PeakMemory::Watch::kKernel);
    Construct();
    const double before = ReadResidency(files).part();
    const LoadOutcome outcome = Load(copy ? copy->root() : file_);
    peak.Stop();
    Sample sample = SampleOf(outcome);
    if (peak.known()) sample.peak_extra_bytes = peak.Extra(AnonymousBytes(Modules()));
    sample.residency_before = before;
    sample.residency_after = ReadResidency(files).part();
    if (memory.rate > 0) sample.touch_rate = memory.rate;
    sample.valid = !returned || memory.returned;
    loading.reset();
    if (check) Check();
    sample.checked = check;
    return sample;
  }

  std::optional<WantedLimit> Limit() const override {
    // The loops write to backed memory.
    if (*record.bytes < kLeastForLimit || tested().memory == MemoryState::kReturned) return std::nullopt;
    WantedLimit limit{.kind = {}, .threads = static_cast<int>(*record.threads), .files = files_};
    if (!device_.is_cpu()) {
      limit.kind = "h2d";
    } else if (tested().cache != CacheState::kHot) {
      limit.kind = "disk";
    } else {
      const bool sums = record.crc.contains(std::string(Name(CrcStatus::kChecked)));
      // What was meant to be mapped and was read is held against reading.
      limit.kind = record.bytes_mapped ? path_.limit : "pread-fresh";
      if (sums && limit.kind != "mmap") limit.kind += "-crc";
    }
    return limit;
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
    if (tested().memory == MemoryState::kReturned && !MachineReturnsMemory(Interrupted)) {
      throw Skipped("the host of this machine does not take free memory back, or not within a minute");
    }
    files_ = FilesOf(*Checkpoint::Open(file_, HowToOpen(tested())));
    if (tested().cache == CacheState::kCopy) RequireRoomForCopies();
    tested().cache == CacheState::kHot ? static_cast<void>(MakeHot(files_)) : MakeCold(files_);
    std::optional<ScopedTensorAllocator> loading(std::in_place);
    PeakMemory peak;
    Construct();
    const double before = ReadResidency(files_).part();
    const LoadOutcome outcome = Load(file_);
    peak.Stop();
    fresh_bytes_ = peak.anonymous_peak() - std::min(peak.anonymous_peak(), peak.anonymous_before());
    loading.reset();
    SetCosts(CostsOf(outcome), record);
    NoteOutcome(outcome, record);
    Check();
    record.checked = true;
    first = SampleOf(outcome);
    first->residency_before = before;
    first->checked = true;
  }

  void RequireRoomForCopies() const {
    try {
      const FreshCopy none(file_, {});
    } catch (const std::runtime_error& error) {
      throw Skipped(error.what());
    }
  }

  // Throws WrongAnswer.
  void Check() {
    record.difference.clear();
    for (const auto& part : parts_) {
      if (const std::string wrong = part->check(*part->module); !wrong.empty()) throw WrongAnswer(wrong);
    }
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
    Part& part = AddPart(user.key, make);
    part.check = [state_dict, dtypes = ConstructedDtypes(make)](torch::nn::Module& module) {
      return CheckAgainstFile(state_dict, module, dtypes);
    };
    if (!user.oracle) return;
    part.check = [this, own = part.check, described = session_.twins().Describe(user.file, user.key)](auto& module) {
      bool all = true;
      std::size_t compared = 0;
      const std::string wrong = CheckAgainstPython(described, module, compared, all);
      record.oracle = compared > 0 ? "python" : "";
      // What the model has converted, PyTorch's bytes cannot tell.
      return wrong.empty() && !all ? own(module) : wrong;
    };
  }

  // Returns what is wrong, or nothing. Sets `all` to false if tensors were left out, because they have another dtype
  // now.
  static std::string CheckAgainstPython(const std::map<std::string, TwinProcess::Described>& described,
                                        const torch::nn::Module& module, std::size_t& compared, bool& all) {
    for (const auto& [name, tensor] : StateOf(module)) {
      const auto found = described.find(name);
      if (found == described.end()) return Escaped(name) + " is not in the file, says Python";
      const auto dtype = DtypeByName(found->second.dtype);
      if (!dtype || ToScalarType(*dtype) != tensor.scalar_type()) {
        all = false;
        continue;
      }
      ++compared;
      if (tensor.sizes() != at::IntArrayRef(found->second.shape)) return Escaped(name) + " has another shape in Python";
      if (Digest(tensor) != found->second.sha256) return Escaped(name) + " differs from what Python reads";
    }
    all = all && compared > 0;
    return "";
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

  LoadOutcome Load(const std::string& file) {
    LoadOutcome outcome;
    const ProcessCounters counters = ReadProcessCounters();
    const AllocationCounts allocations = ReadAllocationCounts();
    const std::int64_t start = MonotonicNs();
    Stopwatch opening(start);
    std::shared_ptr<const Checkpoint> shared;
    if (tested().opened_once) {
      shared = Checkpoint::Open(file, HowToOpen(tested()));
      outcome.open_seconds = opening.Lap();
    }
    for (const auto& part : parts_) {
      const LoadRequest request{.file = file,
                                .key_path = part->key,
                                .checkpoint = shared,
                                .open = HowToOpen(tested()),
                                .rules = part->rules,
                                .module = *part->module,
                                .device = device_};
      outcome.results.push_back(LoadBy(path_, request, must_load_));
    }
    Synchronize(device_);
    outcome.seconds = Stopwatch(start).Lap();
    outcome.allocated = ReadAllocationCounts() - allocations;
    outcome.used = ReadProcessCounters() - counters;
    if (shared) outcome.opened = shared->open_report();
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      parts_[i]->deferred.Loaded(outcome.results[i].loaded);
      parts_[i]->deferred.Finish();
      parts_[i]->report = outcome.results[i].report;
    }
    return outcome;
  }

  Session& session_;
  const LoadPath& path_;
  std::string file_;
  std::vector<std::string> files_;
  bool must_load_ = true;
  std::uint64_t fresh_bytes_ = 0;  // of memory that a load touches first
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
