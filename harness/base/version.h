#ifndef LOADPATH_HARNESS_BASE_VERSION_H_
#define LOADPATH_HARNESS_BASE_VERSION_H_

#include <string>
#include <string_view>

namespace loadpath {

/// What this program was built from and with. No member is ever empty.
struct Version {
  std::string_view version;     ///< "0.1.0"
  std::string_view commit;      ///< 40 hexadecimal digits, with "-dirty" if files were changed; "unknown" without git
  std::string_view libtorch;    ///< "2.15.0"; "none" for a build without LibTorch
  std::string_view compiler;    ///< "GNU 12.2.0"
  std::string_view build_type;  ///< "Release"
};
const Version& ProgramVersion();

/// Returns what `PROGRAM --version` prints: one fact a line, each line ends with a newline.
std::string VersionText(std::string_view program);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_BASE_VERSION_H_
