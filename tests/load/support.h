#ifndef LOADPATH_TESTS_LOAD_SUPPORT_H_
#define LOADPATH_TESTS_LOAD_SUPPORT_H_

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "harness/load/load_path.h"

namespace loadpath {

/// Returns the path of a file that make_load_files.py wrote.
inline std::string File(const std::string& name) { return std::string(LOAD_FILES) + "/" + name; }

inline at::Tensor WantedA() { return at::arange(20, at::kFloat).view({4, 5}) / 7; }
inline at::Tensor WantedB() { return at::arange(6, at::kFloat) - 2.5; }

/// The module that those files fit.
struct Two : torch::nn::Module {
  Two() {
    a = register_parameter("a", at::empty({4, 5}).fill_(-1.0));
    b = register_parameter("b", at::empty({6}).fill_(-2.0));
  }
  bool IsFresh() const { return at::equal(a, at::full({4, 5}, -1.0)) && at::equal(b, at::full({6}, -2.0)); }
  bool IsLoaded() const { return at::equal(a, WantedA()) && at::equal(b, WantedB()); }
  at::Tensor a, b;
};

inline const LoadPath& PathOf(std::string_view name) { return *FindLoadPath(name); }

/// Paths for comparison, in which LibTorch reads the file: they skip what it refuses, and take bytes whose CRC-32 is
/// wrong (PickleLoad.ComparesNoChecksum).
inline bool IsLibTorchs(std::string_view path) { return !PathOf(path).libtorch_reader.empty(); }

}  // namespace loadpath

#endif  // LOADPATH_TESTS_LOAD_SUPPORT_H_
