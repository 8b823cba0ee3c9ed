#include "harness/measure/machine_load.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "harness/base/stopwatch.h"

namespace loadpath {
namespace {

constexpr double kBusyPart = 0.1, kStolenPart = 0.05, kLeastSeconds = 0.5;

std::vector<int> OwnProcessors() {
  std::vector<int> numbers;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return numbers;
  for (int i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(i, &set)) numbers.push_back(i);
  }
  return numbers;
}

double SpentBy(int who) {
  rusage usage{};
  getrusage(who, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Seconds of the children that run: Python, beside the C++ modules.
double SpentByRunningChildren() {
  double ticks = 0;
  std::error_code none;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", none)) {
    std::ifstream children(task.path() / "children");  // absent from a kernel without CONFIG_PROC_CHILDREN
    for (std::string child; children >> child;) {
      std::ostringstream text;
      text << std::ifstream("/proc/" + child + "/stat").rdbuf();
      // "PID (NAME) STATE PPID …": the name may hold anything; the times are the 12th to 15th words behind it.
      const std::string stat = text.str();
      std::istringstream words(stat.substr(std::min(stat.size(), stat.rfind(')') + 1)));
      std::string word;
      for (int i = 1; words >> word && i <= 15; ++i) {
        if (i >= 12) ticks += std::atof(word.c_str());
      }
    }
  }
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace

CpuTimes ParseCpuTimes(std::string_view stat, std::span<const int> processors, double ticks_per_second) {
  CpuTimes times;
  std::istringstream lines{std::string(stat)};
  for (std::string line; std::getline(lines, line);) {
    // "cpu0 USER NICE SYSTEM IDLE IOWAIT IRQ SOFTIRQ STEAL …". Interrupts are left out: a load from a disk makes them.
    std::istringstream words(line);
    std::string name;
    double user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft_irq = 0, stolen = 0;
    words >> name >> user >> nice >> system >> idle >> wait >> irq >> soft_irq >> stolen;
    if (!words || name.size() < 4 || !name.starts_with("cpu")) continue;
    if (std::ranges::find(processors, std::atoi(name.c_str() + 3)) == processors.end()) continue;
    times.busy += (user + nice + system) / ticks_per_second;
    times.stolen += stolen / ticks_per_second;
    ++times.processors;
  }
  return times;
}

CpuTimes ReadCpuTimes() {
  std::ostringstream text;
  text << std::ifstream("/proc/stat").rdbuf();
  CpuTimes times = ParseCpuTimes(text.str(), OwnProcessors(), static_cast<double>(sysconf(_SC_CLK_TCK)));
  times.own = SpentBy(RUSAGE_SELF) + SpentBy(RUSAGE_CHILDREN) + SpentByRunningChildren();
  times.at = static_cast<double>(MonotonicNs()) * 1e-9;
  return times;
}

MachineLoad LoadBetween(const CpuTimes& begin, const CpuTimes& end) {
  MachineLoad load{.seconds = end.at - begin.at, .processors = std::min(begin.processors, end.processors)};
  if (load.seconds <= 0) return load;
  load.others = std::max(0.0, (end.busy - begin.busy) - (end.own - begin.own)) / load.seconds;
  load.stolen = std::max(0.0, end.stolen - begin.stolen) / load.seconds;
  return load;
}

bool IsBusy(const MachineLoad& load) {
  if (load.seconds < kLeastSeconds || load.processors == 0) return false;
  return load.others >= kBusyPart * load.processors || load.stolen >= kStolenPart * load.processors;
}

std::string BusyText(const MachineLoad& load, std::string_view load_average) {
  std::string text;
  const auto add = [&](const char* who, double taken, double part) {
    if (taken < part * load.processors) return;
    char sentence[96];
    std::snprintf(sentence, sizeof sentence, "%s%s %.1f of %d processors", text.empty() ? "" : ", ", who, taken,
                  load.processors);
    text += sentence;
  };
  add("other processes used", load.others, kBusyPart);
  add("the host of this virtual machine took", load.stolen, kStolenPart);
  if (!load_average.empty()) text.append(" (load average ").append(load_average).append(")");
  return text;
}

std::string LoadAverage() {
  std::string average;
  std::ifstream("/proc/loadavg") >> average;
  return average;
}

}  // namespace loadpath
