#ifndef LOADPATH_BENCH_CHECK_MODELS_H_
#define LOADPATH_BENCH_CHECK_MODELS_H_

#include <span>
#include <string>

#include "loadpath/model.h"

namespace loadpath {

/// Returns what is wrong with the models of a suite, in a sentence; an empty text if nothing is. Their names become
/// parts of the names of cases and of files.
std::string ModelsProblem(std::span<const Model> models);

}  // namespace loadpath

#endif  // LOADPATH_BENCH_CHECK_MODELS_H_
