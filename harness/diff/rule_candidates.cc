#include "harness/diff/rule_candidates.h"

#include <algorithm>
#include <tuple>

namespace loadpath {

void AddCandidates(const Parts& have, const Parts& wanted, bool in_order, Tally& tally) {
  const std::size_t most = std::min(have.size(), wanted.size());
  std::size_t lead = 0, tail = 0;
  while (lead < most && have[lead] == wanted[lead]) ++lead;
  while (lead + tail < most && have[have.size() - 1 - tail] == wanted[wanted.size() - 1 - tail]) ++tail;
  const auto part = [](const Parts& parts, std::size_t begin, std::size_t end) {
    return std::span(parts).subspan(begin, end - begin);
  };
  const auto old_middle = part(have, lead, have.size() - tail), new_middle = part(wanted, lead, wanted.size() - tail);
  if (!SameNumbers(old_middle, new_middle)) return;
  const auto add = [&](NameChange change) {
    Support& support = tally[std::move(change)];
    ++support.pairs;
    support.in_order += in_order;
  };
  add(ModuleRename(Joined(part(have, 0, have.size() - tail)), Joined(part(wanted, 0, wanted.size() - tail))));
  if (lead == 0 || tail == 0 || old_middle.empty()) return;
  add(PartRename(Joined(old_middle), Joined(new_middle)));
}

std::vector<Candidate> Likeliest(const Tally& tally, std::size_t most) {
  std::vector<Candidate> candidates;
  for (const auto& [change, support] : tally) candidates.push_back({change, support});
  const auto rank = [](const Candidate& c) {
    return std::tuple(c.support.pairs, c.support.in_order, -static_cast<std::ptrdiff_t>(c.change.from.size()));
  };
  std::ranges::stable_sort(candidates, [&](const Candidate& a, const Candidate& b) { return rank(a) > rank(b); });
  if (candidates.size() > most) candidates.resize(most);
  return candidates;
}

bool HasRival(const Tally& tally, const NameChange& change, std::size_t gain) {
  return std::ranges::any_of(tally, [&](const auto& one) {
    const NameChange& other = one.first;
    return other.begins == change.begins && (other.from == change.from) != (other.to == change.to) &&
           one.second.pairs >= gain;
  });
}

bool NamesAgree(const NameChange& change, std::span<const std::string_view> brought) {
  const auto module = [](std::string_view name) {
    const std::size_t dot = name.rfind('.');
    return dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
  };
  return std::ranges::any_of(brought, [&](std::string_view name) {
    if (module(name) != module(brought[0])) return true;
    const std::size_t at = change.begins ? 0 : name.find(change.from);
    Parts after = Components(name.substr(std::min(at, name.size() - change.from.size()) + change.from.size()));
    after.pop_back();
    return !std::ranges::all_of(after, IsNumber);
  });
}

}  // namespace loadpath
