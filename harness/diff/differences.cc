#include "harness/diff/differences.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <mutex>
#include <unordered_map>

#include "harness/base/text.h"
#include "harness/inspect/digest.h"
#include "harness/inspect/value_lines.h"
#include "harness/inspect/values_json.h"

namespace loadpath {
namespace {

constexpr std::size_t kMostValueLines = 100'000;

struct Side {
  std::shared_ptr<const Checkpoint> checkpoint;
  NodeId root = 0;
  std::vector<TensorPath> places;
  std::vector<KeyInfo> keys;  // beside `places`
};

Side Open(const FileAndKey& name, const DiffOptions& options) {
  Side side;
  side.checkpoint = Checkpoint::Open(name.file, options.open);
  side.root = FollowKeyPath(*side.checkpoint, name.key);
  side.places = ListTensors(side.checkpoint->tree(), side.root);
  for (const TensorPath& place : side.places) {
    std::string key;
    for (const std::string& element : place.path) key += (key.empty() ? "" : ".") + element;
    if (!options.prefix.empty() && key.starts_with(options.prefix)) key.erase(0, options.prefix.size());
    const TensorView& tensor = side.checkpoint->tree().tensor(place.node);
    side.keys.push_back({std::move(key), std::string(Name(tensor.dtype)), tensor.shape});
  }
  return side;
}

bool SameBytes(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0;
}

void CompareTensors(Differences& differences, const Side& a, const Side& b, CrcMode crc) {
  std::unordered_map<std::string_view, std::size_t> in_b;
  for (std::size_t i = 0; i < b.keys.size(); ++i) in_b.emplace(b.keys[i].key, i);
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  std::vector<std::uint64_t> sizes;
  for (std::size_t i = 0; i < a.keys.size(); ++i) {
    const auto found = in_b.find(a.keys[i].key);
    if (found == in_b.end() || b.keys[found->second].shape != a.keys[i].shape ||
        b.keys[found->second].dtype != a.keys[i].dtype) {
      continue;
    }
    pairs.emplace_back(i, found->second);
    sizes.push_back(a.checkpoint->tree().tensor(a.places[i].node).nbytes());
  }
  std::vector<TensorDifference> found(pairs.size());
  const ReadOptions read = {.threads = 1, .crc = crc};
  ForEachLargestFirst(sizes, [&](std::size_t i) {
    const auto [at_a, at_b] = pairs[i];
    const TensorView& tensor = a.checkpoint->tree().tensor(a.places[at_a].node);
    const auto bytes_a = ReadTensor(*a.checkpoint, tensor, read);
    const auto bytes_b = ReadTensor(*b.checkpoint, b.checkpoint->tree().tensor(b.places[at_b].node), read);
    if (!SameBytes(bytes_a, bytes_b)) {
      found[i] = MeasureDifference(bytes_a, bytes_b, tensor.dtype, tensor.shape, differences.tolerance);
    }
  });
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (found[i].differing == 0) continue;
    found[i].key = a.keys[pairs[i].first].key;
    differences.tensors.push_back(std::move(found[i]));
  }
}

void CompareValues(Differences& differences, const Side& a, const Side& b) {
  const auto json = [](const Side& side) {
    return WriteValues(*side.checkpoint, side.root, IndexTensors(side.places)).values;
  };
  if (json(a) == json(b)) return;
  const ValueLines lines_a = ListValues(a.checkpoint->tree(), a.root, kMostValueLines, Detail::kWhole);
  const ValueLines lines_b = ListValues(b.checkpoint->tree(), b.root, kMostValueLines, Detail::kWhole);
  std::unordered_map<std::string_view, std::deque<const std::string*>> in_b;
  for (const ValueLine& line : lines_b.lines) in_b[line.path].push_back(&line.text);
  for (const ValueLine& line : lines_a.lines) {
    const auto found = in_b.find(line.path);
    if (found == in_b.end() || found->second.empty()) {
      differences.values.push_back({line.path, line.text, ""});
      continue;
    }
    if (*found->second.front() != line.text)
      differences.values.push_back({line.path, line.text, *found->second.front()});
    found->second.pop_front();
  }
  for (const ValueLine& line : lines_b.lines) {
    std::deque<const std::string*>& rest = in_b[line.path];
    if (rest.empty()) continue;
    differences.values.push_back({line.path, "", *rest.front()});
    rest.pop_front();
  }
  // The difference lies beyond the limit.
  if (differences.values.empty() && (lines_a.more || lines_b.more))
    differences.values.push_back({"", "values", "others"});
}

std::string DiffCommand(const FileAndKey& wanted, const std::string& wanted_key, const FileAndKey& have,
                        const std::string& have_key, const DiffOptions& options) {
  std::string command =
      "ckpt diff " + ShellArgument(wanted.file, wanted_key) + " " + ShellArgument(have.file, have_key);
  if (!options.prefix.empty()) command += " --prefix " + ShellArgument(options.prefix);
  if (options.open.opaque) command += " --opaque";
  return command;
}

std::string NestedIn(const FileAndKey& name, const std::string& key_path, const std::string& command) {
  return "in " + Escaped(name.file) + " the state dict lies under \"" + Escaped(key_path) + "\": " + Escaped(command);
}

}  // namespace

Differences CompareKeys(const KeySets& sets) {
  Differences differences;
  differences.wanted_name = sets.wanted_name;
  differences.have_name = sets.have_name;
  std::unordered_map<std::string_view, const KeyInfo*> have, wanted;
  for (const KeyInfo& info : sets.have) have.emplace(info.key, &info);
  for (const KeyInfo& info : sets.wanted) {
    wanted.emplace(info.key, &info);
    const auto found = have.find(info.key);
    if (found == have.end()) {
      differences.missing.push_back(info.key);
      continue;
    }
    ++differences.compared;
    const KeyInfo& other = *found->second;
    if (other.shape != info.shape)
      differences.shapes.push_back({info.key, Brackets(info.shape), Brackets(other.shape)});
    if (other.dtype != info.dtype) differences.dtypes.push_back({info.key, info.dtype, other.dtype});
  }
  for (const KeyInfo& info : sets.have) {
    if (!wanted.contains(info.key)) differences.unexpected.push_back(info.key);
  }
  differences.causes = LikelyCauses(sets);
  return differences;
}

Differences CompareFiles(const FileAndKey& wanted, const FileAndKey& have, const DiffOptions& options) {
  const Side a = Open(wanted, options), b = Open(have, options);
  Differences differences = CompareKeys({a.keys, b.keys, wanted.text, have.text});
  if (!differences.missing.empty()) {
    if (const std::string nested = FindNested(*b.checkpoint, a.keys, have.key); !nested.empty()) {
      differences.causes = {NestedIn(have, nested, DiffCommand(wanted, wanted.key, have, nested, options))};
    } else if (const std::string outer = FindNested(*a.checkpoint, b.keys, wanted.key); !outer.empty()) {
      differences.causes = {NestedIn(wanted, outer, DiffCommand(wanted, outer, have, have.key, options))};
    }
  }
  differences.tolerance = options.tolerance;
  CompareTensors(differences, a, b, options.crc);
  CompareValues(differences, a, b);
  return differences;
}

}  // namespace loadpath
