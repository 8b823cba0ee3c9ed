#ifndef LOADPATH_HARNESS_DIFF_TOLERANCE_H_
#define LOADPATH_HARNESS_DIFF_TOLERANCE_H_

namespace loadpath {

/// How far a value may be from the expected one: |actual - expected| <= atol + rtol * |expected|, the rule of
/// torch.testing.assert_close.
struct Tolerance {
  double rtol = 0, atol = 0;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_DIFF_TOLERANCE_H_
