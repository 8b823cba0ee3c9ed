#include "harness/suite/catalog.h"

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>

#include "harness/base/nearest.h"
#include "harness/base/parallel.h"
#include "harness/golden/reference_files.h"
#include "harness/load/load_path.h"
#include "harness/measure/machine_limits.h"
#include "models/model.h"

namespace loadpath::bench {
namespace {

// What runs without --filter: the original cases, the published model and the limits; a few minutes.
constexpr const char* kUsual = "^(limit|(load|forward)/(linear|custom|multi:[AB+]+|crepe:full))/";

std::vector<std::string> Caches(const Options& options) {
  if (options.cache == "all") return {"hot", "cold"};
  return {options.cache};
}

void AddLoads(const std::string& kind, Case base, const Options& options, std::span<const std::string> devices,
              std::vector<Case>& all) {
  base.kind = kind;
  for (const LoadPath& path : LoadPaths()) {
    for (const auto& device : devices) {
      for (const auto& cache : Caches(options)) {
        base.path = path.name;
        base.device = device;
        base.cache = cache;
        all.push_back(base);
      }
    }
  }
}

void AddModel(const std::string& kind, const std::string& model, const Options& options,
              std::span<const std::string> devices, std::vector<Case>& all) {
  for (const FormatAndLayout& file : ReferenceFiles(model)) {
    const Case base{.model = model, .format = std::string(file.format), .layout = std::string(file.layout)};
    if (model != "multi:A+B") {
      AddLoads(kind, base, options, devices, all);
      continue;
    }
    // Two models from one file, which is opened once or twice.
    for (const char* times : {"multi:once", "multi:twice"}) {
      Case pair = base;
      pair.layout = times;
      AddLoads(kind, pair, options, devices, all);
    }
  }
}

// Whom the model's outputs come from: our module, TorchScript's interpreter, machine code.
std::vector<std::string> ForwardWays(const std::string& model) {
  std::vector<std::string> ways = {"module"};
  if (std::ranges::find(ReferenceFiles(model), "torchscript", &FormatAndLayout::format) !=
      ReferenceFiles(model).end()) {
    ways.emplace_back("torchscript");
  }
  if (std::ranges::find(ReferencePrograms(), model) != ReferencePrograms().end()) ways.emplace_back("aoti");
  return ways;
}

std::vector<std::string> ModelNames() {
  std::vector<std::string> names;
  for (const Model& model : Models()) {
    names.emplace_back(model.name);
    if (model.name == "multi:B") names.emplace_back("multi:A+B");
  }
  return names;
}

std::string NoMatch(const Options& options, const std::vector<Case>& catalog) {
  std::set<std::string> candidates;
  for (const Case& one : catalog) {
    const std::string name = one.Name();
    candidates.insert(name);
    for (std::size_t begin = 0, end = 0; end != std::string::npos; begin = end + 1) {
      end = name.find('/', begin);
      candidates.insert(name.substr(0, end));
      candidates.insert(name.substr(begin, end - begin));
    }
  }
  std::string plain = options.filter;
  std::erase_if(plain, [](char c) { return c == '^' || c == '$' || c == '\\'; });
  while (plain.ends_with('/')) plain.pop_back();
  while (plain.starts_with('/')) plain.erase(0, 1);
  const std::vector<std::string> list(candidates.begin(), candidates.end());
  const std::string nearest = Nearest(plain, list);
  return "--filter " + options.filter + ": matches none of " + std::to_string(catalog.size()) + " cases" +
         (nearest.empty() ? "" : "; did you mean " + nearest + "?") + " (bench --list --filter . lists them)";
}

}  // namespace

std::string Case::Name() const {
  std::string name = kind;
  const auto add = [&](const std::string& part) {
    if (!part.empty()) name += "/" + part;
  };
  const bool forward = kind == "forward";
  for (const auto& part : {model, format, layout, forward ? std::string() : path, device, cache}) add(part);
  if (batch > 0) add("batch:" + std::to_string(batch));
  if (forward) add(path);
  if (threads > 0) add("threads:" + std::to_string(threads));
  return name;
}

std::vector<Case> Catalog(const Options& options, std::span<const std::string> devices) {
  std::vector<Case> all;
  std::set<int> threads = {1, Cores()};
  for (const auto kind : Limits::Kinds()) {
    for (const int count : threads) all.push_back({.kind = "limit", .path = std::string(kind), .threads = count});
  }
  if (std::ranges::any_of(devices, [](const auto& device) { return device != "cpu"; })) {
    all.push_back({.kind = "limit", .path = "h2d", .threads = 1});
  }
  for (const UserCheckpoint& checkpoint : options.checkpoints) {
    // The format is told by content when the case runs; the layout is the file itself.
    const std::filesystem::path file(checkpoint.file);
    const Case base{.model = file.stem().string(),
                    .format = "file",
                    .layout = file.filename().string() + (checkpoint.key.empty() ? "" : "::" + checkpoint.key),
                    .checkpoint = &checkpoint};
    AddLoads("load", base, options, devices, all);
  }
  const auto models = ModelNames();
  for (const auto& model : models) AddModel("load", model, options, devices, all);
  for (const Model& model : Models()) {
    for (const auto& device : devices) {
      for (const auto batch : model.batches) {
        for (const auto& way : ForwardWays(std::string(model.name))) {
          all.push_back({.kind = "forward",
                         .model = std::string(model.name),
                         .path = way,
                         .device = device,
                         .batch = static_cast<int>(batch)});
        }
      }
    }
  }
  for (const auto& model : models) AddModel("startup", model, options, devices, all);
  return all;
}

std::vector<Case> Select(const Options& options, const std::vector<Case>& catalog) {
  std::vector<Case> chosen;
  if (options.filter.empty() && !options.checkpoints.empty()) {
    std::ranges::copy_if(catalog, std::back_inserter(chosen),
                         [](const Case& one) { return one.checkpoint != nullptr; });
    return chosen;
  }
  std::string text = options.filter.empty() ? kUsual : options.filter;
  // As Google Benchmark's filter: "-" before the expression turns it round.
  const bool inverted = text.starts_with('-');
  std::regex expression;
  try {
    expression.assign(text.substr(inverted ? 1 : 0));
  } catch (const std::regex_error& error) {
    throw UsageError("--filter " + options.filter + ": not a regular expression (" + error.what() + ")");
  }
  // A new process for every sample takes minutes where a loop takes seconds: only a filter that says so asks for it.
  const bool startup = text == "." || text.find("startup") != std::string::npos;
  std::ranges::copy_if(catalog, std::back_inserter(chosen), [&](const Case& one) {
    return (startup || one.kind != "startup") && std::regex_search(one.Name(), expression) != inverted;
  });
  if (chosen.empty()) throw UsageError(NoMatch(options, catalog));
  return chosen;
}

std::string LimitKind(const Case& load) {
  if (load.device != "cpu") return "h2d";
  if (load.cache == "cold") return "disk";
  return std::string(FindLoadPath(load.path)->limit);
}

std::vector<Case> LimitsOf(const std::vector<Case>& chosen, const std::vector<Case>& catalog) {
  std::set<std::string> kinds, names;
  for (const Case& one : chosen) {
    names.insert(one.Name());
    if (one.kind == "load") kinds.insert(LimitKind(one));
  }
  std::vector<Case> limits;
  std::ranges::copy_if(catalog, std::back_inserter(limits), [&](const Case& one) {
    return one.kind == "limit" && kinds.contains(one.path) && !names.contains(one.Name());
  });
  return limits;
}

}  // namespace loadpath::bench
