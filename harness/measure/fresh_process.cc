#include "harness/measure/fresh_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstring>
#include <stdexcept>

#include "harness/base/stopwatch.h"

namespace loadpath {
namespace {

// A process and the reading end of its standard output. What is thrown in between ends it.
class Child {
 public:
  Child(pid_t id, int output) : id_(id), output_(output) {}
  ~Child() {
    if (id_ > 0) Wait(/*end=*/true);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int output() const { return output_; }
  // Returns what waitpid says.
  int Wait(bool end) {
    close(output_);
    if (end) kill(id_, SIGKILL);
    int status = 0;
    while (waitpid(id_, &status, 0) < 0 && errno == EINTR) {
    }
    id_ = 0;
    return status;
  }

 private:
  pid_t id_;
  int output_;
};

}  // namespace

ProcessResult RunProcess(const std::vector<std::string>& arguments, double limit_seconds) {
  const auto fail = [&](const char* what, int error) {
    throw std::runtime_error(arguments.at(0) + ": " + what + ": " + std::strerror(error));
  };
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fail("cannot be given a pipe", errno);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t child = 0;
  const int error = posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (error != 0) {
    close(ends[0]);
    fail("cannot be started", error);
  }
  Child started(child, ends[0]);
  ProcessResult result;
  const double end = static_cast<double>(MonotonicNs()) * 1e-9 + limit_seconds;
  const auto left = [&] { return std::max(0.0, end - static_cast<double>(MonotonicNs()) * 1e-9); };
  bool too_long = false;
  for (char buffer[4096];;) {
    pollfd ready{.fd = started.output(), .events = POLLIN, .revents = 0};
    const int wait = limit_seconds <= 0 ? -1 : static_cast<int>(std::min(1e9, std::ceil(left() * 1e3)));
    const int answered = poll(&ready, 1, wait);
    too_long = answered == 0;
    if (too_long) break;
    if (answered < 0 && errno == EINTR) continue;
    const ssize_t got = read(started.output(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    result.output.append(buffer, static_cast<std::size_t>(got));
  }
  const int status = started.Wait(/*end=*/too_long);
  if (too_long) {
    throw std::runtime_error(arguments.at(0) + ": took longer than " + std::to_string(std::lround(limit_seconds)) +
                             " s and was ended");
  }
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace loadpath
