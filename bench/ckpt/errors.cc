#include "bench/ckpt/errors.h"

#include <csignal>
#include <cstdio>
#include <new>
#include <system_error>
#include <utility>

#include "harness/base/error.h"
#include "harness/base/text.h"

namespace loadpath::ckpt {
namespace {

constexpr std::string_view kFailure = "could not be handled";

// A thread that could not be started is EAGAIN: there was no room for its stack, or the limit of processes is reached.
bool IsShortage(const std::error_code& code) {
  return code == std::errc::resource_unavailable_try_again || code == std::errc::not_enough_memory;
}

CommandNames& Known() {
  static CommandNames names;
  return names;
}

}  // namespace

void SetCommandNames(CommandNames names) { Known() = std::move(names); }
const CommandNames& Commands() { return Known(); }

int OnFile(const std::string& file, const std::function<int()>& work) {
  return OrOutOfMemory(file, kFailure, [&] {
    try {
      return work();
    } catch (const std::system_error& error) {
      if (IsShortage(error.code())) throw std::bad_alloc();
      throw CheckpointError(ErrorCode::kIo, file, std::string(kFailure) + ": " + error.what());
    }
  });
}

int RunProgram(const std::function<int()>& work) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader of the output that goes away shows as EPIPE in WriteStdout
  std::signal(SIGXFSZ, SIG_IGN);  // a file above the user's limit shows as EFBIG
  std::string line;
  try {
    return work();
  } catch (const UsageError& error) {
    line = error.what();
  } catch (const CheckpointError& error) {
    line = std::string("ckpt: ") + error.what();
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "%s: out of memory\n", CommandName().c_str());  // there may be no memory for a string
    return kBadUse;
  } catch (const std::exception& error) {
    // LibTorch's errors go on with the place in its source and a stack trace.
    const std::string what = error.what();
    line = "ckpt: " + Escaped(std::string_view(what).substr(0, what.find('\n')));
  }
  if (line.starts_with("ckpt: ") || line.starts_with("ckpt ")) line.replace(0, 4, CommandName());
  std::fprintf(stderr, "%s\n", line.c_str());
  return kBadUse;
}

}  // namespace loadpath::ckpt
