#ifndef LOADPATH_HARNESS_SUITE_SAMPLING_INTERRUPT_H_
#define LOADPATH_HARNESS_SUITE_SAMPLING_INTERRUPT_H_

namespace loadpath {

/// From now on the first SIGINT or SIGTERM is only noted: the check or the sample that runs is finished and what was
/// measured is reported. The second one, of either kind, ends the process as usual.
void NoteInterrupts();

/// Returns whether such a signal has come.
bool Interrupted();

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_SAMPLING_INTERRUPT_H_
