#ifndef LOADPATH_HARNESS_STATE_PYTHON_TEXT_H_
#define LOADPATH_HARNESS_STATE_PYTHON_TEXT_H_

#include <c10/util/ArrayRef.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace loadpath {

/// Returns repr(torch.Size): "torch.Size([2, 4])".
std::string SizeText(c10::IntArrayRef shape);

/// Returns repr(str): in single quotes, or in double quotes if the text holds single quotes and no double ones.
/// Backslashes, quotes and control characters are escaped; characters beyond ASCII stay as they are.
std::string StringRepr(std::string_view text);

/// Returns `"a", "b"`, as load_state_dict's messages list keys.
std::string QuotedKeys(std::span<const std::string> keys, std::string_view separator = ", ");

/// Returns type(value).__name__ for repr(type(value)): "list" for "<class 'list'>".
std::string TypeName(std::string_view type_text);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_STATE_PYTHON_TEXT_H_
