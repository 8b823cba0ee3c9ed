#include "harness/checkpoint/read/inflate.h"

#include <libdeflate.h>
#include <zlib.h>

#include <memory>
#include <new>

namespace loadpath {

bool Inflate(std::span<const std::byte> compressed, std::span<std::byte> dst) {
  const std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)> decompressor(
      libdeflate_alloc_decompressor(), &libdeflate_free_decompressor);
  if (decompressor == nullptr) throw std::bad_alloc();
  std::size_t used = 0, written = 0;
  // libdeflate compares pointers: it gets an address even if there is nothing to write.
  std::byte nothing{};
  std::byte* out = dst.empty() ? &nothing : dst.data();
  const libdeflate_result result = libdeflate_deflate_decompress_ex(
      decompressor.get(), compressed.data(), compressed.size(), out, dst.size(), &used, &written);
  return result == LIBDEFLATE_SUCCESS && used == compressed.size() && written == dst.size();
}

std::uint32_t Crc32(std::uint32_t crc, std::span<const std::byte> bytes) {
  if (bytes.empty()) return crc;  // libdeflate takes a null pointer as "give me the initial value"
  return libdeflate_crc32(crc, bytes.data(), bytes.size());
}

std::uint32_t CombineCrc32(std::uint32_t first, std::uint32_t second, std::uint64_t second_bytes) {
  return static_cast<std::uint32_t>(crc32_combine(first, second, static_cast<z_off_t>(second_bytes)));
}

}  // namespace loadpath
