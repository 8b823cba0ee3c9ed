// The formats of one file: legacy, safetensors, whatever else the content is taken for.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/read_everything.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  loadpath::fuzz::ReadEverything({data, size}, /*opaque=*/false);
  return 0;
}
