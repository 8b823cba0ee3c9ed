#include "loadpath/mapping_guard.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <mutex>

#include "harness/load/mapping/guarded_range.h"
#include "loadpath/error.h"

namespace loadpath {

// The handler may interrupt anything, so it takes no lock: entries are never freed, only reused, and one is in use
// while its begin is not 0.
struct GuardedRange::Entry {
  std::atomic<std::uintptr_t> begin{0};
  std::uintptr_t end = 0;
  std::string line;
  Entry* next = nullptr;
};

namespace {

std::atomic<GuardedRange::Entry*> entries{nullptr};
std::mutex registering;
const char* program_name = "";
struct sigaction before;

void Write(const char* text, std::size_t length) {
  if (::write(STDERR_FILENO, text, length) < 0) return;  // there is nowhere to report it
}

void OnBusError(int signal, siginfo_t* info, void*) {
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  for (const auto* entry = entries.load(std::memory_order_acquire); info->si_code > 0 && entry != nullptr;
       entry = entry->next) {
    const std::uintptr_t begin = entry->begin.load(std::memory_order_acquire);
    if (begin == 0 || address < begin || address >= entry->end) continue;
    Write(program_name, std::strlen(program_name));
    Write(entry->line.data(), entry->line.size());
    ::_exit(2);
  }
  // The instruction fails again and reaches the previous handler. A signal that somebody sent does not come again by
  // itself.
  ::sigaction(signal, &before, nullptr);
  if (info->si_code <= 0) ::raise(signal);
}

}  // namespace

void InstallMappingGuard(const char* program) {
  program_name = program;
  struct sigaction action {};
  action.sa_sigaction = OnBusError;
  action.sa_flags = SA_SIGINFO;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGBUS, &action, &before);
}

GuardedRange::GuardedRange(const std::string& path, const std::byte* data, std::uint64_t length) {
  const CheckpointError error(ErrorCode::kIo, path,
                              "lost bytes that were in use: it was cut while it was mapped, or its disk fails");
  const std::lock_guard lock(registering);
  for (entry_ = entries.load(); entry_ != nullptr && entry_->begin.load() != 0;) entry_ = entry_->next;
  const bool is_new = entry_ == nullptr;
  if (is_new) entry_ = new Entry;
  entry_->line = std::string(": ") + error.what() + "\n";
  entry_->end = reinterpret_cast<std::uintptr_t>(data) + length;
  entry_->begin.store(reinterpret_cast<std::uintptr_t>(data), std::memory_order_release);
  if (is_new) {
    entry_->next = entries.load();
    entries.store(entry_, std::memory_order_release);
  }
}

GuardedRange::~GuardedRange() { entry_->begin.store(0, std::memory_order_release); }

}  // namespace loadpath
