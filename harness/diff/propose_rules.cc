#include "harness/diff/propose_rules.h"

#include <algorithm>
#include <map>
#include <utility>

#include "harness/base/keyed_hash.h"
#include "harness/base/text.h"
#include "harness/checkpoint/limits.h"
#include "harness/diff/layer_numbers.h"
#include "harness/diff/name_changes.h"
#include "harness/diff/rule_candidates.h"

namespace loadpath {
namespace {

// Beyond so many keys only prefixes are looked for; so many pairs of them are compared for one rule. A file of
// strangers is told off in a second or two.
constexpr std::size_t kMostKeys = 2000, kMostPairsOfARule = 20'000;
constexpr std::size_t kMostRules = 32, kMostTried = 16, kMostDicts = 16;

// The state dict's keys under the rules so far, held against the model's.
class Search {
 public:
  // Goes through at most `budget` bytes of names, and takes off what it has used.
  Search(std::span<const KeyInfo> wanted, std::span<const KeyInfo> have, std::uint64_t& budget)
      : wanted_(wanted), have_(have), budget_(budget) {
    for (const KeyInfo& info : wanted) {
      by_name_.emplace(info.key, &info);
      wanted_names_.push_back(info.key);
    }
    for (const KeyInfo& info : have) original_.push_back(info.file_key.empty() ? info.key : info.file_key);
    names_ = original_;
    before_ = matched_ = Matched(names_);
  }

  std::optional<RuleProposal> Run() {
    RemoveWrappers();
    const bool small = wanted_.size() <= kMostKeys && have_.size() <= kMostKeys &&
                       std::ranges::all_of(names_, [](const auto& name) { return name.size() <= limits::kMatchedKey; });
    while (small && budget_ > 0 && changes_.rename.size() < kMostRules && matched_ < wanted_.size()) {
      if (!Renumber() && !RenamePart() && !PairByOrder()) break;
    }
    Prune();
    if (matched_ <= before_) return std::nullopt;
    return Describe();
  }

 private:
  // Returns false if that is more than is left.
  bool Spend(std::uint64_t bytes) {
    const bool enough = bytes <= budget_;
    budget_ -= std::min(bytes, budget_);
    return enough;
  }
  // Returns nullopt if nothing is left to spend too.
  std::optional<Names> Tried(const NameChanges& changes, const Names& names) {
    if (!Spend(BytesToApply(changes, names))) return std::nullopt;
    return Applied(changes, names);
  }

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

  // Adds the changes if they bring at least `gain` keys.
  bool Take(const NameChanges& changes, std::size_t gain) {
    if (changes_.rename.size() + changes.rename.size() > kMostRules) return false;
    std::optional<Names> names = Tried(changes, names_);
    if (!names || *names == names_) return false;
    const std::optional<std::size_t> matched = Count(*names);
    if (!matched || *matched < matched_ + gain) return false;
    changes_.prefixes.insert(changes_.prefixes.end(), changes.prefixes.begin(), changes.prefixes.end());
    changes_.rename.insert(changes_.rename.end(), changes.rename.begin(), changes.rename.end());
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

  // Compares the keys that do not match in pairs of one shape and last component. What differs in the middle of many
  // pairs is a part of another name: tries the most frequent ones and takes the one that brings the most keys.
  bool RenamePart() {
    struct Group {
      std::vector<Parts> names;
      std::uint64_t bytes = 0;
      std::size_t place = 0;  // how many wanted ones were compared
    };
    std::map<std::pair<std::vector<std::int64_t>, std::string_view>, Group> have;
    for (const std::size_t i : UnmatchedHave()) {
      const Parts parts = Components(names_[i]);
      Group& group = have[{have_[i].shape, parts.back()}];
      group.names.push_back(parts);
      group.bytes += names_[i].size();
    }
    Tally tally;
    std::size_t pairs = 0;
    bool all = true;
    for (const KeyInfo* info : UnmatchedWanted()) {
      const Parts parts = Components(info->key);
      const auto found = have.find({info->shape, parts.back()});
      if (found == have.end()) continue;
      Group& group = found->second;
      if ((pairs += group.names.size()) > kMostPairsOfARule || !Spend(group.bytes)) {
        all = false;
        break;
      }
      for (std::size_t i = 0; i < group.names.size(); ++i)
        AddCandidates(group.names[i], parts, i == group.place, tally);
      ++group.place;
    }
    return TakeBest(tally, all);
  }

  // `all`: the tally is of all pairs, so that a rival is among them.
  bool TakeBest(const Tally& tally, bool all) {
    std::vector<Candidate> candidates = Likeliest(tally, kMostTried);
    const Candidate* best = nullptr;
    for (Candidate& one : candidates) {
      const std::optional<Names> names = Tried({.rename = {one.change}}, names_);
      one.matched = (names ? Count(*names) : std::nullopt).value_or(0);
      if (one.matched <= matched_) continue;
      const auto rank = [](const Candidate& c) { return std::pair(c.matched, c.support.in_order); };
      if (best == nullptr || rank(one) > rank(*best)) best = &one;
    }
    if (best == nullptr) return false;
    const NameChange change = best->change;
    const Names before = names_;
    const bool rival = HasRival(tally, change, best->matched - matched_);
    if (!TakeAsPrefix(change) && !Take({.rename = {change}}, 1)) return false;
    std::vector<std::string_view> brought;
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (!Fits(i, before[i]) && Fits(i, names_[i])) brought.emplace_back(before[i]);
    }
    // That a name only gets or loses a beginning needs no proof that no other change does as well.
    const bool contained = change.begins && (change.from.empty() || change.to.empty());
    if (rival || !NamesAgree(change, brought) || (!all && !contained)) guesses_.push_back(change);
    return true;
  }

  // A prefix says it more plainly, if that is all it is.
  bool TakeAsPrefix(const NameChange& change) {
    if (!change.to.empty() || !change.begins || !changes_.rename.empty()) return false;
    const NameChanges prefix = {.prefixes = {change.from}};
    return Tried(prefix, names_) == Tried({.rename = {change}}, names_) && Take(prefix, 1);
  }

  // Gives the layers of a Sequential, which stand in the same order, the model's numbers.
  bool Renumber() {
    std::uint64_t bytes = 0;
    for (const std::string& name : names_) {
      const auto dots = static_cast<std::uint64_t>(std::ranges::count(name, '.'));
      bytes += name.size() * (dots + 1);
    }
    if (!Spend(bytes)) return false;
    const auto have = NumbersOf(have_, names_);
    const auto wanted = NumbersOf(wanted_, wanted_names_);
    for (const auto& [before, layers] : have) {
      const auto other = wanted.find(before);
      if (other == wanted.end()) continue;
      const std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs = Aligned(layers, other->second);
      if (!MayAlign(layers, other->second, pairs)) continue;
      if (std::ranges::all_of(pairs, [](const auto& pair) { return pair.first == pair.second; })) continue;
      const std::vector<NameChange> changes = NumberChanges(std::string(before), pairs);
      const bool by_order = ByOrder(layers, other->second, pairs);
      if (!Take({.rename = changes}, 1)) continue;
      if (by_order) guesses_.insert(guesses_.end(), changes.begin(), changes.end());
      return true;
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
    NameChanges changes;
    for (std::size_t i = 0; i < have.size(); ++i)
      changes.rename.push_back(ModuleRename(have[i].first, wanted[i].first));
    std::size_t keys = 0;
    for (const auto& module : have) keys += module.second.size();
    if (!Take(changes, keys)) return false;
    guesses_.insert(guesses_.end(), changes.rename.begin(), changes.rename.end());
    return true;
  }

  // Leaves out the rules that bring nothing in the end.
  void Prune() {
    const auto try_without = [&](auto member, std::size_t i) {
      NameChanges fewer = changes_;
      (fewer.*member).erase((fewer.*member).begin() + static_cast<std::ptrdiff_t>(i));
      const std::optional<Names> names = Tried(fewer, original_);
      const std::optional<std::size_t> matched = names ? Count(*names) : std::nullopt;
      if (matched && *matched >= matched_) changes_ = std::move(fewer);
    };
    for (std::size_t i = changes_.rename.size(); i-- > 0;) try_without(&NameChanges::rename, i);
    for (std::size_t i = changes_.prefixes.size(); i-- > 0;) try_without(&NameChanges::prefixes, i);
    // In a mapping all prefixes come first, whatever the order in which they were found.
    names_ = Applied(changes_, original_).value_or(original_);
    matched_ = Matched(names_);
  }

  RuleProposal Describe() {
    Spend(BytesToApply(changes_, original_));
    RuleProposal proposal{.key_path = {},
                          .rules = RulesOf(changes_),
                          .effects = {},
                          .wanted = wanted_.size(),
                          .matched_before = before_,
                          .matched = matched_,
                          .missing = {},
                          .unexpected = {},
                          .shapes = {}};
    Names names = original_;
    const auto add = [&](const NameChanges& one) {
      Names renamed = Applied(one, names).value_or(names);
      RuleEffect effect{.rule = RuleArguments(RulesOf(one)).substr(1), .keys = 0, .from = {}, .to = {}};
      const NameChange change = one.rename.empty() ? NameChange{one.prefixes[0], ""} : one.rename[0];
      effect.by_order = std::ranges::find(guesses_, change) != guesses_.end();
      for (std::size_t i = 0; i < names.size(); ++i) {
        if (renamed[i] == names[i] || effect.keys++ > 0) continue;
        effect.from = names[i];
        effect.to = renamed[i];
      }
      names = std::move(renamed);
      proposal.effects.push_back(std::move(effect));
    };
    for (const std::string& prefix : changes_.prefixes) add({.prefixes = {prefix}});
    for (const NameChange& change : changes_.rename) add({.rename = {change}});
    HashSet<std::string_view> other_shape;
    for (const std::size_t i : UnmatchedHave()) {
      const auto found = by_name_.find(names_[i]);
      if (found == by_name_.end()) {
        proposal.unexpected.push_back(names_[i]);
      } else if (other_shape.insert(names_[i]).second) {
        proposal.shapes.push_back({names_[i], Brackets(found->second->shape), Brackets(have_[i].shape)});
      }
    }
    for (const KeyInfo* info : UnmatchedWanted()) {
      if (!other_shape.contains(info->key)) proposal.missing.push_back(info->key);
    }
    return proposal;
  }

  std::span<const KeyInfo> wanted_, have_;
  HashMap<std::string_view, const KeyInfo*> by_name_;
  Names original_, names_, wanted_names_;
  NameChanges changes_;
  std::size_t before_ = 0, matched_ = 0;
  std::vector<NameChange> guesses_;  // changes that only the shapes or the order of layers speak for
  std::uint64_t& budget_;
};

}  // namespace

bool RuleProposal::by_order() const { return std::ranges::any_of(effects, &RuleEffect::by_order); }

std::optional<RuleProposal> ProposeRules(std::span<const KeyInfo> wanted, std::span<const KeyInfo> have) {
  std::uint64_t budget = limits::kProposalBytes;
  return Search(wanted, have, budget).Run();
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
  std::uint64_t budget = limits::kProposalBytes;
  for (const std::string& dict : order) {
    // Neither can a small dict match more, nor any if all match.
    if (best && dicts[dict].size() <= best->matched) continue;
    std::optional<RuleProposal> proposal = Search(wanted, dicts[dict], budget).Run();
    if (!proposal || (best && proposal->matched <= best->matched)) continue;
    best = std::move(proposal);
    best->key_path = dict;
  }
  return best;
}

}  // namespace loadpath
