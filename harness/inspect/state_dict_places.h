#ifndef LOADPATH_HARNESS_INSPECT_STATE_DICT_PLACES_H_
#define LOADPATH_HARNESS_INSPECT_STATE_DICT_PLACES_H_

#include <string>

#include "harness/inspect/file_and_key.h"
#include "loadpath/tree.h"

namespace loadpath {

/// Names the dicts below `from` that hold tensors themselves, as a command line names them ("--key model or --key ema",
/// or "FILE::model or FILE::ema"): at most as many as a person would read. `from` lies at `name.key` and is not among
/// them. Returns an empty text if there is none.
std::string StateDictPlaces(const Tree& tree, NodeId from, const FileAndKey& name);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_INSPECT_STATE_DICT_PLACES_H_
