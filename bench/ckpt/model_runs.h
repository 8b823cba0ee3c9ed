#ifndef LOADPATH_BENCH_CKPT_MODEL_RUNS_H_
#define LOADPATH_BENCH_CKPT_MODEL_RUNS_H_

#include <functional>
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

/// The runs that need LibTorch. ckpt has none of them and starts ckpt-load; a suite of one's own runs them itself.
struct ModelRuns {
  std::function<int(const LoadOptions& options)> load;
  std::function<int(const DiffModelOptions& options)> diff;
};

}  // namespace loadpath::ckpt

#endif  // LOADPATH_BENCH_CKPT_MODEL_RUNS_H_
