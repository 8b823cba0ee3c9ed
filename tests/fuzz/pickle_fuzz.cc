// The unpickler, what it makes of names and calls, and the tree: the input is data.pkl in an archive that is right.
#include <array>
#include <span>
#include <string>
#include <string_view>

#include "tests/fuzz/read_everything.h"
#include "tests/fuzz/zip_bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string storage(64, '\x3f');
  const std::array<std::pair<std::string, std::string_view>, 5> records = {{
      {"a/data.pkl", {reinterpret_cast<const char*>(data), size}},
      {"a/version", "3\n"},
      {"a/data/0", storage},
      {"a/data/1", std::string_view(storage).substr(0, 4)},
      {"a/data/2", {}},
  }};
  const std::string archive = loadpath::fuzz::ZipOf(records);
  const std::span file(reinterpret_cast<const std::uint8_t*>(archive.data()), archive.size());
  loadpath::fuzz::ReadEverything(file, /*opaque=*/false);
  loadpath::fuzz::ReadEverything(file, /*opaque=*/true);
  return 0;
}
