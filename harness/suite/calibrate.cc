#include "harness/suite/calibrate.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <vector>

#include "harness/base/text.h"
#include "harness/load/load_path.h"
#include "harness/measure/page_cache.h"
#include "harness/results/statistics.h"
#include "harness/suite/user_checkpoint.h"
#include "loadpath/tensor_allocator.h"

namespace loadpath {
namespace {

constexpr int kTimes = 9;
constexpr std::size_t kMany = 4000, kFew = 16;
constexpr std::uint64_t kSmall = 256, kLarge = std::uint64_t{4} << 20;

// A safetensors file of `count` tensors of `nbytes` bytes each.
class Checkpoints {
 public:
  explicit Checkpoints(const std::string& folder)
      : folder_(std::filesystem::path(folder) / (".loadpath-calibrate-" + std::to_string(getpid()))) {
    std::filesystem::create_directory(folder_);
  }
  ~Checkpoints() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Checkpoints(const Checkpoints&) = delete;
  Checkpoints& operator=(const Checkpoints&) = delete;

  std::string Write(std::size_t count, std::uint64_t nbytes) const {
    std::string header = "{";
    for (std::size_t i = 0; i < count; ++i) {
      header += (i == 0 ? "\"t" : ",\"t") + std::to_string(i) + R"(":{"dtype":"F32","shape":[)" +
                std::to_string(nbytes / 4) + R"(],"data_offsets":[)" + std::to_string(i * nbytes) + "," +
                std::to_string((i + 1) * nbytes) + "]}";
    }
    header += "}";
    header.append((64 - (header.size() + 8) % 64) % 64, ' ');
    const std::string file = folder_ / (std::to_string(count) + ".safetensors");
    std::ofstream stream(file, std::ios::binary);
    const std::uint64_t size = header.size();
    stream.write(reinterpret_cast<const char*>(&size), sizeof size);  // little-endian, as the machines that we run on
    stream << header;
    const std::string bytes(nbytes, '\1');
    for (std::size_t i = 0; i < count; ++i) stream << bytes;
    if (!stream.flush()) throw std::runtime_error(file + ": cannot be written");
    return file;
  }

 private:
  std::filesystem::path folder_;
};

// Nanoseconds of one load, without opening and planning, which all ways have in common.
double Once(const std::string& file, const LoadPath& path, bool cold) {
  const auto checkpoint = Checkpoint::Open(file);
  const StateDict state_dict = StateDict::From(checkpoint, "");
  DeferredInit deferred;
  const ScopedTensorAllocator loading;
  const auto module = deferred.Construct([&] { return ModuleLike(state_dict); });
  cold ? Evict(file) : Warm(file);
  const LoadResult result = path.load({.file = file, .checkpoint = checkpoint, .module = *module});
  return 1e9 * (result.seconds.load + result.seconds.resident);
}

}  // namespace

AutoCosts Calibrate(const std::string& folder) {
  const Checkpoints files(folder);
  const std::string one = files.Write(1, kSmall), many = files.Write(kMany, kSmall), few = files.Write(kFew, kLarge);
  struct Work {
    std::string file;
    bool cold;
  };
  const std::vector<Work> works = {{one, false}, {many, false}, {few, false}, {few, true}};
  const std::vector<const LoadPath*> paths = {FindLoadPath("mmap"), FindLoadPath("direct")};
  std::map<std::pair<std::size_t, std::size_t>, std::vector<double>> times;  // by path and work
  for (int i = -1; i < kTimes; ++i) {
    for (std::size_t path = 0; path < paths.size(); ++path) {
      for (std::size_t work = 0; work < works.size(); ++work) {
        const double ns = Once(works[work].file, *paths[path], works[work].cold);
        if (i >= 0) times[{path, work}].push_back(ns);  // the first is another's: code that is not in the caches yet
      }
    }
  }
  const auto fit = [&](std::size_t path) {
    const auto of = [&](std::size_t work) { return Median(times[{path, work}]); };
    constexpr double kBytes = kFew * static_cast<double>(kLarge);
    WayCosts costs;
    costs.tensor = std::max(0.0, (of(1) - of(0)) / (kMany - 1));
    costs.load = std::max(0.0, of(0) - costs.tensor);
    const double fixed = costs.load + kFew * costs.tensor;
    costs.byte = std::max(0.0, (of(2) - fixed) / kBytes);
    costs.missing = std::max(0.0, (of(3) - fixed) / kBytes);
    return costs;
  };
  return {.map = fit(0), .read = fit(1)};
}

std::string CalibrationText(const AutoCosts& costs) {
  Table table({Align::kLeft, Align::kRight, Align::kRight, Align::kRight, Align::kRight});
  table.Add({"", "a load", "a tensor", "a MB in the page cache", "a MB on the disk"});
  for (const auto& [name, way] : {std::pair("mapping", costs.map), std::pair("reading", costs.read)}) {
    std::vector<std::string> cells = {name};
    for (const double ns : {way.load, way.tensor, way.byte * 1e6, way.missing * 1e6}) {
      char text[32];
      std::snprintf(text, sizeof text, "%.3g us", ns / 1e3);
      cells.emplace_back(text);
    }
    table.Add(std::move(cells));
  }
  std::string text;
  table.AppendTo(text);
  return text + "\nauto reckons with these in a program that is started with\n  export " +
         std::string(kAutoCostsVariable) + "='" + AutoCostsText(costs) + "'\n";
}

}  // namespace loadpath
