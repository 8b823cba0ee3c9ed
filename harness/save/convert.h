#ifndef LOADPATH_HARNESS_SAVE_CONVERT_H_
#define LOADPATH_HARNESS_SAVE_CONVERT_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/checkpoint/formats/safetensors/header.h"
#include "harness/inspect/file_and_key.h"
#include "harness/save/aliases.h"
#include "loadpath/checkpoint.h"
#include "loadpath/key_rules.h"

namespace loadpath {

struct ConvertOptions {
  KeyRules rules = {};  ///< for the names
  AliasRule aliases = AliasRule::kApart;
  OpenOptions open = {};
  CrcMode crc = CrcMode::kAuto;
};

/// What a conversion wrote.
struct Conversion {
  FileAndKey from;
  std::string format, output;
  std::uint64_t tensors = 0, bytes = 0;  ///< written
  std::vector<Alias> aliases;
  std::vector<std::string> left_out;  ///< the keys of what is not a tensor
  double seconds = 0;
};

/// Writes the state dict at `from.key` as the safetensors file `output`. The file appears under its name only after
/// every tensor was read back from it and is equal to the one in the checkpoint. safetensors has no shared storages,
/// strides, conjugate or negative bits: each tensor is written whole, in row-major order. Throws CheckpointError.
Conversion ConvertToSafetensors(const FileAndKey& from, const std::string& output, const ConvertOptions& options);

/// Throws CheckpointError kIo, about `output`, unless `written` holds these tensors and no others, in this order. The
/// digests are the SHA-256 of their elements.
void RequireWritten(const std::string& output, const Checkpoint& written, std::span<const SafetensorsEntry> entries,
                    std::span<const std::string> digests);

/// Returns the report for people.
std::string ConvertText(const Conversion& conversion);

/// Returns {"file", "format", "key", "output", "tensors", "bytes", "aliases": [{"name", "of", "equal", "written"}],
/// "left_out": [keys], "seconds"}.
std::string ConvertJson(const Conversion& conversion);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SAVE_CONVERT_H_
