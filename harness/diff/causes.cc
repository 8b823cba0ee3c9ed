#include "harness/diff/causes.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>

#include "harness/base/error.h"
#include "harness/base/keyed_hash.h"
#include "harness/base/nearest.h"
#include "harness/base/text.h"
#include "harness/diff/name_parts.h"

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

// How well keys match: `names` of them, and of these `shapes` have the right shape too.
struct Matches {
  std::size_t shapes = 0, names = 0;
  auto operator<=>(const Matches&) const = default;
};

// Returns true if so many of `keys` are reason enough to speak of. If no shape is right, all names have to be: else a
// layer of the same name inside another one is enough ("custom_layer.linear.weight" for "linear.weight").
bool IsLikely(const Matches& matches, std::size_t keys, bool has_prefix) {
  if (matches.names == 0 || 2 * matches.names < keys) return false;
  return !has_prefix || matches.shapes > 0 || matches.names == keys;
}

struct Prefixes {
  std::vector<std::string> texts;  // as likely as one another
  Matches matches;
};

// Calls `look` with the length of each prefix, of one or more whole components, that --prefix could remove from the key
// as its file has it: none that reaches into a dict inside the state dict.
template <class Look>
void ForEachPrefix(const KeyInfo& info, Look look) {
  const std::string_view key = info.file_key.empty() ? info.key : info.file_key;
  const std::size_t end = info.path.empty() ? key.size() : info.path[0].size();
  for (std::size_t dot = key.find('.'), level = 0; dot < end && level < kMostParts;
       dot = key.find('.', dot + 1), ++level) {
    look(key, dot + 1);
  }
}

// Finds the prefix that the most keys of `longer` have before a key of `plain`, if half of the `missing` keys have it.
// Neither side has keys that the two state dicts share. A prefix before those would be removed from other tensors (an
// average, "ema.") and put them in the place of the right ones; one of the `shared` keys themselves would take them
// away ("layer4." before one layer that was renamed).
Prefixes CommonPrefix(std::span<const KeyInfo* const> longer, std::span<const KeyInfo* const> plain,
                      std::size_t missing, std::span<const KeyInfo* const> shared) {
  HashMap<std::string_view, const KeyInfo*> by_key;
  for (const KeyInfo* info : plain) by_key.emplace(info->key, info);
  std::map<std::string_view, Matches> tally;
  for (const KeyInfo* info : longer) {
    ForEachPrefix(*info, [&](std::string_view key, std::size_t size) {
      const auto found = by_key.find(key.substr(size));
      if (found == by_key.end()) return;
      Matches& matches = tally[key.substr(0, size)];
      ++matches.names;
      matches.shapes += found->second->shape == info->shape;
    });
  }
  // Nor one whose removal would put a key in the place of another one.
  HashSet<std::string_view> own;
  for (const auto& side : {longer, shared}) {
    for (const KeyInfo* info : side) own.insert(info->file_key.empty() ? info->key : info->file_key);
  }
  for (const auto& side : {longer, shared}) {
    for (const KeyInfo* info : side) {
      ForEachPrefix(*info, [&](std::string_view key, std::size_t size) {
        if (own.contains(key.substr(size))) tally.erase(key.substr(0, size));
      });
    }
  }
  for (const KeyInfo* info : shared) {
    // One that has lost its prefix already is matched only by that.
    if (!info->file_key.empty()) continue;
    ForEachPrefix(*info, [&](std::string_view key, std::size_t size) { tally.erase(key.substr(0, size)); });
  }
  Prefixes best;
  for (const auto& [prefix, matches] : tally) {
    if (matches > best.matches) best = {{}, matches};
    if (matches == best.matches) best.texts.emplace_back(prefix);
  }
  if (!IsLikely(best.matches, missing, /*has_prefix=*/true)) return {};
  return best;
}

// "a", "b" or "c"; of many, the first ones.
std::string OneOf(std::span<const std::string> texts) {
  constexpr std::size_t kMostNamed = 8;
  const std::size_t named = std::min(texts.size(), kMostNamed), rest = texts.size() - named;
  std::string text;
  for (std::size_t i = 0; i < named; ++i) {
    text += i == 0 ? "" : i + 1 == named && rest == 0 ? " or " : ", ";
    text += texts[i];
  }
  return rest == 0 ? text : text + " or " + std::to_string(rest) + " more";
}

std::string PrefixCause(const Prefixes& prefixes, const std::string& longer, const std::string& plain) {
  std::vector<std::string> quoted;
  for (const std::string& text : prefixes.texts) quoted.push_back(Quoted(text));
  const std::size_t count = prefixes.matches.names;
  return Counted(count, "key") + " of " + longer + (count == 1 ? " begins" : " begin") + " with " + OneOf(quoted) +
         ", those of " + plain + " do not";
}

// Returns what to do about them. If the --prefix that was given is `in_use`, no other one can be given instead.
std::string PrefixAdvice(const Prefixes& prefixes, bool in_use) {
  if (in_use) return "";
  if (prefixes.texts.size() > 1) return ": --prefix removes the one that you name";
  return ": --prefix " + ShellQuoted(prefixes.texts[0]) + " removes it";
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

// Returns how many components the two keys have in common, from their beginnings and from their ends.
std::size_t CommonComponents(std::string_view a, std::string_view b) {
  const Parts x = Components(a), y = Components(b);
  const std::size_t most = std::min(x.size(), y.size());
  std::size_t first = 0, last = 0;
  while (first < most && x[first] == y[first]) ++first;
  while (first + last < most && x[x.size() - 1 - last] == y[y.size() - 1 - last]) ++last;
  return first + last;
}

// Each key is another one's new name at most once.
void AddRenamed(std::vector<std::string>& causes, const KeySets& sets, std::span<const KeyInfo* const> missing,
                std::span<const KeyInfo* const> extra) {
  if (missing.size() > kFewKeys || extra.size() > kFewKeys) return;
  constexpr std::size_t kMostNamed = 8;
  std::vector<const KeyInfo*> left(extra.begin(), extra.end());
  std::string pairs;
  std::size_t count = 0;
  for (const KeyInfo* wanted : missing) {
    std::vector<std::string> alike;
    std::size_t most = 0;
    for (const KeyInfo* have : left) {
      if (have->shape != wanted->shape) continue;
      const std::size_t common = CommonComponents(wanted->key, have->key);
      if (common > most) alike.clear();
      most = std::max(most, common);
      if (common == most) alike.push_back(have->key);
    }
    // If only one candidate has this shape, it is enough that the last component is the same.
    const std::string_view last = std::string_view(wanted->key).substr(wanted->key.rfind('.') + 1);
    std::string found = Nearest(wanted->key, alike);
    if (found.empty() && alike.size() == 1 && std::string_view(alike[0]).ends_with(last)) found = alike[0];
    if (found.empty()) continue;
    std::erase_if(left, [&](const KeyInfo* have) { return have->key == found; });
    if (count++ < kMostNamed) pairs += (pairs.empty() ? "" : ", ") + Quoted(wanted->key) + " may be " + Quoted(found);
  }
  if (count > kMostNamed) pairs += " and " + std::to_string(count - kMostNamed) + " more";
  if (!pairs.empty()) causes.push_back("renamed: " + pairs + " in " + sets.have_name);
}

// Returns true if --prefix was removed from a key that is in `others`.
bool HasPrefixOf(const KeyIndex& keys, const KeyIndex& others) {
  return std::ranges::any_of(
      keys, [&](const auto& key) { return !key.second->file_key.empty() && others.contains(key.first); });
}

}  // namespace

std::vector<std::string> LikelyCauses(const KeySets& sets) {
  const KeyIndex wanted = IndexByKey(sets.wanted), have = IndexByKey(sets.have);
  const std::vector<const KeyInfo*> missing = Without(sets.wanted, have), extra = Without(sets.have, wanted);
  std::vector<const KeyInfo*> shared;
  for (const auto& [key, info] : have) {
    if (wanted.contains(key)) shared.push_back(info);
  }
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
  const bool in_use = HasPrefixOf(have, wanted) || HasPrefixOf(wanted, have);
  if (const Prefixes prefixes = CommonPrefix(extra, missing, missing.size(), shared); !prefixes.texts.empty()) {
    causes.push_back(PrefixCause(prefixes, sets.have_name, sets.wanted_name) + PrefixAdvice(prefixes, in_use));
  } else if (const Prefixes others = CommonPrefix(missing, extra, missing.size(), shared); !others.texts.empty()) {
    causes.push_back(
        PrefixCause(others, sets.wanted_name, sets.have_name) +
        (sets.both_files ? PrefixAdvice(others, in_use) : ": was a part of it saved, or a module not wrapped?"));
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
                     "lies elsewhere in the file (" +
                     sets.command + " inspect shows where)");
  }
  return causes;
}

std::vector<NestedKeys> FindNested(const Checkpoint& checkpoint, std::span<const KeyInfo> wanted,
                                   std::string_view current) {
  const KeyIndex index = IndexByKey(wanted);
  // Where the dicts lie, as positions in this list; and how well they match, for each prefix.
  std::vector<std::span<const std::string>> dicts;
  HashMap<std::string, std::size_t> numbers;
  std::size_t number = 0;  // of the dict at hand
  std::map<std::pair<std::size_t, std::string_view>, Matches> tally;
  const Tree& tree = checkpoint.tree();
  const std::vector<TensorPath> tensors = ListTensors(tree, tree.root());
  for (const TensorPath& tensor : tensors) {
    if (tensor.path.empty()) continue;
    const std::string& key = tensor.path.back();
    const std::span<const std::string> dict(tensor.path.data(), tensor.path.size() - 1);
    // The tensors of a dict mostly come one after the other.
    if (dicts.empty() || !std::ranges::equal(dict, dicts[number])) {
      std::string name;
      for (const std::string& element : dict) name += std::to_string(element.size()) + ' ' + element;
      const auto [known, is_new] = numbers.emplace(std::move(name), dicts.size());
      if (is_new) dicts.push_back(dict);
      number = known->second;
    }
    const auto matches = [&](std::size_t prefix) {
      const auto found = index.find(std::string_view(key).substr(prefix));
      if (found == index.end()) return false;
      Matches& here = tally[{number, std::string_view(key).substr(0, prefix)}];
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
  std::vector<NestedKeys> best;
  for (const auto& [place, matches] : tally) {
    const bool may_win = matches >= most && IsLikely(matches, wanted.size(), !place.second.empty());
    if (!may_win && matches <= most_here) continue;
    std::string key_path = KeyPath(dicts[place.first]);
    // What lies under the empty key alone has no key path.
    if (key_path.empty() && !dicts[place.first].empty()) continue;
    if (key_path == current) most_here = std::max(most_here, matches);
    if (!may_win) continue;
    if (matches > most) most = matches, best.clear();
    best.push_back({std::move(key_path), std::string(place.second)});
  }
  if (most <= most_here) return {};
  std::ranges::sort(best, {}, [](const NestedKeys& one) { return std::tie(one.key_path, one.prefix); });
  // One path cannot name two dicts ("a" in it "b", and "a.b"); and a dict as it is comes before it with a prefix.
  const auto same = [](const NestedKeys& a, const NestedKeys& b) {
    return a.key_path == b.key_path && (a.prefix.empty() || a.prefix == b.prefix);
  };
  best.erase(std::unique(best.begin(), best.end(), same), best.end());
  return best;
}

std::string NestedText(std::span<const NestedKeys> places) {
  std::vector<std::string> texts;
  for (const NestedKeys& place : places) {
    std::string text = place.key_path.empty() ? "at the top level" : "under " + Quoted(place.key_path);
    if (!place.prefix.empty() && places.size() == 1) text += ", and its keys begin with " + Quoted(place.prefix);
    if (!place.prefix.empty() && places.size() > 1) text += " (where keys begin with " + Quoted(place.prefix) + ")";
    texts.push_back(std::move(text));
  }
  return OneOf(texts);
}

std::string NestedCause(const FileAndKey& name, std::span<const NestedKeys> places) {
  const std::string cause = "the state dict lies " + NestedText(places) + ": ";
  if (places.size() > 1) return cause + "name one with " + (name.HasKey() ? "FILE::KEY" : "--key");
  const auto& [key_path, prefix] = places[0];
  const bool top = key_path.empty();
  const std::string flag = prefix.empty() ? "" : (top ? ", and add --prefix " : " --prefix ") + ShellQuoted(prefix);
  return cause + (top ? "leave the key out" : KeyArgument(name, key_path)) + flag;
}

}  // namespace loadpath
