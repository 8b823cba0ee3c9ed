// The unpickler, what it makes of names and calls, and the tree: the input is data.pkl in an archive that is right.
#include <array>
#include <string>
#include <string_view>

#include "tests/checkpoint/memory_file.h"
#include "tests/fuzz/read_everything.h"
#include "tests/fuzz/zip_bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const loadpath::MemoryFile file;
  static const std::string storage(64, '\x3f');
  const std::array<std::pair<std::string, std::string_view>, 5> records = {{
      {"a/data.pkl", {reinterpret_cast<const char*>(data), size}},
      {"a/version", "3\n"},
      {"a/data/0", storage},
      {"a/data/1", std::string_view(storage).substr(0, 4)},
      {"a/data/2", {}},
  }};
  file.Write(loadpath::fuzz::ZipOf(records));
  loadpath::fuzz::ReadEverything(file.path(), /*opaque=*/false);
  loadpath::fuzz::ReadEverything(file.path(), /*opaque=*/true);
  return 0;
}
