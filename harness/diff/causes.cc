#include "harness/diff/causes.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>

#include "harness/base/keyed_hash.h"
#include "harness/base/nearest.h"
#include "harness/base/text.h"

namespace loadpath {
namespace {

// Up to so many keys, every missing one is compared with every unexpected one.
constexpr std::size_t kFewKeys = 64;
constexpr std::size_t kLargestGroup = 1000, kMostPairs = 1'000'000;
// A key has at most so many prefixes and indices that are looked at.
constexpr std::size_t kMostParts = 8;

std::string Quoted(std::string_view text) { return '"' + Escaped(text) + '"'; }

using KeyIndex = HashMap<std::string_view, const KeyInfo*>;

KeyIndex IndexByKey(std::span<const KeyInfo> infos) {
  KeyIndex index;
  index.reserve(infos.size());
  for (const KeyInfo& info : infos) index.emplace(info.key, &info);
  return index;
}

std::vector<const KeyInfo*> Without(std::span<const KeyInfo> infos, const KeyIndex& other) {
  std::vector<const KeyInfo*> rest;
  for (const KeyInfo& info : infos) {
    if (!other.contains(info.key)) rest.push_back(&info);
  }
  return rest;
}

// Finds the prefix, of one or more whole components, that the most keys of `longer` have before a key of `plain`;
// returns it with their number. Neither side has keys that the two state dicts share: a prefix before those would be
// removed from other tensors (an average, "ema.") and put them in the place of the right ones.
std::pair<std::string, std::size_t> CommonPrefix(std::span<const KeyInfo* const> longer,
                                                 std::span<const KeyInfo* const> plain_keys) {
  HashSet<std::string_view> plain;
  for (const KeyInfo* info : plain_keys) plain.insert(info->key);
  std::map<std::string_view, std::size_t> tally;
  for (const KeyInfo* info : longer) {
    const std::string_view key = info->key;
    for (std::size_t dot = key.find('.'), level = 0; dot != std::string_view::npos && level < kMostParts;
         dot = key.find('.', dot + 1), ++level) {
      if (plain.contains(key.substr(dot + 1))) ++tally[key.substr(0, dot + 1)];
    }
  }
  std::pair<std::string, std::size_t> best;
  for (const auto& [prefix, count] : tally) {
    if (count > best.second) best = {std::string(prefix), count};
  }
  return best;
}

struct Shift {
  std::string_view before;  // "net." of "net.0.weight"
  std::int64_t delta = 0;
  std::size_t matches = 0, matches_as_is = 0;
  const KeyInfo* wanted = nullptr;
  const KeyInfo* have = nullptr;
};

// Compares keys of one shape that differ in one index alone. Returns the shift of that index that pairs most of them.
Shift FindShift(const KeySets& sets) {
  struct Numbered {
    std::int64_t index;
    const KeyInfo* info;
  };
  using Place = std::tuple<std::string_view, std::string_view>;  // before and after the index
  std::map<Place, std::pair<std::vector<Numbered>, std::vector<Numbered>>> places;
  const auto collect = [&](std::span<const KeyInfo> infos, auto member) {
    for (const KeyInfo& info : infos) {
      const std::string_view key = info.key;
      for (std::size_t begin = 0, numbers = 0; begin < key.size() && numbers < kMostParts;) {
        const std::size_t end = std::min(key.find('.', begin), key.size());
        std::uint32_t index = 0;  // larger ones, and negative ones, are no positions in a Sequential
        const auto [last, error] = std::from_chars(key.data() + begin, key.data() + end, index);
        if (error == std::errc() && last == key.data() + end && end > begin) {
          ++numbers;
          (places[Place(key.substr(0, begin), key.substr(end))].*member).push_back({index, &info});
        }
        begin = end + 1;
      }
    }
  };
  using Sides = std::pair<std::vector<Numbered>, std::vector<Numbered>>;
  collect(sets.wanted, &Sides::first);
  collect(sets.have, &Sides::second);

  std::map<std::string_view, std::map<std::int64_t, Shift>> shifts;
  std::size_t pairs = 0;
  for (const auto& [place, sides] : places) {
    const auto& [wanted, have] = sides;
    if (wanted.size() > kLargestGroup || have.size() > kLargestGroup) continue;
    pairs += wanted.size() * have.size();
    if (pairs > kMostPairs) break;
    for (const Numbered& a : wanted) {
      for (const Numbered& b : have) {
        if (a.info->shape != b.info->shape) continue;
        Shift& shift = shifts[std::get<0>(place)][b.index - a.index];
        // The first key in order is the example.
        if (shift.matches++ == 0 || a.info < shift.wanted) shift.wanted = a.info, shift.have = b.info;
      }
    }
  }
  Shift best;
  for (auto& [before, by_delta] : shifts) {
    const auto as_is = by_delta.find(0);
    for (auto& [delta, shift] : by_delta) {
      shift.before = before;
      shift.delta = delta;
      shift.matches_as_is = as_is == by_delta.end() ? 0 : as_is->second.matches;
      if (delta != 0 && shift.matches > std::max(shift.matches_as_is, best.matches)) best = shift;
    }
  }
  return best;
}

void AddRenamed(std::vector<std::string>& causes, const KeySets& sets, std::span<const KeyInfo* const> missing,
                std::span<const KeyInfo* const> extra) {
  if (missing.size() > kFewKeys || extra.size() > kFewKeys) return;
  std::string pairs;
  for (const KeyInfo* wanted : missing) {
    std::vector<std::string> alike;
    for (const KeyInfo* have : extra) {
      if (have->shape == wanted->shape) alike.push_back(have->key);
    }
    // If only one candidate has this shape, it is enough that the last component is the same.
    const std::string_view last = std::string_view(wanted->key).substr(wanted->key.rfind('.') + 1);
    std::string found = Nearest(wanted->key, alike);
    if (found.empty() && alike.size() == 1 && std::string_view(alike[0]).ends_with(last)) found = alike[0];
    if (found.empty()) continue;
    pairs += (pairs.empty() ? "" : ", ") + Quoted(wanted->key) + " may be " + Quoted(found);
  }
  if (!pairs.empty()) causes.push_back("renamed: " + pairs + " in " + sets.have_name);
}

}  // namespace

std::vector<std::string> LikelyCauses(const KeySets& sets) {
  const KeyIndex wanted = IndexByKey(sets.wanted), have = IndexByKey(sets.have);
  const std::vector<const KeyInfo*> missing = Without(sets.wanted, have), extra = Without(sets.have, wanted);
  std::size_t transposed = 0, other_shape = 0;
  const KeyInfo* example = nullptr;
  for (const KeyInfo& info : sets.wanted) {
    const auto found = have.find(info.key);
    if (found == have.end() || found->second->shape == info.shape) continue;
    ++other_shape;
    if (!std::equal(info.shape.rbegin(), info.shape.rend(), found->second->shape.begin(), found->second->shape.end()))
      continue;
    if (transposed++ == 0) example = &info;
  }

  std::vector<std::string> causes;
  if (const auto [rest, count] = CommonPrefix(extra, missing); count > 0 && 2 * count >= missing.size()) {
    const std::string prefix = sets.removed_prefix + rest;
    causes.push_back(Counted(count, "key") + " of " + sets.have_name + " begin with " + Quoted(prefix) + ", those of " +
                     sets.wanted_name + " do not: --prefix " + Escaped(ShellArgument(prefix)) + " removes it");
  } else if (const auto [other, times] = CommonPrefix(missing, extra); times > 0 && 2 * times >= missing.size()) {
    causes.push_back(Counted(times, "key") + " of " + sets.wanted_name + " begin with " + Quoted(other) +
                     ", those of " + sets.have_name + " do not: was a part of it saved, or a module not wrapped?");
  } else if (!missing.empty() || other_shape > 0) {
    if (const Shift shift = FindShift(sets); shift.matches > 0) {
      causes.push_back("an index is shifted by " + std::to_string(shift.delta) + ": " + Quoted(shift.wanted->key) +
                       " of " + sets.wanted_name + " is " + Quoted(shift.have->key) + " in " + sets.have_name +
                       " (a Sequential with a layer more or less before it)");
    } else {
      AddRenamed(causes, sets, missing, extra);
    }
  }
  if (transposed > 0) {
    causes.push_back(Counted(transposed, "tensor") + " would fit transposed, " + Quoted(example->key) +
                     " first (Linear keeps [out, in], Conv1D [in, out])");
  }
  if (causes.empty() && !missing.empty() && missing.size() == sets.wanted.size() && !sets.have.empty()) {
    causes.push_back("no key of " + sets.wanted_name + " is in " + sets.have_name +
                     ": it holds another model, or its state dict "
                     "lies elsewhere in the file (ckpt inspect shows where)");
  }
  return causes;
}

std::optional<NestedKeys> FindNested(const Checkpoint& checkpoint, std::span<const KeyInfo> wanted,
                                     std::string_view current) {
  const KeyIndex index = IndexByKey(wanted);
  using Place = std::pair<std::vector<std::string>, std::string>;  // the path of the dict, and the prefix
  struct Matches {
    std::size_t shapes = 0, names = 0;  // shapes: of the names, those whose shape is right too
    auto operator<=>(const Matches&) const = default;
  };
  std::map<Place, Matches> tally;
  const Tree& tree = checkpoint.tree();
  for (const TensorPath& tensor : ListTensors(tree, tree.root())) {
    if (tensor.path.empty()) continue;
    const std::string& key = tensor.path.back();
    const auto matches = [&](std::size_t prefix) {
      const auto found = index.find(std::string_view(key).substr(prefix));
      if (found == index.end()) return false;
      Matches& here = tally[{{tensor.path.begin(), tensor.path.end() - 1}, key.substr(0, prefix)}];
      ++here.names;
      here.shapes += tree.tensor(tensor.node).shape == found->second->shape;
      return true;
    };
    if (matches(0)) continue;
    for (std::size_t dot = key.find('.'), level = 0; dot != std::string::npos && level < kMostParts;
         dot = key.find('.', dot + 1), ++level) {
      matches(dot + 1);
    }
  }
  Matches most, most_here;
  NestedKeys best;
  for (const auto& [place, matches] : tally) {
    std::string key_path;
    for (const std::string& element : place.first) key_path += (key_path.empty() ? "" : ".") + element;
    if (key_path == current) most_here = std::max(most_here, matches);
    if (matches > most) most = matches, best = {key_path, place.second};
  }
  if (2 * most.names < wanted.size() || most <= most_here) return std::nullopt;
  return best;
}

std::string NestedCause(const FileAndKey& name, const NestedKeys& nested) {
  const bool top = nested.key_path.empty();
  std::string cause = "the state dict lies " + (top ? "at the top level" : "under " + Quoted(nested.key_path));
  if (!nested.prefix.empty()) cause += ", and its keys begin with " + Quoted(nested.prefix);
  cause += ": " + (top ? "leave the key out" : Escaped(KeyArgument(name, nested.key_path)));
  if (!nested.prefix.empty()) {
    cause += std::string(top ? ", and add" : "") + " --prefix " + Escaped(ShellArgument(nested.prefix));
  }
  return cause;
}

}  // namespace loadpath
