#include "harness/measure/run_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

namespace loadpath {
namespace {

// Another run that begins at the same moment has the whole lock for a moment.
bool Share(int fd) {
  for (int i = 0; i < 20; ++i) {
    if (::flock(fd, LOCK_SH | LOCK_NB) == 0) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

bool IsSame(const ScopedFd& a, const ScopedFd& b) {
  struct stat first {
  }, second{};
  return ::fstat(a.get(), &first) == 0 && ::fstat(b.get(), &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

}  // namespace

RunLock::RunLock(const std::vector<std::string>& folders) {
  for (const std::string& folder : folders) {
    std::unique_ptr<ScopedFd> fd;
    try {
      fd = std::make_unique<ScopedFd>(folder, O_RDONLY | O_DIRECTORY);
    } catch (const std::runtime_error&) {
      continue;
    }
    if (std::ranges::any_of(locked_, [&](const auto& locked) { return IsSame(*locked, *fd); })) continue;
    // Nobody can have the whole lock beside another run.
    const bool alone = ::flock(fd->get(), LOCK_EX | LOCK_NB) == 0;
    if (!alone && errno != EWOULDBLOCK) continue;
    not_alone_ |= !alone;
    if (Share(fd->get())) locked_.push_back(std::move(fd));
  }
}

std::vector<int> RunLock::Others() const {
  std::ostringstream text;
  text << std::ifstream("/proc/locks").rdbuf();
  return SharersOfLocks(text.str(), ::getpid());
}

std::vector<int> SharersOfLocks(std::string_view locks, int own) {
  // "2: FLOCK  ADVISORY  READ 8576 fe:00:247066 0 EOF"; a process that waits has "->" before the kind.
  std::set<std::pair<std::string, int>> held;
  std::istringstream lines{std::string(locks)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string number, kind, advisory, access, place;
    int process = 0;
    if (words >> number >> kind >> advisory >> access >> process >> place && kind == "FLOCK")
      held.emplace(place, process);
  }
  std::set<int> others;
  for (const auto& [place, process] : held) {
    if (process != own && held.contains({place, own})) others.insert(process);
  }
  return {others.begin(), others.end()};
}

}  // namespace loadpath
