#include "harness/base/program.h"

#include <filesystem>
#include <stdexcept>

namespace loadpath {

std::string ProgramPath() {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) throw std::runtime_error("/proc/self/exe cannot be read: " + error.message());
  return path.string();
}

std::string ProgramFolder() {
  const std::string program = ProgramPath();
  return program.substr(0, program.rfind('/'));
}

}  // namespace loadpath
