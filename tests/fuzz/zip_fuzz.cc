// Zip archives: of torch.save, TorchScript, torch::save and torch.export.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/read_everything.h"
#include "tests/fuzz/zip_bytes.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

// Three of four mutants get right checksums: without them nearly all end at the first.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  const std::size_t length = LLVMFuzzerMutate(data, size, max_size);
  if (seed % 4 != 0) loadpath::fuzz::RepairChecksums({data, length});
  return length;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  loadpath::fuzz::ReadEverything({data, size}, /*opaque=*/false);
  loadpath::fuzz::ReadEverything({data, size}, /*opaque=*/true);
  return 0;
}
