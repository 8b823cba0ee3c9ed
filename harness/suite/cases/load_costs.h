#ifndef LOADPATH_HARNESS_SUITE_CASES_LOAD_COSTS_H_
#define LOADPATH_HARNESS_SUITE_CASES_LOAD_COSTS_H_

#include <torch/nn/module.h>

#include <memory>
#include <span>
#include <vector>

#include "harness/load/load_path.h"
#include "harness/measure/counters.h"
#include "harness/results/record.h"
#include "loadpath/tensor_allocator.h"

namespace loadpath {

/// What one load of a case did: a result for each of its models.
struct LoadOutcome {
  std::vector<LoadResult> results;
  AllocationCounts allocated;
  ReadReport opened;        ///< of a checkpoint that was opened once, before all of `results`
  double open_seconds = 0;  ///< likewise
  double seconds = 0;       ///< from opening the file until every byte is where it belongs
  ProcessCounters used;
};

/// Returns the costs that no clock has a part in.
ExactCosts CostsOf(const LoadOutcome& outcome);
/// Returns its times, costs and faults.
Sample SampleOf(const LoadOutcome& outcome);
/// Notes in the record what became of the checksums and what fell back.
void NoteOutcome(const LoadOutcome& outcome, Record& record);

/// Returns the bytes of the modules' parameters and buffers that lie in memory of LibTorch's allocator.
std::uint64_t AnonymousBytes(std::span<const std::shared_ptr<torch::nn::Module>> modules);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_CASES_LOAD_COSTS_H_
