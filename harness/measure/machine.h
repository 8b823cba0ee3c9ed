#ifndef LOADPATH_HARNESS_MEASURE_MACHINE_H_
#define LOADPATH_HARNESS_MEASURE_MACHINE_H_

#include <string>
#include <utility>
#include <vector>

namespace loadpath {

/// Returns the facts about the machine without which numbers cannot be compared, by name: cpu, processors, memory,
/// kernel, virtual_machine, huge_pages, governor, load_average; and of the data's folder filesystem and read_ahead_kib.
/// Leaves out facts that cannot be read.
std::vector<std::pair<std::string, std::string>> DescribeMachine(const std::string& data_directory);

/// Returns the kind of filesystem that holds `path`: "ext4", "tmpfs", …, or its magic number in hexadecimal.
std::string FilesystemOf(const std::string& path);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_MEASURE_MACHINE_H_
