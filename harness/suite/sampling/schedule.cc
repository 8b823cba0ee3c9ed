#include "harness/suite/sampling/schedule.h"

#include <utility>

namespace loadpath {
namespace {

// A run has at least so many rounds, unless fewer are asked for or it is interrupted.
constexpr std::uint64_t kFirstRounds = 3;

}  // namespace

Schedule::Schedule(std::size_t cases, std::uint32_t seed) : random_(seed), first_check_(cases) {
  for (std::uint64_t& round : first_check_) round = Below(kFirstRounds);
}

// std::shuffle and std::uniform_int_distribution give other numbers with another standard library; the generator's own
// are the same everywhere. A few of them are dropped, so that each result is as likely.
std::uint64_t Schedule::Below(std::uint64_t end) {
  const std::uint64_t whole = random_.max() - random_.max() % end;
  std::uint64_t number = random_();
  while (number >= whole) number = random_();
  return number % end;
}

std::vector<Turn> Schedule::NextRound() {
  std::vector<Turn> turns(first_check_.size());
  if (turns.empty()) return turns;
  for (std::size_t i = 0; i < turns.size(); ++i) turns[i] = {.run = i, .check = first_check_[i] == round_};
  for (std::size_t i = turns.size(); i > 1; --i) std::swap(turns[i - 1], turns[Below(i)]);
  turns[Below(turns.size())].check = true;
  ++round_;
  return turns;
}

}  // namespace loadpath
