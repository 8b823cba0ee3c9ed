#ifndef LOADPATH_TESTS_LOAD_EVERY_PATH_H_
#define LOADPATH_TESTS_LOAD_EVERY_PATH_H_

#include <string>
#include <string_view>
#include <vector>

#include "tests/load/support.h"

namespace loadpath {

/// A test of every load path in the table, by its name.
class EveryPath : public testing::TestWithParam<std::string_view> {};
inline std::vector<std::string_view> Names() {
  std::vector<std::string_view> names;
  for (const LoadPath& path : LoadPaths()) names.push_back(path.name);
  return names;
}
INSTANTIATE_TEST_SUITE_P(Paths, EveryPath, testing::ValuesIn(Names()),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace loadpath

#endif  // LOADPATH_TESTS_LOAD_EVERY_PATH_H_
