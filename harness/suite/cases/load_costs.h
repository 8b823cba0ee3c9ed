#ifndef LOADPATH_HARNESS_SUITE_CASES_LOAD_COSTS_H_
#define LOADPATH_HARNESS_SUITE_CASES_LOAD_COSTS_H_

#include <torch/nn/module.h>

#include <memory>
#include <span>

#include "harness/load/load_path.h"
#include "harness/measure/counters.h"
#include "harness/results/record.h"
#include "loadpath/tensor_allocator.h"

namespace loadpath {

/// Notes the exact costs of a load, which are the same in every sample. `opened`: of a checkpoint that was opened
/// before all of `results`.
void NoteCosts(std::span<const LoadResult> results, const AllocationCounts& allocated, const ReadReport& opened,
               Record& record);

/// Throws WrongAnswer if the exact costs of another load of the case are not those that the record has.
void RequireSameCosts(std::span<const LoadResult> results, const AllocationCounts& allocated, const ReadReport& opened,
                      const Record& record);

/// Notes what one sample cost. `open_seconds`: of a checkpoint that was opened before all of `results`.
void NoteSample(std::span<const LoadResult> results, double open_seconds, const ProcessCounters& used, Record& record);

/// Returns the bytes of the modules' parameters and buffers that lie in memory of LibTorch's allocator.
std::uint64_t AnonymousBytes(std::span<const std::shared_ptr<torch::nn::Module>> modules);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_CASES_LOAD_COSTS_H_
