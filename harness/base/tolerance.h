#ifndef LOADPATH_HARNESS_BASE_TOLERANCE_H_
#define LOADPATH_HARNESS_BASE_TOLERANCE_H_

namespace loadpath {

struct Tolerance {
  double rtol = 0, atol = 0;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_BASE_TOLERANCE_H_
