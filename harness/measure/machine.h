#ifndef LOADPATH_HARNESS_MEASURE_MACHINE_H_
#define LOADPATH_HARNESS_MEASURE_MACHINE_H_

#include <string>
#include <utility>
#include <vector>

namespace loadpath {

/// What a reader must know of the machine to compare numbers, by name: cpu, processors, memory, kernel, virtualisation,
/// huge_pages, load_average, and for the folder of the data filesystem and read_ahead_kib. What cannot be read is left
/// out.
std::vector<std::pair<std::string, std::string>> DescribeMachine(const std::string& data_directory);

/// "ext4", "tmpfs", … of the filesystem that holds `path`, or its magic number in hexadecimal.
std::string FilesystemOf(const std::string& path);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_MEASURE_MACHINE_H_
