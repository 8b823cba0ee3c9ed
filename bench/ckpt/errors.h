#ifndef LOADPATH_BENCH_CKPT_ERRORS_H_
#define LOADPATH_BENCH_CKPT_ERRORS_H_

#include <functional>
#include <string>

namespace loadpath::ckpt {

inline constexpr int kDone = 0, kFailed = 1, kBadUse = 2;

/// How the command lines that we print call the program.
struct CommandNames {
  std::string command = "ckpt";  ///< "mine ckpt" in a suite of one's own
  std::string suite = "bench";   ///< which lists the models and the load paths
  std::string model = {};        ///< that the examples name; empty: those of the bundled models
};
void SetCommandNames(CommandNames names);
const CommandNames& Commands();
inline const std::string& CommandName() { return Commands().command; }

/// Runs `work`, which is about `file`. Throws CheckpointError kOutOfMemory if memory or a thread could not be had, and
/// CheckpointError kIo, in the system's words, for any other std::system_error.
int OnFile(const std::string& file, const std::function<int()>& work);

/// Runs `work` as a whole program: turns what it throws into one line on standard error and exit code 2.
/// The line begins with CommandName() in place of "ckpt".
int RunProgram(const std::function<int()>& work);

}  // namespace loadpath::ckpt

#endif  // LOADPATH_BENCH_CKPT_ERRORS_H_
