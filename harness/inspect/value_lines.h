#ifndef LOADPATH_HARNESS_INSPECT_VALUE_LINES_H_
#define LOADPATH_HARNESS_INSPECT_VALUE_LINES_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "loadpath/checkpoint.h"

namespace loadpath {

enum class Detail : bool {
  kShort,  ///< for a first look: values of one line first, long texts cut, long lists and tables counted
  kWhole,  ///< every value, in the file's order, uncut; one that is shared very often is cut at its later places
};

struct ValueLine {
  std::string path;  ///< joined by dots, escaped
  std::string text;  ///< in Python's words, escaped
};

/// One line for every value below a place, without its tensors.
struct ValueLines {
  std::vector<ValueLine> lines;
  bool more = false;  ///< the limit was reached
};

/// Lists the values below `from` on at most `limit` lines. A sequence or set of scalars takes one line; an inert object
/// one for its class, then one for each argument ("path.0") and each item of its state ("path.state.lr"). Paths are
/// those of Tree::Walk, except that the items of `from`, a dict, have these `names` if there are any (see KeyMapping);
/// those without one are not listed.
ValueLines ListValues(const Tree& tree, NodeId from, std::size_t limit, Detail detail,
                      std::span<const std::optional<std::string>> names = {});

/// Lists what Python set on the plain dicts below `root`, on at most `limit` lines: the class of a pickled module, the
/// __metadata__ of a safetensors file. Left out is _metadata, the versions that every state dict has.
ValueLines ListAttributes(const Tree& tree, NodeId root, std::size_t limit);

/// Appends the lines as aligned text.
void AppendValueLines(std::string& out, const ValueLines& values);

/// Counts the scalars and objects below `from`. Keys are not counted; a value that is shared is counted once.
std::size_t CountValues(const Tree& tree, NodeId from);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_INSPECT_VALUE_LINES_H_
