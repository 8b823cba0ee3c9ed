// Indexes of shards: the index and two shards (scratch.h, TakePart).
#include <string_view>

#include "tests/fuzz/read_everything.h"
#include "tests/fuzz/scratch.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const loadpath::fuzz::Scratch scratch;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  scratch.Write("model.safetensors.index.json", loadpath::fuzz::TakePart(input));
  scratch.Write("a", loadpath::fuzz::TakePart(input));
  scratch.Write("b", input);
  loadpath::fuzz::ReadEverything(scratch.folder(), /*opaque=*/false);
  return 0;
}
