#ifndef LOADPATH_MAPPING_GUARD_H_
#define LOADPATH_MAPPING_GUARD_H_

namespace loadpath {

/// Handles SIGBUS: if a page of a mapped checkpoint is gone (its file was cut after it was mapped, or its disk fails),
/// the process ends with exit code 2 and one line on standard error, "PROGRAM: FILE: SENTENCE". Other SIGBUS signals
/// are passed to the previous handler. `program` must live as long as the process. Only main() calls this: a library
/// does not change the signals of the program that uses it.
void InstallMappingGuard(const char* program);

}  // namespace loadpath

#endif  // LOADPATH_MAPPING_GUARD_H_
