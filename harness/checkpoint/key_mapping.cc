#include "harness/checkpoint/key_mapping.h"

#include <algorithm>
#include <utility>

#include "harness/base/error.h"
#include "harness/base/keyed_hash.h"
#include "harness/base/nearest.h"
#include "harness/base/text.h"
#include "harness/checkpoint/limits.h"
#include "loadpath/error.h"

namespace loadpath {
namespace {

std::string Quoted(std::string_view text) { return '"' + Escaped(text) + '"'; }

std::string Arrow(const KeyRename& rule) {
  return "rename " + Quoted(rule.pattern) + " -> " + Quoted(rule.replacement);
}

// An empty class is no error in ECMAScript alone: "[]" matches nothing, "[^]" everything.
bool HasEmptyClass(std::string_view pattern) {
  bool inside = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      ++i;
    } else if (inside) {
      inside = pattern[i] != ']';
    } else if (pattern[i] == '[') {
      inside = true;
      const std::string_view rest = pattern.substr(i + 1);
      if (rest.starts_with(']') || rest.starts_with("^]")) return true;
    }
  }
  return false;
}

std::string ExpressionProblem(const std::string& what, const std::string& pattern) {
  if (pattern.size() > limits::kMatchedKey) return what + " is longer than " + std::to_string(limits::kMatchedKey);
  if (std::ranges::count(pattern, '(') > static_cast<std::ptrdiff_t>(limits::kMatchGroups))
    return what + " has more than " + std::to_string(limits::kMatchGroups) + " groups";
  if (HasEmptyClass(pattern)) return what + " has an empty class, [] or [^]";
  try {
    const std::regex compiled(pattern);
    return "";
  } catch (const std::regex_error& error) {
    return what + " is not a regular expression (" + error.what() + ")";
  }
}

// Returns the keys, and the beginnings of keys that end with a dot: what a filter may have meant.
std::vector<std::string> Candidates(const MappedKeys& mapped) {
  constexpr std::size_t kMost = 20'000;
  HashSet<std::string> seen;
  std::vector<std::string> candidates;
  for (const std::optional<std::string>& name : mapped.names) {
    for (std::size_t dot = name->find('.'); dot != std::string::npos; dot = name->find('.', dot + 1)) {
      if (candidates.size() < kMost && seen.insert(name->substr(0, dot + 1)).second)
        candidates.push_back(name->substr(0, dot + 1));
    }
    if (candidates.size() < kMost && seen.insert(*name).second) candidates.push_back(*name);
  }
  return candidates;
}

// Returns what the filter looks for, without the signs of an expression.
std::string Plain(std::string pattern) {
  std::erase_if(pattern, [](char c) { return c == '^' || c == '$' || c == '\\'; });
  return pattern;
}

}  // namespace

std::string KeyRulesProblem(const KeyRules& rules) {
  for (const std::string& prefix : rules.prefixes) {
    if (prefix.empty()) return "a prefix is empty: leave it out";
  }
  for (const KeyRename& rule : rules.rename) {
    if (rule.pattern.empty()) return "a rename rule has no pattern: leave it out";
    if (std::string problem = ExpressionProblem(Arrow(rule), rule.pattern); !problem.empty()) return problem;
    const std::size_t escape = rule.replacement.find('\\');
    if (escape != std::string::npos)
      return Arrow(rule) + " has a backslash in what it puts in: the first group is $1, the whole match $&";
    if (rule.replacement.size() > limits::kMatchedKey)
      return "a rename rule puts in more than " + std::to_string(limits::kMatchedKey) + " bytes";
  }
  for (const auto& [what, pattern] : {std::pair("only ", rules.only), std::pair("skip ", rules.skip)}) {
    if (pattern.empty()) continue;
    if (std::string problem = ExpressionProblem(what + Quoted(pattern), pattern); !problem.empty()) return problem;
  }
  return "";
}

KeyMapping::KeyMapping(KeyRules rules, std::string file, std::string part)
    : rules_(std::move(rules)), file_(std::move(file)), part_(std::move(part)) {
  if (const std::string problem = KeyRulesProblem(rules_); !problem.empty()) Fail(problem);
  match_ = std::make_shared<BoundedMatch>(limits::kMatchSteps, limits::kStackReserve);
  for (const KeyRename& rule : rules_.rename) rename_.emplace_back(rule.pattern);
  if (!rules_.only.empty()) only_.emplace(rules_.only);
  if (!rules_.skip.empty()) skip_.emplace(rules_.skip);
}

void KeyMapping::Fail(const std::string& sentence) const {
  throw CheckpointError(ErrorCode::kKeyRule, file_, sentence);
}

void KeyMapping::RequireNone(std::string_view sentence) const {
  if (!sentence.empty()) Fail(std::string(sentence));
}

void KeyMapping::RequireShort(std::string_view key) const {
  if (key.size() <= limits::kMatchedKey) return;
  Fail("has a key of " + std::to_string(key.size()) + " bytes, " + Quoted(key.substr(0, 40)) +
       "…: rename, only and skip are for keys of at most " + std::to_string(limits::kMatchedKey));
}

template <class Work>
auto KeyMapping::InSteps(const std::string& name, const Work& work) const {
  RequireShort(name);
  try {
    return work();
  } catch (const BoundedMatch::TooManySteps&) {
    Fail("has keys that take more than " + std::to_string(limits::kMatchSteps) + " steps to match, the last of them " +
         Quoted(name.substr(0, 40)) + (name.size() > 40 ? "…" : "") +
         ": write fewer rules, or simpler ones, without a repetition inside a repetition");
  } catch (const BoundedMatch::TooDeep&) {
    Fail("has a key of " + std::to_string(name.size()) + " bytes, " + Quoted(name.substr(0, 40)) +
         (name.size() > 40 ? "…" : "") +
         ", that takes too much memory to match: write simpler rules, without a repetition of groups");
  }
}

bool KeyMapping::Matches(const std::string& name, const std::regex& expression) const {
  return InSteps(name, [&] { return match_->Search(name, expression); });
}

std::string KeyMapping::Renamed(const std::string& name, std::size_t rule) const {
  const KeyRename& rename = rules_.rename[rule];
  std::string renamed = InSteps(name, [&] { return match_->Replace(name, rename_[rule], rename.replacement); });
  if (renamed.size() > limits::kMatchedKey) {
    Fail("would have a key of " + std::to_string(renamed.size()) + " bytes by " + Arrow(rename) + ", from " +
         Quoted(name.substr(0, 40)) + (name.size() > 40 ? "…" : "") + ": a rule may make keys of at most " +
         std::to_string(limits::kMatchedKey));
  }
  return renamed;
}

bool KeyMapping::Skips(const std::string& name) const { return skip_ && Matches(name, *skip_); }

bool KeyMapping::Wants(const std::string& name) const { return (!only_ || Matches(name, *only_)) && !Skips(name); }

// Goes from component to component once: a key may consist of nothing but prefixes.
std::string KeyMapping::WithoutPrefixes(std::string_view key, std::vector<bool>* used) const {
  const auto use = [&](std::size_t i) {
    if (used != nullptr) (*used)[i] = true;
  };
  std::string name;
  name.reserve(key.size());
  while (!key.empty()) {
    const auto found = std::ranges::find_if(
        rules_.prefixes, [&](const std::string& prefix) { return prefix.ends_with('.') && key.starts_with(prefix); });
    if (found != rules_.prefixes.end()) {
      use(static_cast<std::size_t>(found - rules_.prefixes.begin()));
      key.remove_prefix(found->size());
      continue;
    }
    const std::size_t end = std::min(key.find('.'), key.size() - 1) + 1;
    name += key.substr(0, end);
    key.remove_prefix(end);
  }
  for (std::size_t i = 0; i < rules_.prefixes.size(); ++i) {
    const std::string& prefix = rules_.prefixes[i];
    if (prefix.ends_with('.') || !name.starts_with(prefix)) continue;
    use(i);
    name.erase(0, prefix.size());
  }
  return name;
}

std::string KeyMapping::NewName(std::string_view key, std::vector<bool>* used) const {
  std::string name = WithoutPrefixes(key, used);
  for (std::size_t i = 0; i < rename_.size(); ++i) {
    std::string renamed = Renamed(name, i);
    if (used != nullptr && renamed != name) (*used)[rules_.prefixes.size() + i] = true;
    name = std::move(renamed);
  }
  return name;
}

void KeyMapping::RequireDifferent(std::span<const std::string> keys, const MappedKeys& mapped) const {
  HashMap<std::string_view, std::size_t> first;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!mapped.names[i]) continue;
    const auto [other, is_new] = first.emplace(*mapped.names[i], i);
    if (is_new) continue;
    Fail("would have two keys named " + Quoted(*mapped.names[i]) + ", from " + Quoted(keys[other->second]) + " and " +
         Quoted(keys[i]) + ": change the prefixes or the rename rules");
  }
}

MappedKeys KeyMapping::Map(std::span<const std::string> keys) const {
  MappedKeys mapped;
  mapped.names.reserve(keys.size());
  std::vector<bool> used(rules_.prefixes.size() + rename_.size());
  for (const std::string& key : keys) mapped.names.emplace_back(NewName(key, &used));
  const std::string none = "none of the " + Counted(keys.size(), "key");
  for (std::size_t i = 0; i < rules_.prefixes.size(); ++i) {
    if (!used[i]) mapped.unused_prefixes.push_back("the prefix " + Quoted(rules_.prefixes[i]) + " is in " + none);
  }
  for (std::size_t i = 0; i < rename_.size(); ++i) {
    if (!used[rules_.prefixes.size() + i]) mapped.unused_rename.push_back(Arrow(rules_.rename[i]) + " changes " + none);
  }
  const auto problem = [&](const char* what, const std::string& pattern, const std::optional<std::regex>& filter) {
    const auto fits = [&](const std::optional<std::string>& name) { return Matches(*name, *filter); };
    if (!filter || std::ranges::any_of(mapped.names, fits)) return std::string();
    return std::string(what) + " " + Quoted(pattern) + " matches " + none +
           DidYouMean(Plain(pattern), Candidates(mapped));
  };
  mapped.unused_only = problem("only", rules_.only, only_);
  mapped.unused_skip = problem("skip", rules_.skip, skip_);
  for (std::optional<std::string>& name : mapped.names) {
    if (!Wants(*name)) name.reset();
  }
  RequireDifferent(keys, mapped);
  return mapped;
}

MappedKeys KeyMapping::Map(const Tree& tree, NodeId dict) const {
  const std::span<const NodeId> items = tree.items(dict);
  std::vector<std::string> keys;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < items.size(); i += 2) {
    const bool text = tree.kind(items[i]) == NodeKind::kString;
    if (!part_.empty() && !(text && tree.text(items[i]).starts_with(part_))) continue;
    if (!text) {
      Fail("has a key that is not text, " + Escaped(tree.KeyText(items[i])) +
           ": prefixes, rename, only and skip are for the keys of a state dict; name its place by a key path");
    }
    keys.emplace_back(tree.text(items[i]).substr(part_.size()));
    places.push_back(i / 2);
  }
  MappedKeys mapped = Map(keys);
  std::vector<std::optional<std::string>> names(items.size() / 2);
  for (std::size_t i = 0; i < places.size(); ++i) names[places[i]] = std::move(mapped.names[i]);
  mapped.names = std::move(names);
  return mapped;
}

std::vector<std::optional<std::string>> KeyMapping::MapModules(std::span<const std::string> paths) const {
  std::vector<std::optional<std::string>> names;
  HashMap<std::string, std::size_t> places;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const std::string whole = paths[i] + ".";
    if (!part_.empty() && !whole.starts_with(part_)) {
      names.emplace_back();
      continue;
    }
    // A rule that fits the keys below the module fits its name and a dot.
    const std::string path = paths[i].empty() ? "" : whole.substr(part_.size());
    std::string name = NewName(path, nullptr);
    if (name.ends_with('.')) name.pop_back();
    const auto [other, is_new] = places.emplace(name, i);
    if (!is_new && name == paths[i]) {
      names.emplace_back();
      continue;
    }
    if (!is_new) names[std::exchange(other->second, i)].reset();
    names.emplace_back(std::move(name));
  }
  return names;
}

}  // namespace loadpath
