#include "harness/diff/differences.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "harness/base/keyed_hash.h"
#include "harness/base/text.h"
#include "harness/checkpoint/dict_part.h"
#include "harness/checkpoint/key_mapping.h"
#include "harness/diff/unequal_values.h"
#include "harness/inspect/digest.h"
#include "harness/inspect/value_lines.h"

namespace loadpath {
namespace {

constexpr std::size_t kMostValueLines = 100'000;

struct Side {
  std::shared_ptr<const Checkpoint> checkpoint;
  NodeId root = 0;
  std::vector<TensorPath> places;  // which the paths of `keys` are views of
  std::vector<KeyInfo> keys;
  std::optional<KeyMapping> mapping;
  MappedKeys mapped;  // the root's keys, if it is a dict and there are rules
};

Side Open(const FileAndKey& name, const DiffOptions& options) {
  Side side;
  side.checkpoint = Checkpoint::Open(name.file, options.open);
  const DictPart part = FindDictPart(*side.checkpoint, name.key);
  side.root = part.node;
  const Tree& tree = side.checkpoint->tree();
  if (!options.rules.empty() || !part.prefix.empty()) {
    side.mapping.emplace(options.rules, name.file, part.prefix);
    if (tree.IsDict(side.root)) {
      side.mapped = side.mapping->Map(tree, side.root);
    }
  }
  HashMap<std::string, const std::optional<std::string>*> renamed;  // keys at the top, and their new names
  for (std::size_t i = 0; i < side.mapped.names.size(); ++i)
    renamed.emplace(tree.KeyText(tree.items(side.root)[2 * i]), &side.mapped.names[i]);
  side.places = ListTensors(tree, side.root);
  for (const TensorPath& place : side.places) {
    const TensorView& tensor = tree.tensor(place.node);
    KeyInfo info{KeyPath(place.path), std::string(Name(tensor.dtype)), tensor.shape, place.path, place.node};
    const auto found = place.path.empty() ? renamed.end() : renamed.find(place.path[0]);
    if (found != renamed.end()) {
      if (!*found->second) continue;
      if (**found->second != place.path[0]) {
        std::vector<std::string> path = place.path;
        path[0] = **found->second;
        info.file_key = std::exchange(info.key, KeyPath(path));
        info.first_size = path[0].size();
      }
    }
    side.keys.push_back(std::move(info));
  }
  return side;
}

constexpr std::size_t kUnpaired = ~std::size_t{0};

// Returns for each wanted key the position of the one that it is compared with. Keys that are equal only once they are
// joined by dots ("a" in it "b.c", "a.b" in it "c") go with the same path, and the rest of them in order.
std::vector<std::size_t> PairKeys(std::span<const KeyInfo> wanted, std::span<const KeyInfo> have) {
  const auto whole = [](const KeyInfo& info) {
    std::string path = info.key + '\n';
    for (std::size_t i = 0; i < info.path.size(); ++i) {
      // A rule may have changed the first element.
      const bool changed = i == 0 && !info.file_key.empty();
      path += std::to_string(changed ? info.first_size : info.path[i].size()) + ' ';
    }
    return path;
  };
  std::vector<std::size_t> pairs(wanted.size(), kUnpaired);
  std::vector<bool> paired(have.size());
  HashMap<std::string, std::size_t> by_path;
  for (std::size_t j = 0; j < have.size(); ++j) by_path.emplace(whole(have[j]), j);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto found = by_path.find(whole(wanted[i]));
    if (found == by_path.end() || paired[found->second]) continue;
    pairs[i] = found->second;
    paired[found->second] = true;
  }
  HashMap<std::string_view, std::deque<std::size_t>> by_key;
  for (std::size_t j = 0; j < have.size(); ++j) {
    if (!paired[j]) by_key[have[j].key].push_back(j);
  }
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (pairs[i] != kUnpaired) continue;
    const auto found = by_key.find(wanted[i].key);
    if (found == by_key.end() || found->second.empty()) continue;
    pairs[i] = found->second.front();
    found->second.pop_front();
  }
  return pairs;
}

bool SameBytes(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0;
}

void CompareTensors(Differences& differences, const Side& a, const Side& b, CrcMode crc) {
  const Tree &tree_a = a.checkpoint->tree(), &tree_b = b.checkpoint->tree();
  const std::vector<std::size_t> in_b = PairKeys(a.keys, b.keys);
  std::vector<const KeyInfo*> keys;
  std::vector<TensorPath> views_a, views_b;
  for (std::size_t i = 0; i < a.keys.size(); ++i) {
    const std::size_t j = in_b[i];
    if (j == kUnpaired || b.keys[j].shape != a.keys[i].shape || b.keys[j].dtype != a.keys[i].dtype) continue;
    keys.push_back(&a.keys[i]);
    views_a.push_back({{}, a.keys[i].node});
    views_b.push_back({{}, b.keys[j].node});
  }
  // Two views that stand under many names, as tied weights do, are compared once.
  const std::vector<std::size_t> first_a = FirstOfEqualViews(tree_a, views_a),
                                 first_b = FirstOfEqualViews(tree_b, views_b);
  HashMap<std::uint64_t, std::size_t> numbers;
  std::vector<std::size_t> number_of;  // of each pair, into the lists of those that are compared
  std::vector<std::uint64_t> sizes;
  std::vector<TensorPath> read_a, read_b;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto [known, is_new] = numbers.emplace(std::uint64_t{first_a[i]} << 32 | first_b[i], sizes.size());
    number_of.push_back(known->second);
    if (!is_new) continue;
    sizes.push_back(tree_a.tensor(views_a[i].node).nbytes());
    read_a.push_back(views_a[i]);
    read_b.push_back(views_b[i]);
  }
  LimitViews(*a.checkpoint, read_a);
  LimitViews(*b.checkpoint, read_b);
  std::vector<TensorDifference> found(sizes.size());
  const ReadOptions read = {.threads = 1, .crc = crc};
  ForEachLargestFirst(sizes, [&](std::size_t i) {
    const TensorView& tensor = tree_a.tensor(read_a[i].node);
    const auto bytes_a = ReadTensor(*a.checkpoint, tensor, read);
    const auto bytes_b = ReadTensor(*b.checkpoint, tree_b.tensor(read_b[i].node), read);
    if (!SameBytes(bytes_a, bytes_b)) {
      found[i] = MeasureDifference(bytes_a, bytes_b, tensor.dtype, tensor.shape, differences.tolerance);
    }
  });
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (found[number_of[i]].differing == 0) continue;
    differences.tensors.push_back(found[number_of[i]]);
    differences.tensors.back().key = keys[i]->key;
  }
}

std::vector<std::byte> ReadStorage(const Side& side, NodeId node, CrcMode crc) {
  const StorageId id = side.checkpoint->tree().storage(node);
  std::vector<std::byte> bytes(side.checkpoint->storages()[id].nbytes);
  const ReadJob job{.storage = id, .dst = bytes};
  side.checkpoint->Read({&job, 1}, {.threads = 1, .crc = crc});
  return bytes;
}

// Compares the storages that no tensor stands for: those of quantised tensors and of storages saved as such.
void CompareBareStorages(Differences& differences, const Side& a, const Side& b, std::span<const StoragePair> pairs,
                         CrcMode crc) {
  HashMap<std::uint64_t, bool> compared;  // each two storages once
  for (const StoragePair& pair : pairs) {
    const std::uint64_t both =
        std::uint64_t{a.checkpoint->tree().storage(pair.a)} << 32 | b.checkpoint->tree().storage(pair.b);
    const auto [known, is_new] = compared.emplace(both, true);
    if (is_new) known->second = std::ranges::equal(ReadStorage(a, pair.a, crc), ReadStorage(b, pair.b, crc));
    if (!known->second) differences.values.push_back({pair.path, "a storage", "another one"});
  }
}

ValueSide SideOf(const Side& side) {
  return {side.checkpoint->tree(), side.root, side.mapped.names, side.mapping ? &*side.mapping : nullptr};
}

void CompareValues(Differences& differences, const Side& a, const Side& b, const DiffOptions& options) {
  const Tree &tree_a = a.checkpoint->tree(), &tree_b = b.checkpoint->tree();
  std::vector<StoragePair> storages;
  const std::optional<UnequalValue> unequal = FindUnequalValue(SideOf(a), SideOf(b), &storages);
  CompareBareStorages(differences, a, b, storages, options.crc);
  if (!unequal) return;
  const std::size_t before = differences.values.size();
  const ValueLines lines_a = ListValues(tree_a, a.root, kMostValueLines, Detail::kWhole, a.mapped.names);
  const ValueLines lines_b = ListValues(tree_b, b.root, kMostValueLines, Detail::kWhole, b.mapped.names);
  HashMap<std::string_view, std::deque<const std::string*>> in_b;
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
  if (differences.values.size() > before) return;
  // The difference lies beyond the limits of lines, or in what they do not show.
  const auto text = [](const Tree& tree, NodeId node) {
    return node == kNoNode ? std::string() : Escaped(tree.ShortText(node));
  };
  Mismatch mismatch = {unequal->path, text(tree_a, unequal->a), text(tree_b, unequal->b)};
  if (mismatch.wanted == mismatch.have) mismatch.wanted = "a value", mismatch.have = "another";
  differences.values.push_back(std::move(mismatch));
}

// Returns the sentence for what FindNested found in `file`, one of the two, whose keys follow options.rules.
std::string NestedIn(const FileAndKey& file, std::span<const NestedKeys> places, const FileAndKey& wanted,
                     const FileAndKey& have, const DiffOptions& options) {
  std::string cause = "in " + Escaped(file.file) + " the state dict lies " + NestedText(places);
  if (places.size() > 1) return cause + ": name one as " + ShellArgument(file.file) + "::KEY";
  const std::string &key_path = places[0].key_path, &prefix = places[0].prefix;
  const auto argument = [&](const FileAndKey& one) {
    return ShellArgument(one.file, &one == &file ? key_path : one.key);
  };
  std::string command = options.command + " diff " + argument(wanted) + " " + argument(have);
  KeyRules rules = options.rules;
  if (!prefix.empty() && std::ranges::find(rules.prefixes, prefix) == rules.prefixes.end())
    rules.prefixes.push_back(prefix);
  command += RuleArguments(rules);
  if (options.open.opaque) command += " --opaque";
  return cause + ": " + command;
}

// A filter may be meant for what one side alone has, but not for neither.
void RequireFilterMatch(const Side& a, const Side& b) {
  const Side& side = a.mapping ? a : b;
  if (!side.mapping) return;
  for (std::string MappedKeys::*unused : {&MappedKeys::unused_only, &MappedKeys::unused_skip}) {
    if (a.mapped.names.empty() || !(a.mapped.*unused).empty()) side.mapping->RequireNone(b.mapped.*unused);
  }
}

}  // namespace

Differences CompareKeys(const KeySets& sets) {
  Differences differences;
  differences.wanted_name = sets.wanted_name;
  differences.have_name = sets.have_name;
  const std::vector<std::size_t> pairs = PairKeys(sets.wanted, sets.have);
  std::vector<bool> paired(sets.have.size());
  for (std::size_t i = 0; i < sets.wanted.size(); ++i) {
    const KeyInfo& info = sets.wanted[i];
    if (pairs[i] == kUnpaired) {
      differences.missing.push_back(info.key);
      continue;
    }
    ++differences.compared;
    paired[pairs[i]] = true;
    const KeyInfo& other = sets.have[pairs[i]];
    if (other.shape != info.shape)
      differences.shapes.push_back({info.key, Brackets(info.shape), Brackets(other.shape)});
    if (other.dtype != info.dtype) differences.dtypes.push_back({info.key, info.dtype, other.dtype});
  }
  for (std::size_t i = 0; i < sets.have.size(); ++i) {
    if (!paired[i]) differences.unexpected.push_back(sets.have[i].key);
  }
  differences.causes = LikelyCauses(sets);
  return differences;
}

Differences CompareFiles(const FileAndKey& wanted, const FileAndKey& have, const DiffOptions& options) {
  const Side a = Open(wanted, options), b = Open(have, options);
  RequireFilterMatch(a, b);
  Differences differences = CompareKeys({a.keys, b.keys, wanted.text, have.text, /*both_files=*/true, options.command});
  if (!differences.missing.empty()) {
    if (const auto nested = FindNested(*b.checkpoint, a.keys, have.key); !nested.empty()) {
      differences.causes = {NestedIn(have, nested, wanted, have, options)};
    } else if (const auto outer = FindNested(*a.checkpoint, b.keys, wanted.key); !outer.empty()) {
      differences.causes = {NestedIn(wanted, outer, wanted, have, options)};
    }
  }
  differences.tolerance = options.tolerance;
  CompareTensors(differences, a, b, options.crc);
  CompareValues(differences, a, b, options);
  return differences;
}

}  // namespace loadpath
