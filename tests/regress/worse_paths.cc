// The load paths of bench-worse: those of the harness, made worse in the way that the environment variable
// LOADPATH_WORSE names. It stands in place of harness/load/load_paths.cc, so that no program that is shipped has a way
// to be made worse.
//
//   sleep:N     sleeps for N per cent of the load's time after it       clone   copies every loaded tensor once more
//   read        reads the whole file once more                          unmap   reads what `mmap` would map
//   memory:N    holds N MiB more while it loads                         flip    adds 1 to a value of the first tensor
//   drop        clears the last tensor, as if it had not been loaded            dtype   gives a tensor another dtype
#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "harness/load/prepare.h"

namespace loadpath {
namespace {

struct Worse {
  std::string how;
  double amount = 0;
};

Worse WantedWorse() {
  const char* const variable = std::getenv("LOADPATH_WORSE");
  const std::string text = variable == nullptr ? "" : variable;
  const auto colon = text.find(':');
  return {text.substr(0, colon), colon == std::string::npos ? 0 : std::stod(text.substr(colon + 1))};
}

void ReadOnceMore(const LoadRequest& request, LoadResult& result) {
  std::ifstream file(request.checkpoint ? FilesOf(*request.checkpoint).front() : request.file, std::ios::binary);
  std::vector<char> block(std::size_t{1} << 20);
  while (file.read(block.data(), static_cast<std::streamsize>(block.size())), file.gcount() > 0) {
    if (result.bytes_read) *result.bytes_read += static_cast<std::uint64_t>(file.gcount());
    if (result.read_calls) ++*result.read_calls;
  }
}

void Spoil(const Worse& worse, const LoadResult& result) {
  const auto whole = std::ranges::find_if(result.loaded, [](const at::Tensor& tensor) {
    return tensor.is_cpu() && tensor.is_contiguous() && tensor.nbytes() > 0;
  });
  if (whole == result.loaded.end()) return;
  const at::NoGradGuard no_grad;
  if (worse.how == "flip") {
    whole->view({-1}).slice(0, 0, 1).copy_(whole->view({-1}).slice(0, 0, 1) + 1);
  } else if (worse.how == "drop") {
    at::Tensor last = result.loaded.back();
    last.zero_();
  } else if (worse.how == "dtype") {
    at::Tensor first = *whole;
    first.set_data(first.to(first.scalar_type() == at::kDouble ? at::kFloat : at::kDouble));
  }
}

template <const LoadPath& Path>
LoadResult WorseLoad(const LoadRequest& request) {
  static const Worse worse = WantedWorse();
  const auto start = std::chrono::steady_clock::now();
  std::vector<char> held;
  if (worse.how == "memory") held.assign(static_cast<std::size_t>(worse.amount) << 20, 1);
  LoadResult result = worse.how == "unmap" && Path.name == "mmap" ? direct_path.load(request) : Path.load(request);
  if (worse.how == "clone") {
    std::vector<at::Tensor> copies;
    for (const at::Tensor& tensor : result.loaded) copies.push_back(tensor.detach().clone());
  } else if (worse.how == "read") {
    ReadOnceMore(request, result);
  } else if (worse.how == "sleep") {
    std::this_thread::sleep_for((std::chrono::steady_clock::now() - start) * (worse.amount / 100));
  } else {
    Spoil(worse, result);
  }
  return result;
}

}  // namespace

std::span<const LoadPath> LoadPaths() {
  static const std::vector<LoadPath> all = [] {
    std::vector<LoadPath> paths;
#define LOAD_PATH(name)         \
  paths.push_back(name##_path); \
  paths.back().load = WorseLoad<name##_path>;
#include "harness/load/load_paths.inc"
#undef LOAD_PATH
    return paths;
  }();
  return all;
}

const LoadPath* FindLoadPath(std::string_view name) {
  const auto found = std::ranges::find(LoadPaths(), name, &LoadPath::name);
  return found == LoadPaths().end() ? nullptr : &*found;
}

}  // namespace loadpath
