#ifndef LOADPATH_BENCH_SAVE_ARCHIVE_H_
#define LOADPATH_BENCH_SAVE_ARCHIVE_H_

#include <span>
#include <string>

#include "loadpath/model.h"

namespace loadpath::bench {

/// --save-archive MODEL STATE_DICT ARCHIVE: loads a state dict into the model's C++ module and saves the module by
/// torch::save, as C++ programs do. The generator of reference data runs it. Returns 0; throws if that cannot be.
int SaveArchive(const std::string& model, const std::string& state_dict, const std::string& archive,
                std::span<const Model> models);

}  // namespace loadpath::bench

#endif  // LOADPATH_BENCH_SAVE_ARCHIVE_H_
