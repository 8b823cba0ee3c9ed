#include "harness/diff/propose_rules.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>
#include <utility>

#include "harness/base/keyed_hash.h"
#include "harness/checkpoint/key_mapping.h"
#include "harness/checkpoint/limits.h"
#include "harness/diff/layer_numbers.h"
#include "harness/diff/name_parts.h"
#include "loadpath/error.h"

namespace loadpath {
namespace {

// Beyond so many keys only prefixes are looked for; so many pairs of them are compared for one rule. A file of
// strangers is told off in a second or two.
constexpr std::size_t kMostKeys = 2000, kMostPairs = 20'000;
constexpr std::size_t kMostRules = 32, kMostTried = 16, kMostDicts = 16;

using Names = std::vector<std::string>;

// The state dict's keys under the rules so far, held against the model's.
class Search {
 public:
  Search(std::span<const KeyInfo> wanted, std::span<const KeyInfo> have) : wanted_(wanted), have_(have) {
    for (const KeyInfo& info : wanted) {
      by_name_.emplace(info.key, &info);
      wanted_names_.push_back(info.key);
    }
    for (const KeyInfo& info : have) names_.push_back(info.file_key.empty() ? info.key : info.file_key);
    before_ = matched_ = Matched(names_);
  }

  std::optional<RuleProposal> Run() {
    RemoveWrappers();
    const bool small = wanted_.size() <= kMostKeys && have_.size() <= kMostKeys &&
                       std::ranges::all_of(names_, [](const auto& name) { return name.size() <= limits::kMatchedKey; });
    while (small && rules_.rename.size() < kMostRules && matched_ < wanted_.size()) {
      if (!Renumber() && !RenamePart() && !PairByOrder()) break;
    }
    Prune();
    if (matched_ <= before_) return std::nullopt;
    return Describe();
  }

 private:
  bool Fits(std::size_t i, std::string_view name) const {
    const auto found = by_name_.find(name);
    return found != by_name_.end() && found->second->shape == have_[i].shape;
  }

  // Returns how many keys match, or nullopt if two have one name.
  std::optional<std::size_t> Count(const Names& names) const {
    HashSet<std::string_view> seen;
    for (const std::string& name : names) {
      if (!seen.insert(name).second) return std::nullopt;
    }
    return Matched(names);
  }
  std::size_t Matched(const Names& names) const {
    std::size_t matched = 0;
    for (std::size_t i = 0; i < names.size(); ++i) matched += Fits(i, names[i]);
    return matched;
  }

  static std::optional<Names> Applied(const KeyRules& rules, const Names& names) {
    try {
      const MappedKeys mapped = KeyMapping(rules, "").Map(names);
      Names renamed;
      for (const auto& name : mapped.names) renamed.push_back(name.value_or(""));
      return renamed;
    } catch (const CheckpointError&) {
      return std::nullopt;  // two keys of one name, or a key too long to match
    }
  }

  // Adds the rules if they bring at least `gain` keys.
  bool Take(const KeyRules& rules, std::size_t gain) {
    if (rules_.rename.size() + rules.rename.size() > kMostRules) return false;
    std::optional<Names> names = Applied(rules, names_);
    if (!names || *names == names_) return false;
    const std::optional<std::size_t> matched = Count(*names);
    if (!matched || *matched < matched_ + gain) return false;
    rules_.prefixes.insert(rules_.prefixes.end(), rules.prefixes.begin(), rules.prefixes.end());
    rules_.rename.insert(rules_.rename.end(), rules.rename.begin(), rules.rename.end());
    names_ = std::move(*names);
    matched_ = *matched;
    return true;
  }

  // What DataParallel and torch.compile put before names is no name of a layer, unless the model has such a layer.
  void RemoveWrappers() {
    for (const char* prefix : {"module.", "_orig_mod."}) {
      const std::string component(prefix, std::string_view(prefix).size() - 1);
      const bool own = std::ranges::any_of(wanted_, [&](const KeyInfo& info) {
        const Parts parts = Components(info.key);
        return std::ranges::find(parts, component) != parts.end();
      });
      if (!own) Take({.prefixes = {prefix}}, 0);
    }
  }

  std::vector<std::size_t> UnmatchedHave() const {
    std::vector<std::size_t> rest;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (!Fits(i, names_[i])) rest.push_back(i);
    }
    return rest;
  }
  std::vector<const KeyInfo*> UnmatchedWanted() const {
    HashSet<std::string_view> matched;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (Fits(i, names_[i])) matched.insert(names_[i]);
    }
    std::vector<const KeyInfo*> rest;
    for (const KeyInfo& info : wanted_) {
      if (!matched.contains(info.key)) rest.push_back(&info);
    }
    return rest;
  }

  // A rule that many pairs of keys suggest.
  struct Support {
    std::size_t pairs = 0;
    std::size_t in_order = 0;  // pairs at the same place among the keys of their shape
  };
  using Tally = std::map<std::pair<std::string, std::string>, Support>;  // by pattern and replacement

  // Compares the keys that do not match in pairs of one shape and last component. What differs in the middle of many
  // pairs is a part of another name: tries the most frequent ones and takes the one that brings the most keys.
  bool RenamePart() {
    using Group = std::pair<std::vector<std::int64_t>, std::string_view>;
    std::map<Group, std::pair<std::vector<Parts>, std::size_t>> have;  // and how many wanted ones were compared
    for (const std::size_t i : UnmatchedHave()) {
      const Parts parts = Components(names_[i]);
      have[{have_[i].shape, parts.back()}].first.push_back(parts);
    }
    Tally tally;
    std::size_t pairs = 0;
    for (const KeyInfo* info : UnmatchedWanted()) {
      const Parts parts = Components(info->key);
      const auto group = have.find({info->shape, parts.back()});
      if (group == have.end()) continue;
      auto& [names, place] = group->second;
      if ((pairs += names.size()) > kMostPairs) break;
      for (std::size_t i = 0; i < names.size(); ++i) AddCandidates(names[i], parts, i == place, tally);
      ++place;
    }
    return TakeBest(tally);
  }

  static void AddCandidates(const Parts& a, const Parts& b, bool in_order, Tally& tally) {
    const std::size_t most = std::min(a.size(), b.size());
    std::size_t lead = 0, tail = 0;
    while (lead < most && a[lead] == b[lead]) ++lead;
    while (lead + tail < most && a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) ++tail;
    const auto part = [](const Parts& parts, std::size_t begin, std::size_t end) {
      return std::span(parts).subspan(begin, end - begin);
    };
    const auto old_middle = part(a, lead, a.size() - tail), new_middle = part(b, lead, b.size() - tail);
    if (!SameNumbers(old_middle, new_middle)) return;
    const auto add = [&](const KeyRename& rule) {
      Support& support = tally[{rule.pattern, rule.replacement}];
      ++support.pairs;
      support.in_order += in_order;
    };
    add(ModuleRename(Joined(part(a, 0, a.size() - tail)), Joined(part(b, 0, b.size() - tail))));
    if (lead == 0 || tail == 0 || old_middle.empty()) return;
    // The same part inside any layer.
    add(PartRename(Joined(old_middle), Joined(new_middle)));
  }

  bool TakeBest(const Tally& tally) {
    struct Candidate {
      KeyRename rule;
      Support support;
      std::size_t matched = 0;
    };
    std::vector<Candidate> candidates;
    for (const auto& [rule, support] : tally) candidates.push_back({{rule.first, rule.second}, support});
    std::ranges::stable_sort(candidates, [](const Candidate& a, const Candidate& b) {
      return std::tuple(b.support.pairs, b.support.in_order, a.rule.pattern.size()) <
             std::tuple(a.support.pairs, a.support.in_order, b.rule.pattern.size());
    });
    if (candidates.size() > kMostTried) candidates.resize(kMostTried);
    const Candidate* best = nullptr;
    bool doubtful = false;  // another rule brings as many keys, and the order alone speaks for this one
    for (Candidate& one : candidates) {
      const std::optional<Names> names = Applied({.rename = {one.rule}}, names_);
      one.matched = (names ? Count(*names) : std::nullopt).value_or(0);
      if (one.matched <= matched_) continue;
      const auto rank = [](const Candidate& c) { return std::pair(c.matched, c.support.in_order); };
      if (best != nullptr && one.matched == best->matched)
        doubtful |= (one.rule.pattern == best->rule.pattern) != (one.rule.replacement == best->rule.replacement);
      if (best != nullptr && one.matched > best->matched) doubtful = false;
      if (best == nullptr || rank(one) > rank(*best)) best = &one;
    }
    if (best == nullptr) return false;
    const KeyRename rule = best->rule;
    // A prefix says it more plainly, if that is all it is.
    if (rule.replacement.empty() && rule.pattern.starts_with("^") && rules_.rename.empty()) {
      std::string prefix = rule.pattern.substr(1);
      std::erase(prefix, '\\');
      if (Applied({.prefixes = {prefix}}, names_) == Applied({.rename = {rule}}, names_))
        return Take({.prefixes = {prefix}}, 1);
    }
    by_order_ |= doubtful;
    return Take({.rename = {rule}}, 1);
  }

  // Gives the layers of a Sequential, which stand in the same order, the model's numbers.
  bool Renumber() {
    const auto have = NumbersOf(have_, names_);
    const auto wanted = NumbersOf(wanted_, wanted_names_);
    for (const auto& [before, layers] : have) {
      const auto other = wanted.find(before);
      if (other == wanted.end()) continue;
      const std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs = Aligned(layers, other->second);
      if (pairs.size() < std::min(layers.size(), other->second.size())) continue;
      if (std::ranges::all_of(pairs, [](const auto& pair) { return pair.first == pair.second; })) continue;
      if (Take({.rename = NumberRules(std::string(before), pairs)}, 1)) return true;
    }
    return false;
  }

  // If the modules that do not match have the same tensors in the same order on both sides, they are probably the same.
  bool PairByOrder() {
    using Modules = std::vector<std::pair<std::string, Signature>>;
    const auto add = [](Modules& modules, std::string_view name, const std::vector<std::int64_t>& shape) {
      const std::size_t dot = name.rfind('.');
      if (dot == std::string_view::npos) return;
      if (modules.empty() || modules.back().first != name.substr(0, dot))
        modules.push_back({std::string(name.substr(0, dot)), {}});
      modules.back().second.emplace_back(name.substr(dot), shape);
    };
    Modules have, wanted;
    for (const std::size_t i : UnmatchedHave()) add(have, names_[i], have_[i].shape);
    for (const KeyInfo* info : UnmatchedWanted()) add(wanted, info->key, info->shape);
    if (have.empty() ||
        !std::ranges::equal(have, wanted, {}, &Modules::value_type::second, &Modules::value_type::second))
      return false;
    KeyRules rules;
    for (std::size_t i = 0; i < have.size(); ++i) rules.rename.push_back(ModuleRename(have[i].first, wanted[i].first));
    std::size_t keys = 0;
    for (const auto& module : have) keys += module.second.size();
    if (!Take(rules, keys)) return false;
    return by_order_ = true;
  }

  // Leaves out the rules that bring nothing in the end.
  void Prune() {
    Names original;
    for (const KeyInfo& info : have_) original.push_back(info.file_key.empty() ? info.key : info.file_key);
    const auto try_without = [&](auto member, std::size_t i) {
      KeyRules fewer = rules_;
      (fewer.*member).erase((fewer.*member).begin() + static_cast<std::ptrdiff_t>(i));
      const std::optional<Names> names = Applied(fewer, original);
      const std::optional<std::size_t> matched = names ? Count(*names) : std::nullopt;
      if (!matched || *matched < matched_) return;
      rules_ = std::move(fewer);
      names_ = *names;
    };
    for (std::size_t i = rules_.rename.size(); i-- > 0;) try_without(&KeyRules::rename, i);
    for (std::size_t i = rules_.prefixes.size(); i-- > 0;) try_without(&KeyRules::prefixes, i);
    // In a mapping all prefixes come first, whatever the order in which they were found.
    const std::optional<Names> names = Applied(rules_, original);
    names_ = names ? *names : original;
    matched_ = Matched(names_);
  }

  RuleProposal Describe() const {
    RuleProposal proposal{.key_path = {},
                          .rules = rules_,
                          .effects = {},
                          .wanted = wanted_.size(),
                          .matched_before = before_,
                          .matched = matched_,
                          .missing = {},
                          .unexpected = {},
                          .by_order = by_order_};
    Names names;
    for (const KeyInfo& info : have_) names.push_back(info.file_key.empty() ? info.key : info.file_key);
    const auto add = [&](const KeyRules& one) {
      Names renamed = Applied(one, names).value_or(names);
      RuleEffect effect{.rule = RuleArguments(one).substr(1), .keys = 0, .from = {}, .to = {}};
      for (std::size_t i = 0; i < names.size(); ++i) {
        if (renamed[i] == names[i] || effect.keys++ > 0) continue;
        effect.from = names[i];
        effect.to = renamed[i];
      }
      names = std::move(renamed);
      proposal.effects.push_back(std::move(effect));
    };
    for (const std::string& prefix : rules_.prefixes) add({.prefixes = {prefix}});
    for (const KeyRename& rule : rules_.rename) add({.rename = {rule}});
    for (const KeyInfo* info : UnmatchedWanted()) proposal.missing.push_back(info->key);
    for (const std::size_t i : UnmatchedHave()) proposal.unexpected.push_back(names_[i]);
    return proposal;
  }

  std::span<const KeyInfo> wanted_, have_;
  HashMap<std::string_view, const KeyInfo*> by_name_;
  Names names_, wanted_names_;
  KeyRules rules_;
  std::size_t before_ = 0, matched_ = 0;
  bool by_order_ = false;
};

}  // namespace

std::optional<RuleProposal> ProposeRules(std::span<const KeyInfo> wanted, std::span<const KeyInfo> have) {
  return Search(wanted, have).Run();
}

std::optional<RuleProposal> ProposeRules(std::span<const KeyInfo> wanted, const Checkpoint& checkpoint,
                                         std::string_view current) {
  const Tree& tree = checkpoint.tree();
  HashMap<std::string, std::vector<KeyInfo>> dicts;
  std::vector<std::string> order;
  for (const TensorPath& place : ListTensors(tree, tree.root())) {
    if (place.path.empty()) continue;
    const std::string dict = KeyPath(std::span(place.path).first(place.path.size() - 1));
    const auto [found, is_new] = dicts.try_emplace(dict);
    if (is_new) order.push_back(dict);
    const TensorView& tensor = tree.tensor(place.node);
    found->second.push_back({place.path.back(), std::string(Name(tensor.dtype)), tensor.shape});
  }
  // The largest ones, the current one first.
  std::ranges::stable_sort(order, [&](const std::string& a, const std::string& b) {
    return std::pair(a != current, dicts[b].size()) < std::pair(b != current, dicts[a].size());
  });
  if (order.size() > kMostDicts) order.resize(kMostDicts);
  std::optional<RuleProposal> best;
  for (const std::string& dict : order) {
    // Neither can a small dict match more, nor any if all match.
    if (best && dicts[dict].size() <= best->matched) continue;
    std::optional<RuleProposal> proposal = ProposeRules(wanted, dicts[dict]);
    if (!proposal || (best && proposal->matched <= best->matched)) continue;
    best = std::move(proposal);
    best->key_path = dict;
  }
  return best;
}

}  // namespace loadpath
