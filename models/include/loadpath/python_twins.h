#ifndef LOADPATH_PYTHON_TWINS_H_
#define LOADPATH_PYTHON_TWINS_H_

#include <string>

namespace loadpath {

/// How the models' Python twins are run.
struct PythonTwins {
  std::string python;       ///< an interpreter with torch, numpy and safetensors
  std::string module_path;  ///< the folder of the Python module loadpath
  std::string references;   ///< the file that holds REFERENCES; empty: the bundled models
};

}  // namespace loadpath

#endif  // LOADPATH_PYTHON_TWINS_H_
