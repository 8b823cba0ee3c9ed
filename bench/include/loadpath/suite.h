#ifndef LOADPATH_SUITE_H_
#define LOADPATH_SUITE_H_

#include <string>
#include <vector>

#include "loadpath/model.h"

// The CMake function loadpath_add_suite defines both.
#ifndef LOADPATH_SUITE_DATA
#define LOADPATH_SUITE_DATA ""
#endif
#ifndef LOADPATH_SUITE_MAKE_DATA
#define LOADPATH_SUITE_MAKE_DATA "python -m loadpath.reference makes it"
#endif

namespace loadpath {

/// The whole program `bench` with these models: its command line and its exit status. `NAME ckpt …` is the program
/// `ckpt` with these models. Messages call the program by the file name of argv[0]. `data` is the folder of the
/// reference data unless --data names one (default: reference/ beside the program's folder). `make_data` is what a
/// message about missing reference data ends with.
int SuiteMain(int argc, char** argv, std::vector<Model> models, std::string data = LOADPATH_SUITE_DATA,
              std::string make_data = LOADPATH_SUITE_MAKE_DATA);

}  // namespace loadpath

#endif  // LOADPATH_SUITE_H_
