#ifndef LOADPATH_HARNESS_COMMAND_LINE_COMMAND_LINE_H_
#define LOADPATH_HARNESS_COMMAND_LINE_COMMAND_LINE_H_

#include <CLI/CLI.hpp>
#include <cstddef>
#include <string>

namespace loadpath {

/// Lays out the help of `app` and of its subcommands in lines of at most 100 characters.
void LayOutHelp(CLI::App& app);

/// Returns how many characters fit on a line of what `fd` writes to, from 40 to `most`: as COLUMNS says or, of a
/// terminal, as it is; `most` of anything else.
std::size_t LineWidth(int fd, std::size_t most);

/// Refuses an empty text: what a script passes whose variable is not set.
CLI::Validator NotEmpty();

/// Returns "; did you mean --filter?" for a flag that is not there, or an empty text if none of the app's is near.
std::string DidYouMeanFlag(const CLI::App& app, const std::string& flag);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_COMMAND_LINE_COMMAND_LINE_H_
