// The formats of one file: legacy, safetensors, whatever else the content is taken for.
#include <string_view>

#include "tests/checkpoint/memory_file.h"
#include "tests/fuzz/read_everything.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const loadpath::MemoryFile file;
  file.Write({reinterpret_cast<const char*>(data), size});
  loadpath::fuzz::ReadEverything(file.path(), /*opaque=*/false);
  return 0;
}
