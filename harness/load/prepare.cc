#include "harness/load/prepare.h"

#include <unordered_set>
#include <utility>

namespace loadpath {

Prepared Prepare(const LoadRequest& request, std::string_view path, bool assign, LoadResult& result) {
  Stopwatch watch;
  Prepared prepared;
  result.ran = path;
  prepared.checkpoint = request.checkpoint ? request.checkpoint : Checkpoint::Open(request.file, request.open);
  if (!request.checkpoint) AddCosts(prepared.checkpoint->open_report(), result);
  result.seconds.open = watch.Lap();

  LoadStateDictOptions options = request.options;
  options.assign = assign;
  StateDict state_dict = StateDict::From(prepared.checkpoint, request.key_path);
  state_dict.Apply(request.rules);
  LoadPlan plan = PlanLoadStateDict(request.module, state_dict, options);
  prepared.tensors = std::move(plan.tensors);
  result.keys = {std::move(plan.missing_keys), std::move(plan.unexpected_keys)};
  result.mismatched = std::move(plan.mismatched);
  result.report = std::move(plan.report);
  result.warnings = std::move(plan.warnings);
  // Tied weights stand under two keys and are one tensor.
  std::unordered_set<const c10::TensorImpl*> seen;
  for (const PlannedTensor& planned : prepared.tensors) {
    if (seen.insert(planned.target.unsafeGetTensorImpl()).second) {
      result.bytes_loaded += prepared.checkpoint->tree().tensor(planned.source).nbytes();
    }
    result.loaded.push_back(planned.target);
  }
  result.seconds.plan = watch.Lap();
  return prepared;
}

LoadResult LoadWhole(const LoadRequest& request, std::string_view path, bool assign) {
  if (request.device != at::kCPU) return LoadStaged(request);
  LoadResult result;
  const Prepared prepared = Prepare(request, path, assign, result);
  Stopwatch watch;
  AddCosts((assign ? ApplyAssign : ApplyCopy)(*prepared.checkpoint, prepared.tensors, request.read), result);
  Finish(result);
  result.seconds.load = watch.Lap();
  return result;
}

std::uint64_t TargetBytes(std::span<const PlannedTensor> tensors) {
  std::uint64_t bytes = 0;
  for (const PlannedTensor& planned : tensors) bytes += planned.target.nbytes();
  return bytes;
}

void Finish(const LoadResult& result) { DeferredInit::ForgetFills(result.loaded); }

void AddCosts(const ReadReport& report, LoadResult& result) {
  if (result.bytes_read) *result.bytes_read += report.bytes_read;
  if (result.read_calls) *result.read_calls += report.read_calls;
  if (result.bytes_copied) *result.bytes_copied += report.bytes_copied;
  result.crc.insert(result.crc.end(), report.crc.begin(), report.crc.end());
}

void AddCosts(const ApplyReport& report, LoadResult& result) {
  AddCosts(report.read, result);
  if (result.bytes_copied) *result.bytes_copied += report.bytes_copied;
}

std::string Text(const ReasonCounts& reasons) {
  std::string text;
  for (const auto& [reason, count] : reasons) text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + reason;
  return text;
}

void Fallback::Add(const PlannedTensor& planned, std::string_view reason) {
  tensors_.push_back(planned);
  ++reasons_[std::string(reason)];
}

void Fallback::Report(std::string_view path, LoadResult& result) const {
  result.tensors_fallen_back = tensors_.size();
  if (tensors_.empty()) return;
  result.fallback = std::string(path) + ": " + Text(reasons_);
}

}  // namespace loadpath
