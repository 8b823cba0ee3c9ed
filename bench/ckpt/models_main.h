#ifndef LOADPATH_BENCH_CKPT_MODELS_MAIN_H_
#define LOADPATH_BENCH_CKPT_MODELS_MAIN_H_

#include <span>
#include <string>

#include "bench/ckpt/command_line.h"
#include "loadpath/model.h"

namespace loadpath::ckpt {

/// Runs a parsed command line of ckpt, whichever subcommand it names, with these models. `data` is the folder of the
/// reference data unless --data names one; an empty text stands for ckpt's own default.
int RunWithModels(const Invocation& invocation, std::span<const Model> models, const std::string& data);

}  // namespace loadpath::ckpt

#endif  // LOADPATH_BENCH_CKPT_MODELS_MAIN_H_
