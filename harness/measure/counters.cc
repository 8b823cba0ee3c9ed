#include "harness/measure/counters.h"

#include <sys/resource.h>

namespace loadpath {

ProcessCounters ReadProcessCounters() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto ns = [](const timeval& time) { return (time.tv_sec * 1'000'000LL + time.tv_usec) * 1000; };
  return {static_cast<std::uint64_t>(usage.ru_minflt), static_cast<std::uint64_t>(usage.ru_majflt),
          ns(usage.ru_utime) + ns(usage.ru_stime)};
}

}  // namespace loadpath
