#ifndef LOADPATH_HARNESS_SUITE_SAMPLING_SCHEDULE_H_
#define LOADPATH_HARNESS_SUITE_SAMPLING_SCHEDULE_H_

#include <cstdint>
#include <random>
#include <vector>

namespace loadpath {

/// A case's turn in a round.
struct Turn {
  std::size_t run = 0;  ///< which of the cases
  bool check = false;   ///< the answer of its first sample in this turn is compared, outside the clock
};

/// The order in which cases are sampled: every case has one turn a round, and each round has an order of its own. One
/// case a round is checked, and every case in one of its first rounds. All of it follows from the seed and the number
/// of cases, on every machine.
class Schedule {
 public:
  Schedule(std::size_t cases, std::uint32_t seed);
  /// Returns the turns of the next round.
  std::vector<Turn> NextRound();

 private:
  std::uint64_t Below(std::uint64_t end);  ///< a random number in [0, end)

  std::mt19937_64 random_;
  std::vector<std::uint64_t> first_check_;  ///< of each case, the round in which it is checked in any event
  std::uint64_t round_ = 0;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_SAMPLING_SCHEDULE_H_
