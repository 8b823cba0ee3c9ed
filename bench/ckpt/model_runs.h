#ifndef LOADPATH_BENCH_CKPT_MODEL_RUNS_H_
#define LOADPATH_BENCH_CKPT_MODEL_RUNS_H_

#include <string>

#include "harness/inspect/file_and_key.h"
#include "loadpath/checkpoint.h"
#include "loadpath/key_rules.h"

namespace loadpath::ckpt {

struct LoadOptions {
  FileAndKey file;
  std::string model, via = "direct", device = "cpu";
  KeyRules rules;
  bool lenient = false, skip_mismatched = false, json = false;
  std::string input, output, data;
  OpenOptions open;
  CrcMode crc = CrcMode::kAuto;
};

struct DiffModelOptions {
  FileAndKey file;
  std::string model;
  KeyRules rules;
  bool json = false;
  OpenOptions open;
};

/// The runs that need LibTorch: ckpt-load has them, ckpt starts ckpt-load for them.
struct ModelRuns {
  int (*load)(const LoadOptions& options);
  int (*diff)(const DiffModelOptions& options);
};

/// `ckpt load`: constructs, loads, runs once and checks. Returns the exit code.
int RunLoad(const LoadOptions& options);

/// `ckpt diff FILE --model NAME`. Returns the exit code.
int RunDiffModel(const DiffModelOptions& options);

}  // namespace loadpath::ckpt

#endif  // LOADPATH_BENCH_CKPT_MODEL_RUNS_H_
