#ifndef LOADPATH_HARNESS_INSPECT_VALUES_JSON_H_
#define LOADPATH_HARNESS_INSPECT_VALUES_JSON_H_

#include <cstddef>
#include <string>

#include "harness/base/keyed_hash.h"
#include "loadpath/checkpoint.h"

namespace loadpath {

/// Maps each tensor node to its position in the list of tensors: the first one, if it is listed several times.
using TensorIndex = HashMap<NodeId, std::size_t>;
TensorIndex IndexTensors(std::span<const TensorPath> tensors);

/// The tree below a node without its tensors, as JSON. kValuesHelp says how the types that JSON lacks are written.
struct ValuesJson {
  std::string values;      ///< one JSON value
  std::string types;       ///< a JSON array
  std::string attributes;  ///< a JSON array
};

/// Writes the tree below `from`. Iterative, in time linear in the size of the tree: a shared value is written out at
/// each of its places until that has cost more than the tree's size allows, and as a reference to its first place after
/// that.
ValuesJson WriteValues(const Checkpoint& checkpoint, NodeId from, const TensorIndex& tensors);

inline constexpr const char* kValuesHelp =
    R"(Values in JSON: None, bool, int, float, str, list and dict are what they are in JSON; tuples and torch.Size are
arrays; keys that are not text are written as text. A tensor is left out of a dict, and is {"$tensor": its index in
"tensors"} elsewhere. The rest is tagged: {"$int": "2**64 and more, in digits"}, {"$float": "nan" | "inf" | "-inf"},
{"$complex": [re, im]}, {"$bytes": base64}, {"$bytearray": base64}, {"$set": [...]}, {"$frozenset": [...]},
{"$name": "torch.float32"}, {"$storage": name}, {"$object": class, "args": [...], "state": ...}, {"$items": [[key,
value], ...]} for a dict whose keys are not distinct as text, {"$ref": path} for a value inside itself (and for one
that is shared so often that writing it out would explode). A key that begins with "$" gets a second one.
"types" says what arrays and objects do not: {"path", "type", "keys"}; "attributes" what Python set on an object
({"path", "value"}: _metadata of a state dict).)";

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_INSPECT_VALUES_JSON_H_
