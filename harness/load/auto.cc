#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "harness/base/text.h"
#include "harness/load/auto_costs.h"
#include "harness/load/mapping/mapper.h"

namespace loadpath {
namespace {

std::string Ms(double ns) {
  char text[32];
  std::snprintf(text, sizeof text, ns < 1e5 ? "%.3f ms" : ns < 1e7 ? "%.2f ms" : "%.0f ms", ns / 1e6);
  return text;
}

constexpr std::string_view kInUse = "whose memory is in use";

// Which tensors had better be read, although they could lie in a mapping, and why. Tensors of one storage of the file
// stay together.
class Objections {
 public:
  Objections(const Tree& tree, const std::vector<PlannedTensor>& tensors) : tree_(tree), tensors_(tensors) {
    std::unordered_map<StorageId, std::vector<const PlannedTensor*>> users;
    for (const PlannedTensor& planned : tensors_) {
      Object(planned, OfTarget(planned));
      users[View(planned).storage].push_back(&planned);
    }
    for (auto& [storage, list] : users) {
      if (list.size() > 1 && Overlap(list)) Object(*list.front(), "of bytes that tensors share in the file alone");
    }
  }

  void Object(const PlannedTensor& planned, std::string_view reason) {
    if (!reason.empty()) reasons_.emplace(View(planned).storage, reason);
  }

  std::string_view Of(const PlannedTensor& planned) const {
    const auto found = reasons_.find(View(planned).storage);
    return found == reasons_.end() ? std::string_view() : found->second;
  }
  // "3 of another dtype, 1 strided in the file"
  std::string Text() const {
    ReasonCounts counts;
    for (const PlannedTensor& planned : tensors_) {
      if (const std::string_view reason = Of(planned); !reason.empty()) ++counts[std::string(reason)];
    }
    return loadpath::Text(counts);
  }

 private:
  const TensorView& View(const PlannedTensor& planned) const { return tree_.tensor(planned.source); }

  // The module must be what copying makes it, and whoever else sees the memory of a tensor must see what is loaded.
  std::string_view OfTarget(const PlannedTensor& planned) const {
    if (const std::string_view reason = ObstacleToReading(View(planned), planned.target); !reason.empty())
      return reason;
    if (planned.target.is_inference()) return "an inference tensor";
    return DeferredInit::WillFillAlone(planned.target) ? "" : kInUse;
  }

  // In a mapping, tensors that the module keeps apart would be one memory.
  bool Overlap(std::vector<const PlannedTensor*>& users) const {
    const auto begin = [&](const PlannedTensor* one) {
      return static_cast<std::uint64_t>(View(*one).storage_offset) * ItemSize(View(*one).dtype);
    };
    std::ranges::sort(users, {}, begin);
    for (std::size_t i = 1; i < users.size(); ++i) {
      if (begin(users[i]) < begin(users[i - 1]) + View(*users[i - 1]).nbytes()) return true;
    }
    return false;
  }

  const Tree& tree_;
  const std::vector<PlannedTensor>& tensors_;
  std::unordered_map<StorageId, std::string_view> reasons_;
};

struct Split {
  std::vector<PlannedTensor> mapped, copied, read;
  std::string why;
  bool prefetched = false;  // all pages are there
};

// Returns true if a tensor that stays where it is had better be copied out of the mapping than be read by itself: the
// counters of batch normalisation. No other tensor shares its memory, so that the order of the writes does not matter.
bool IsCopied(const PlannedTensor& planned, const TensorView& view) {
  constexpr std::size_t kMost = 64 << 10;
  return ObstacleToReading(view, planned.target).empty() && !planned.target.is_inference() &&
         planned.target.nbytes() > 0 && planned.target.nbytes() <= kMost && planned.target.storage().use_count() == 1;
}

// Divides the tensors into those that the mapping takes and those that are read.
Split Divide(std::vector<PlannedTensor> tensors, const Checkpoint& checkpoint, const LoadRequest& request,
             Mapper& mapper) {
  const ReadOptions& options = request.read;
  const auto read_all = [&](std::string why) { return Split{{}, {}, std::move(tensors), "reads" + std::move(why)}; };
  if (!request.file_stays) return read_all(": the file may change (LoadOptions::file_stays)");
  if (options.crc == CrcMode::kOn) return read_all(": checksums are wanted");

  const AutoCosts& costs = CurrentAutoCosts();
  std::optional<Objections> objections;
  std::uint64_t bytes = 0;  // of those without an objection
  std::size_t count = 0;
  const auto add_up = [&] {
    bytes = 0, count = 0;
    for (const PlannedTensor& planned : tensors) {
      if (objections && !objections->Of(planned).empty()) continue;
      bytes += planned.target.nbytes();
      ++count;
    }
  };
  const auto map_is_faster = [&](double resident) {
    return costs.map.Of(count, bytes, resident) < costs.read.Of(count, bytes, resident);
  };
  const auto reckoning = [&](double resident) {
    const std::string others = objections ? objections->Text() : "";
    return " " + std::to_string(count) + " tensors of " + HumanBytes(bytes) + ", " +
           std::to_string(static_cast<int>(resident * 100 + 0.5)) +
           " % in the page cache: " + Ms(costs.map.Of(count, bytes, resident)) + " reckoned for mapping, " +
           Ms(costs.read.Of(count, bytes, resident)) + " for reading" +
           (others.empty() ? "" : "; the others keep their memory: " + others);
  };
  // A file of little, or of many small tensors, is not looked at any closer, nor mapped.
  add_up();
  if (count > 0 && !map_is_faster(1)) return read_all(reckoning(1));
  objections.emplace(checkpoint.tree(), tensors);
  add_up();
  if (count == 0) return read_all(": " + (tensors.empty() ? "nothing" : objections->Text()));
  if (!map_is_faster(1)) return read_all(reckoning(1));
  const double resident = mapper.ResidentPart();
  if (!map_is_faster(resident)) return read_all(reckoning(resident));
  options.progress.Expect(TargetBytes(tensors));
  const bool prefetched = mapper.Prefetch(bytes, resident, options.threads, options.progress);
  for (const PlannedTensor& planned : tensors) {
    if (objections->Of(planned).empty()) objections->Object(planned, mapper.Obstacle(planned));
  }
  add_up();
  if (count == 0) return read_all(": " + objections->Text());
  if (!map_is_faster(resident)) return read_all(reckoning(resident));
  Split split{{}, {}, {}, "maps" + reckoning(resident), prefetched};
  for (PlannedTensor& planned : tensors) {
    const std::string_view reason = objections->Of(planned);
    // The reason may be that of another tensor of the storage.
    const bool copied = reason == kInUse && IsCopied(planned, checkpoint.tree().tensor(planned.source)) &&
                        mapper.Obstacle(planned).empty();
    (reason.empty() ? split.mapped : copied ? split.copied : split.read).push_back(std::move(planned));
  }
  return split;
}

// Loads what the mapping takes, up to the module, which Give changes.
class Mapped {
 public:
  Mapped(Split& split, const Checkpoint& checkpoint, Mapper& mapper) : split_(split), mapper_(mapper) {
    const c10::InferenceMode normal(false);  // a parameter is no inference tensor, whatever mode its load runs in
    for (const PlannedTensor& planned : split.mapped) {
      const TensorView& view = checkpoint.tree().tensor(planned.source);
      tensors_.push_back(mapper.Make(view, planned.target.strides()));
      bytes_ += view.nbytes();
    }
    for (const PlannedTensor& planned : split.copied)
      sources_.push_back(mapper.BytesOf(checkpoint.tree().tensor(planned.source)));
  }

  // Throws CheckpointError.
  void Populate(const ReadOptions& options) {
    mapper_.Populate(options.threads, split_.prefetched ? Progress() : options.progress);
    for (std::size_t i = 0; i < sources_.size(); ++i)
      bytes_of_copied_.emplace_back(sources_[i], sources_[i] + split_.copied[i].target.nbytes());
  }

  void Give(LoadResult& result) const {
    mapper_.CheckLengths();
    const c10::InferenceMode normal(false);
    for (std::size_t i = 0; i < tensors_.size(); ++i) Replace(split_.mapped[i], tensors_[i]);
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      const at::Tensor& target = split_.copied[i].target;
      std::memcpy(target.data_ptr(), bytes_of_copied_[i].data(), target.nbytes());
      BumpVersion(target);
      *result.bytes_copied += target.nbytes();
    }
    result.bytes_mapped = bytes_;
    result.crc.insert(result.crc.end(), mapper_.storages().size() + sources_.size(), CrcStatus::kOff);
  }

 private:
  Split& split_;
  Mapper& mapper_;
  std::vector<at::Tensor> tensors_;
  std::vector<const std::byte*> sources_;
  std::vector<std::vector<std::byte>> bytes_of_copied_;
  std::uint64_t bytes_ = 0;
};

LoadResult LoadAuto(const LoadRequest& request) {
  if (request.device != at::kCPU) return LoadStaged(request);
  LoadResult result;
  Prepared prepared = Prepare(request, "auto", /*assign=*/false, result);
  const Checkpoint& checkpoint = *prepared.checkpoint;
  Stopwatch watch;
  Mapper mapper(checkpoint);
  Split split = Divide(LastOfEach(std::move(prepared.tensors)), checkpoint, request, mapper);
  std::optional<Mapped> mapped(std::in_place, split, checkpoint, mapper);
  result.seconds.load = watch.Lap();
  try {
    mapped->Populate(request.read);
  } catch (const CheckpointError& error) {
    if (error.code() == ErrorCode::kCancelled) throw;
    // Reading may do, or says what is wrong.
    mapped.reset();
    split.why = "reads: the mapping " + error.sentence();
    for (std::vector<PlannedTensor>* part : {&split.mapped, &split.copied}) {
      std::ranges::move(*part, std::back_inserter(split.read));
      part->clear();
    }
  }
  result.seconds.resident = watch.Lap();
  // This fails whole or not at all.
  ReadInto(split.read, checkpoint, request.read, result);
  if (mapped) mapped->Give(result);
  result.ran = split.mapped.empty() ? "direct" : split.read.empty() ? "mmap" : "mmap and direct";
  result.choice = std::move(split.why);
  Finish(result);
  result.seconds.load += watch.Lap();
  return result;
}

}  // namespace

const LoadPath auto_path = {.name = "auto",
                            .summary = "map the file into a fresh module, or read, whichever is faster",
                            .limit = "mmap",
                            .load = LoadAuto};

}  // namespace loadpath
