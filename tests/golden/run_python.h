#ifndef LOADPATH_TESTS_GOLDEN_RUN_PYTHON_H_
#define LOADPATH_TESTS_GOLDEN_RUN_PYTHON_H_

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

namespace loadpath {

/// Returns what the project's interpreter prints for these arguments (quoted for a shell). The test fails if it fails.
inline std::string RunPython(const std::string& arguments) {
  std::FILE* pipe = ::popen((LOADPATH_PYTHON " " + arguments).c_str(), "r");
  EXPECT_NE(pipe, nullptr);
  std::string output;
  char buffer[4096];
  while (const std::size_t count = std::fread(buffer, 1, sizeof(buffer), pipe)) output.append(buffer, count);
  EXPECT_EQ(::pclose(pipe), 0) << arguments;
  return output;
}

}  // namespace loadpath

#endif  // LOADPATH_TESTS_GOLDEN_RUN_PYTHON_H_
