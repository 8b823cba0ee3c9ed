#ifndef LOADPATH_HARNESS_CHECKPOINT_BOUNDED_MATCH_H_
#define LOADPATH_HARNESS_CHECKPOINT_BOUNDED_MATCH_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <regex>
#include <string>

namespace loadpath {

/// std::regex_search and std::regex_replace with a limit on their steps, and within the thread's stack: libstdc++ tries
/// every way to match, and a repetition inside a repetition has 2^n of them for a name of n characters; and it matches
/// by recursion, a character a level, and a level for each group that the character is in.
class BoundedMatch {
 public:
  /// Thrown once all calls together have looked at more than `steps` characters.
  struct TooManySteps {};
  /// Thrown once a call leaves less than `reserve` bytes of the stack.
  struct TooDeep {};

  BoundedMatch(std::uint64_t steps, std::size_t reserve) : left_(steps), reserve_(reserve) {}
  /// Gives the calls from now on so many steps.
  void Reset(std::uint64_t steps) { left_ = steps; }

  bool Search(const std::string& text, const std::regex& expression);
  std::string Replace(const std::string& text, const std::regex& expression, const std::string& replacement);

 private:
  std::atomic<std::uint64_t> left_;
  std::size_t reserve_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_BOUNDED_MATCH_H_
