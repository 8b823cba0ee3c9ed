#include "harness/diff/layer_numbers.h"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace loadpath {

std::map<std::string_view, Numbered> NumbersOf(std::span<const KeyInfo> infos, std::span<const std::string> names) {
  std::map<std::string_view, Numbered> numbers;  // by what stands before the number
  for (std::size_t i = 0; i < infos.size(); ++i) {
    const std::string_view name = names[i];
    for (std::size_t begin = 0; begin < name.size();) {
      const std::size_t end = std::min(name.find('.', begin), name.size());
      std::uint32_t number = 0;
      const auto [last, error] = std::from_chars(name.data() + begin, name.data() + end, number);
      if (error == std::errc() && last == name.data() + end && end > begin && end < name.size())
        numbers[name.substr(0, begin)][number].emplace_back(name.substr(end), infos[i].shape);
      begin = end + 1;
    }
  }
  return numbers;
}

std::vector<std::pair<std::uint32_t, std::uint32_t>> Aligned(const Numbered& a, const Numbered& b) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
  auto next = b.begin();
  for (const auto& layer : a) {
    const auto found = std::find_if(next, b.end(), [&](const auto& one) { return one.second == layer.second; });
    if (found == b.end()) continue;
    pairs.emplace_back(layer.first, found->first);
    next = std::next(found);
  }
  return pairs;
}

bool MayAlign(const Numbered& a, const Numbered& b, std::span<const std::pair<std::uint32_t, std::uint32_t>> pairs) {
  if (pairs.size() < std::min(a.size(), b.size())) return false;
  if (a.size() == b.size()) return true;
  const auto matches = [&](std::uint32_t number) {
    const auto in_a = a.find(number), in_b = b.find(number);
    return in_a != a.end() && in_b != b.end() && in_a->second == in_b->second;
  };
  return std::ranges::none_of(pairs, [&](const auto& pair) {
    return pair.first != pair.second && (matches(pair.first) || matches(pair.second));
  });
}

bool ByOrder(const Numbered& a, const Numbered& b, std::span<const std::pair<std::uint32_t, std::uint32_t>> pairs) {
  std::map<Signature, std::size_t> in_a, in_b;
  for (const auto& layer : a) ++in_a[layer.second];
  for (const auto& layer : b) ++in_b[layer.second];
  return std::ranges::any_of(pairs, [&](const auto& pair) {
    const Signature& signature = a.at(pair.first);
    return pair.first != pair.second && (in_a[signature] > 1 || in_b[signature] > 1);
  });
}

// One rule changes what the rules before it made: numbers that grow come from the largest down, others from the
// smallest up.
std::vector<NameChange> NumberChanges(const std::string& before,
                                      std::span<const std::pair<std::uint32_t, std::uint32_t>> pairs) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> up, down;
  for (const auto& pair : pairs) {
    if (pair.second > pair.first) up.push_back(pair);
    if (pair.second < pair.first) down.push_back(pair);
  }
  std::ranges::reverse(up);
  std::vector<NameChange> changes;
  for (const auto& list : {up, down}) {
    for (const auto& [from, to] : list)
      changes.push_back(ModuleRename(before + std::to_string(from), before + std::to_string(to)));
  }
  return changes;
}

}  // namespace loadpath
