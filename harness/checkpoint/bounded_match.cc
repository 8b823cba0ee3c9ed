#include "harness/checkpoint/bounded_match.h"

#include <pthread.h>

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace loadpath {
namespace {

// What one call may use.
struct Bounds {
  std::uint64_t left;
  std::uintptr_t lowest;  // address that its stack, which grows down, may reach
};

// Returns where the stack of this thread ends. Asking takes the system longer than a match.
std::uintptr_t StackEnd() {
  thread_local const std::uintptr_t end = [] {
    pthread_attr_t attributes;
    void* address = nullptr;
    std::size_t size = 0;
    if (::pthread_getattr_np(::pthread_self(), &attributes) != 0) return std::uintptr_t{0};
    ::pthread_attr_getstack(&attributes, &address, &size);
    ::pthread_attr_destroy(&attributes);
    return reinterpret_cast<std::uintptr_t>(address);
  }();
  return end;
}

// Characters of a name. Looking at one, comparing two and going on to another is a step.
class CountedPosition {
 public:
  using iterator_category = std::bidirectional_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountedPosition() = default;
  CountedPosition(const char* at, Bounds* bounds) : at_(at), bounds_(bounds) {}

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
    if (bounds_ != nullptr) Step();
    return at_ == other.at_;
  }

 private:
  void Step() const {
    if (bounds_->left == 0) throw BoundedMatch::TooManySteps();
    --bounds_->left;
    if (reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) < bounds_->lowest) throw BoundedMatch::TooDeep();
  }

  const char* at_ = nullptr;
  Bounds* bounds_ = nullptr;
};

// Gives `work` what is left, and takes off what it has used. Calls of several threads may each use all that is left.
template <class Work>
auto Within(std::atomic<std::uint64_t>& all, std::size_t reserve, const Work& work) {
  const std::uint64_t before = all.load(std::memory_order_relaxed);
  Bounds bounds = {before, StackEnd() + reserve};
  auto result = work(&bounds);
  std::uint64_t now = all.load(std::memory_order_relaxed);
  while (!all.compare_exchange_weak(now, now - std::min(now, before - bounds.left), std::memory_order_relaxed)) {
  }
  return result;
}

}  // namespace

bool BoundedMatch::Search(const std::string& text, const std::regex& expression) {
  return Within(left_, reserve_, [&](Bounds* bounds) {
    return std::regex_search(CountedPosition(text.data(), bounds), CountedPosition(text.data() + text.size(), bounds),
                             expression);
  });
}

std::string BoundedMatch::Replace(const std::string& text, const std::regex& expression,
                                  const std::string& replacement) {
  return Within(left_, reserve_, [&](Bounds* bounds) {
    std::string replaced;
    std::regex_replace(std::back_inserter(replaced), CountedPosition(text.data(), bounds),
                       CountedPosition(text.data() + text.size(), bounds), expression, replacement);
    return replaced;
  });
}

}  // namespace loadpath
