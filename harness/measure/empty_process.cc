#include "harness/measure/empty_process.h"

#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>

#include "harness/base/paths.h"
#include "harness/base/stopwatch.h"
#include "harness/measure/fresh_process.h"

namespace loadpath {
namespace {

constexpr char kArgument[] = "--empty-process";
constexpr double kLimitSeconds = 60;

// The linker runs this before all other initialisers of the program, and after those of the libraries. Nothing of the
// C++ library is used here: this program's own part of it may not be initialised yet.
[[gnu::constructor(101)]] void EndIfEmpty(int argc, char** argv, char**) {
  if (argc != 2 || std::strcmp(argv[1], kArgument) != 0) return;
  const std::int64_t now = MonotonicNs();
  const ProcessCounters used = ReadProcessCounters();
  char line[128];
  const int length = std::snprintf(
      line, sizeof line, "%lld %lld %llu %llu\n", static_cast<long long>(now), static_cast<long long>(used.cpu_ns),
      static_cast<unsigned long long>(used.minor_faults), static_cast<unsigned long long>(used.major_faults));
  _exit(write(STDOUT_FILENO, line, static_cast<std::size_t>(length)) == length ? 0 : 1);
}

}  // namespace

EmptyProcess StartEmptyProcess() {
  FreshProcess process({ProgramPath(), kArgument});
  const std::string line = process.Ask("", kLimitSeconds);
  long long reached = 0, cpu_ns = 0;
  unsigned long long minor = 0, major = 0;
  if (std::sscanf(line.c_str(), "%lld %lld %llu %llu", &reached, &cpu_ns, &minor, &major) != 4 ||
      reached < process.started_at()) {
    throw std::runtime_error(ProgramPath() + ": an empty process of it answered " + line);
  }
  return {reached - process.started_at(), {.minor_faults = minor, .major_faults = major, .cpu_ns = cpu_ns}};
}

}  // namespace loadpath
