#include "harness/measure/fresh_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "harness/base/stopwatch.h"

namespace loadpath {
namespace {

constexpr std::size_t kLongestAnswer = std::size_t{256} << 20;

// How long is left until some moment.
class Deadline {
 public:
  explicit Deadline(double seconds) : end_(MonotonicNs() + std::llround(seconds * 1e9)) {}
  int Milliseconds() const {
    const double left = static_cast<double>(end_ - MonotonicNs()) * 1e-6;
    return static_cast<int>(std::clamp(std::ceil(left), 0.0, 1e9));
  }

 private:
  std::int64_t end_;
};

std::string HowItEnded(int status) {
  return WIFEXITED(status) ? "ended with status " + std::to_string(WEXITSTATUS(status))
                           : std::string("was ended by signal ") + std::to_string(WTERMSIG(status)) + " (" +
                                 strsignal(WTERMSIG(status)) + ")";
}

}  // namespace

FreshProcess::FreshProcess(const std::vector<std::string>& arguments) : program_(arguments.at(0)) {
  const auto fail = [&](const char* what, int error) {
    throw std::runtime_error(program_ + ": " + what + ": " + std::strerror(error));
  };
  int out[2], in[2];
  if (pipe2(out, O_CLOEXEC) != 0) fail("cannot be given a pipe", errno);
  // A socket, because writing to one whose reader has gone raises no signal if it is told so.
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) != 0) {
    const int error = errno;
    close(out[0]);
    close(out[1]);
    fail("cannot be given a socket", error);
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[1], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  started_at_ = MonotonicNs();
  const int error = posix_spawn(&id_, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(out[1]);
  close(in[1]);
  input_ = in[0];
  output_ = out[0];
  if (error != 0) {
    id_ = 0;
    close(std::exchange(input_, -1));
    close(std::exchange(output_, -1));
    fail("cannot be started", error);
  }
}

FreshProcess::~FreshProcess() {
  if (id_ > 0) Wait(/*kill_first=*/true);
}

int FreshProcess::Wait(bool kill_first) {
  close(std::exchange(input_, -1));
  close(std::exchange(output_, -1));
  if (kill_first) kill(id_, SIGKILL);
  int status = 0;
  while (waitpid(id_, &status, 0) < 0 && errno == EINTR) {
  }
  id_ = 0;
  return status;
}

void FreshProcess::Fail(const std::string& what) {
  if (id_ > 0) Wait(/*kill_first=*/true);
  throw std::runtime_error(program_ + ": " + what);
}

void FreshProcess::FailForTime(double limit_seconds) {
  Fail("took longer than " + std::to_string(std::lround(std::max(1.0, limit_seconds))) + " s and was ended");
}

void FreshProcess::AwaitEnd(int milliseconds, double limit_seconds) {
  // Its output has ended, but it may not have.
  const int descriptor = static_cast<int>(syscall(SYS_pidfd_open, id_, 0));
  if (descriptor < 0) return;  // a kernel before 5.3: the wait has no limit
  pollfd ended{.fd = descriptor, .events = POLLIN, .revents = 0};
  int answered = 0;
  const Deadline deadline(milliseconds * 1e-3);
  while ((answered = poll(&ended, 1, deadline.Milliseconds())) < 0 && errno == EINTR) {
  }
  close(descriptor);
  if (answered == 0) FailForTime(limit_seconds);
}

std::string FreshProcess::Ask(std::string_view line, double limit_seconds) {
  if (id_ <= 0) throw std::runtime_error(program_ + ": has ended");
  const std::string text = std::string(line) + "\n";
  const Deadline deadline(limit_seconds);
  std::size_t written = 0, searched = 0;
  char buffer[1 << 16];
  for (;;) {
    // The answer to a request that was not sent yet would be out of step.
    const std::size_t end = written < text.size() ? std::string::npos : read_.find('\n', searched);
    if (written >= text.size()) searched = read_.size();
    if (end != std::string::npos) {
      std::string answer = read_.substr(0, end);
      read_.erase(0, end + 1);
      return answer;
    }
    pollfd ready[2] = {{.fd = output_, .events = POLLIN, .revents = 0},
                       {.fd = input_, .events = POLLOUT, .revents = 0}};
    const int answered = poll(ready, written < text.size() ? 2 : 1, deadline.Milliseconds());
    if (answered == 0 || deadline.Milliseconds() == 0) FailForTime(limit_seconds);
    if (answered < 0 && errno == EINTR) continue;
    if (answered < 0) Fail(std::string("cannot be waited for: ") + std::strerror(errno));
    if (written < text.size() && ready[1].revents != 0) {
      const ssize_t sent = send(input_, text.data() + written, text.size() - written, MSG_NOSIGNAL | MSG_DONTWAIT);
      // If it does not listen any more, the end of its output says so.
      if (sent > 0) written += static_cast<std::size_t>(sent);
      if (sent < 0 && errno != EAGAIN && errno != EINTR) written = text.size();
    }
    if (ready[0].revents == 0) continue;
    const ssize_t got = read(output_, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      AwaitEnd(deadline.Milliseconds(), limit_seconds);
      const std::string how = HowItEnded(Wait(/*kill_first=*/false));
      throw std::runtime_error(program_ + ": " + how + " and without an answer");
    }
    read_.append(buffer, static_cast<std::size_t>(got));
    if (read_.size() > kLongestAnswer) Fail("answered with more than 256 MiB and was ended");
  }
}

int FreshProcess::End(double limit_seconds) {
  if (id_ <= 0) throw std::runtime_error(program_ + ": has ended");
  shutdown(input_, SHUT_WR);
  const Deadline deadline(limit_seconds);
  for (char buffer[4096];;) {
    pollfd ready{.fd = output_, .events = POLLIN, .revents = 0};
    const int answered = poll(&ready, 1, deadline.Milliseconds());
    if (answered == 0 || deadline.Milliseconds() == 0) FailForTime(limit_seconds);
    if (answered < 0 && errno == EINTR) continue;
    if (answered < 0) Fail(std::string("cannot be waited for: ") + std::strerror(errno));
    const ssize_t got = read(output_, buffer, sizeof buffer);
    if (got == 0 || (got < 0 && errno != EINTR)) break;
  }
  AwaitEnd(deadline.Milliseconds(), limit_seconds);
  const int status = Wait(/*kill_first=*/false);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace loadpath
