#ifndef LOADPATH_SUITE_H_
#define LOADPATH_SUITE_H_

#include <string>
#include <vector>

#include "loadpath/model.h"
#include "loadpath/python_twins.h"

// The CMake function loadpath_add_suite defines these.
#ifndef LOADPATH_SUITE_DATA
#define LOADPATH_SUITE_DATA ""
#endif
#ifndef LOADPATH_SUITE_MAKE_DATA
#define LOADPATH_SUITE_MAKE_DATA "python -m loadpath.reference makes it"
#endif
#ifndef LOADPATH_SUITE_PYTHON
#define LOADPATH_SUITE_PYTHON ""
#define LOADPATH_SUITE_MODULE_PATH ""
#define LOADPATH_SUITE_REFERENCES ""
#endif

namespace loadpath {

/// The whole program `bench` with these models: its command line and its exit status. `NAME ckpt …` is the program
/// `ckpt` with these models. Messages call the program by the file name of argv[0]. `data` is the folder of the
/// reference data unless --data names one (default: reference/ beside the program's folder). `make_data` is what a
/// message about missing reference data ends with. `twins` says how Python runs the models' twins.
int SuiteMain(int argc, char** argv, std::vector<Model> models, std::string data = LOADPATH_SUITE_DATA,
              std::string make_data = LOADPATH_SUITE_MAKE_DATA,
              PythonTwins twins = {LOADPATH_SUITE_PYTHON, LOADPATH_SUITE_MODULE_PATH, LOADPATH_SUITE_REFERENCES});

}  // namespace loadpath

#endif  // LOADPATH_SUITE_H_
