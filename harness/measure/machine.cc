#include "harness/measure/machine.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "harness/base/parallel.h"

namespace loadpath {
namespace {

std::string FirstLine(const std::string& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line;
}

// Returns what follows "name :" in the first such line of a file under /proc.
std::string Field(const std::string& file, const std::string& name) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    if (line.rfind(name, 0) != 0) continue;
    const auto at = line.find_first_not_of(" \t", line.find(':') + 1);
    return at == std::string::npos ? "" : line.substr(at);
  }
  return "";
}

// Returns "madvise" for "always [madvise] never".
std::string Chosen(const std::string& line) {
  const auto open = line.find('['), close = line.find(']');
  return open == std::string::npos || close == std::string::npos ? "" : line.substr(open + 1, close - open - 1);
}

std::string ReadAhead(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return "";
  const std::string device =
      "/sys/dev/block/" + std::to_string(major(status.st_dev)) + ":" + std::to_string(minor(status.st_dev));
  const std::string whole = FirstLine(device + "/queue/read_ahead_kb");
  return whole.empty() ? FirstLine(device + "/../queue/read_ahead_kb") : whole;
}

}  // namespace

std::string FilesystemOf(const std::string& path) {
  struct statfs status {};
  if (statfs(path.c_str(), &status) != 0) return "";
  switch (static_cast<unsigned long>(status.f_type)) {
    case 0xEF53:
      return "ext4";
    case 0x01021994:
      return "tmpfs";
    case 0x58465342:
      return "xfs";
    case 0x9123683E:
      return "btrfs";
    case 0x794C7630:
      return "overlayfs";
    case 0x6969:
      return "nfs";
    case 0x2FC12FC1:
      return "zfs";
    case 0x01021997:
      return "9p";
    case 0x65735546:
      return "fuse";
    case 0x858458F6:
      return "ramfs";
  }
  char text[32];
  std::snprintf(text, sizeof text, "0x%lx", static_cast<unsigned long>(status.f_type));
  return text;
}

std::vector<std::pair<std::string, std::string>> DescribeMachine(const std::string& data_directory) {
  utsname system{};
  uname(&system);
  const bool guest = Field("/proc/cpuinfo", "flags").find("hypervisor") != std::string::npos;
  std::vector<std::pair<std::string, std::string>> all = {
      {"cpu", Field("/proc/cpuinfo", "model name")},
      {"processors", std::to_string(Cores())},
      {"memory", Field("/proc/meminfo", "MemTotal")},
      {"kernel", system.release},
      {"virtual_machine", guest ? "yes" : "no"},
      {"huge_pages", Chosen(FirstLine("/sys/kernel/mm/transparent_hugepage/enabled"))},
      {"governor", FirstLine("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")},
      {"load_average", FirstLine("/proc/loadavg")},
      {"filesystem", FilesystemOf(data_directory)},
      {"read_ahead_kib", ReadAhead(data_directory)},
  };
  std::erase_if(all, [](const auto& entry) { return entry.second.empty(); });
  return all;
}

}  // namespace loadpath
