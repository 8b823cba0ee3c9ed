#include "tests/fuzz/zip_bytes.h"

#include <libdeflate.h>

#include <cstring>

namespace loadpath::fuzz {
namespace {

template <typename T>
void Put(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
}

template <typename T>
T Get(const std::uint8_t* p) {
  T value = 0;
  std::memcpy(&value, p, sizeof(T));
  return value;
}

}  // namespace

std::string ZipOf(std::span<const std::pair<std::string, std::string_view>> records) {
  std::string out, directory;
  for (const auto& record : records) {
    const std::string_view name = record.first, bytes = record.second;
    const std::uint32_t crc = libdeflate_crc32(0, bytes.data(), bytes.size()),
                        size = static_cast<std::uint32_t>(bytes.size());
    const auto offset = static_cast<std::uint32_t>(out.size());
    const auto fields = [&](std::string& to) {
      Put<std::uint16_t>(to, 20);
      Put<std::uint16_t>(to, 0);
      Put<std::uint16_t>(to, 0);
      Put<std::uint32_t>(to, 0);
      Put(to, crc);
      Put(to, size);
      Put(to, size);
      Put(to, static_cast<std::uint16_t>(name.size()));
      Put<std::uint16_t>(to, 0);
    };
    Put<std::uint32_t>(out, 0x04034b50);
    fields(out);
    out += name;
    out += bytes;
    Put<std::uint32_t>(directory, 0x02014b50);
    Put<std::uint16_t>(directory, 20);
    fields(directory);
    directory.append(10, '\0');
    Put(directory, offset);
    directory += name;
  }
  const auto begin = static_cast<std::uint32_t>(out.size());
  out += directory;
  Put<std::uint32_t>(out, 0x06054b50);
  Put<std::uint32_t>(out, 0);
  Put(out, static_cast<std::uint16_t>(records.size()));
  Put(out, static_cast<std::uint16_t>(records.size()));
  Put(out, static_cast<std::uint32_t>(directory.size()));
  Put(out, begin);
  Put<std::uint16_t>(out, 0);
  return out;
}

void RepairChecksums(std::span<std::uint8_t> archive) {
  const std::size_t size = archive.size();
  for (std::size_t at = 0; at + 46 <= size; ++at) {
    std::uint8_t* entry = archive.data() + at;
    if (Get<std::uint32_t>(entry) != 0x02014b50 || Get<std::uint16_t>(entry + 10) != 0) continue;
    const std::size_t length = Get<std::uint32_t>(entry + 20), header = Get<std::uint32_t>(entry + 42);
    if (header > size || size - header < 30) continue;
    std::uint8_t* local = archive.data() + header;
    const std::size_t payload = header + 30 + Get<std::uint16_t>(local + 26) + Get<std::uint16_t>(local + 28);
    if (payload > size || size - payload < length) continue;
    const std::uint32_t crc = libdeflate_crc32(0, archive.data() + payload, length);
    std::memcpy(entry + 16, &crc, sizeof crc);
    std::memcpy(local + 14, &crc, sizeof crc);
  }
}

}  // namespace loadpath::fuzz
