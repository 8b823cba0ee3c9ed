#include "harness/checkpoint/bounded_match.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace loadpath {
namespace {

// Characters of a name. Looking at one, comparing two and going on to another is a step.
class CountedPosition {
 public:
  using iterator_category = std::bidirectional_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountedPosition() = default;
  CountedPosition(const char* at, std::uint64_t* left) : at_(at), left_(left) {}

  const char& operator*() const {
    Step();
    return *at_;
  }
  CountedPosition& operator++() {
    Step();
    ++at_;
    return *this;
  }
  CountedPosition operator++(int) {
    const CountedPosition before = *this;
    ++*this;
    return before;
  }
  CountedPosition& operator--() {
    Step();
    --at_;
    return *this;
  }
  CountedPosition operator--(int) {
    const CountedPosition before = *this;
    --*this;
    return before;
  }
  // At the end of a name the library compares and looks at nothing: a way to match that ends there counts too.
  bool operator==(const CountedPosition& other) const {
    if (left_ != nullptr) Step();
    return at_ == other.at_;
  }

 private:
  void Step() const {
    if (*left_ == 0) throw BoundedMatch::TooManySteps();
    --*left_;
  }

  const char* at_ = nullptr;
  std::uint64_t* left_ = nullptr;
};

// Gives `work` what is left, and takes off what it has used. Calls of several threads may each use all that is left.
template <class Work>
auto Within(std::atomic<std::uint64_t>& all, const Work& work) {
  const std::uint64_t before = all.load(std::memory_order_relaxed);
  std::uint64_t left = before;
  auto result = work(&left);
  std::uint64_t now = all.load(std::memory_order_relaxed);
  while (!all.compare_exchange_weak(now, now - std::min(now, before - left), std::memory_order_relaxed)) {
  }
  return result;
}

}  // namespace

bool BoundedMatch::Search(const std::string& text, const std::regex& expression) {
  return Within(left_, [&](std::uint64_t* left) {
    return std::regex_search(CountedPosition(text.data(), left), CountedPosition(text.data() + text.size(), left),
                             expression);
  });
}

std::string BoundedMatch::Replace(const std::string& text, const std::regex& expression,
                                  const std::string& replacement) {
  return Within(left_, [&](std::uint64_t* left) {
    std::string replaced;
    std::regex_replace(std::back_inserter(replaced), CountedPosition(text.data(), left),
                       CountedPosition(text.data() + text.size(), left), expression, replacement);
    return replaced;
  });
}

}  // namespace loadpath
