#ifndef LOADPATH_HARNESS_INSPECT_VALUE_LINES_H_
#define LOADPATH_HARNESS_INSPECT_VALUE_LINES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "harness/checkpoint/checkpoint.h"

namespace loadpath::ckpt {

enum class Detail : bool { kShort, kWhole };

struct ValueLine {
  std::string path;  ///< joined by dots, escaped
  std::string text;  ///< in Python's words, escaped; kShort: cut where it is long
};

/// The tree below `from` without its tensors: a line for every value, short for a sequence or set of scalars. At most
/// `limit` lines; `more` says that there would be others.
struct ValueLines {
  std::vector<ValueLine> lines;
  bool more = false;
};
ValueLines ListValues(const Tree& tree, NodeId from, std::size_t limit, Detail detail);

/// The same as aligned text.
void AppendValueLines(std::string& out, const ValueLines& values);

/// How many scalars stand below `from`, dict keys not counted; one that is shared counts once.
std::size_t CountValues(const Tree& tree, NodeId from);

}  // namespace loadpath::ckpt

#endif  // LOADPATH_HARNESS_INSPECT_VALUE_LINES_H_
