#ifndef LOADPATH_HARNESS_STATE_OWN_WRITES_H_
#define LOADPATH_HARNESS_STATE_OWN_WRITES_H_

namespace loadpath {

/// While one lives, what this thread does to tensors runs no recorded fill: a load that writes them whole, or a fill
/// itself. Each copy counts, so that a function may return one.
class OwnWrites {
 public:
  OwnWrites() { ++count_; }
  OwnWrites(const OwnWrites&) { ++count_; }
  OwnWrites& operator=(const OwnWrites&) = default;
  ~OwnWrites() { --count_; }
  static bool active() { return count_ > 0; }

 private:
  static inline thread_local int count_ = 0;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_STATE_OWN_WRITES_H_
