#ifndef LOADPATH_HARNESS_STATE_PYTHON_TEXT_H_
#define LOADPATH_HARNESS_STATE_PYTHON_TEXT_H_

#include <c10/util/ArrayRef.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace loadpath {

/// repr(torch.Size): "torch.Size([2, 4])".
std::string SizeText(c10::IntArrayRef shape);

/// repr(str): single quotes, or double quotes where the text holds single quotes alone; backslash, quote and control
/// characters escaped. Text beyond ASCII stays as it is.
std::string StringRepr(std::string_view text);

/// `"a", "b"`: the keys of load_state_dict's messages.
std::string QuotedKeys(std::span<const std::string> keys, std::string_view separator = ", ");

/// "list" of "<class 'list'>": type(value).__name__ from repr(type(value)).
std::string TypeName(std::string_view type_text);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_STATE_PYTHON_TEXT_H_
