#include "harness/load/mapping.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace loadpath {

std::shared_ptr<const Mapping> Mapping::Map(int fd, std::uint64_t length) {
  void* address = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
  if (address == MAP_FAILED) return nullptr;
  return std::shared_ptr<const Mapping>(new Mapping(static_cast<std::byte*>(address), length));
}

Mapping::~Mapping() { munmap(data_, length_); }

c10::Storage StorageOver(std::shared_ptr<const Mapping> mapping, std::uint64_t offset, std::uint64_t nbytes) {
  std::byte* data = mapping->data() + offset;
  auto* keeper = new std::shared_ptr<const Mapping>(std::move(mapping));
  c10::DataPtr bytes(data, keeper, [](void* context) { delete static_cast<std::shared_ptr<const Mapping>*>(context); },
                     c10::Device(c10::kCPU));
  return c10::Storage(c10::Storage::use_byte_size_t(), nbytes, std::move(bytes), /*allocator=*/nullptr, /*resizable=*/false);
}

void Touch(std::span<const std::span<const std::byte>> ranges, int threads) {
  constexpr std::size_t kPage = 4096, kPart = std::size_t{4} << 20;
  std::vector<std::span<const std::byte>> parts;
  for (const auto range : ranges) {
    for (std::size_t at = 0; at < range.size(); at += kPart) parts.push_back(range.subspan(at, std::min(kPart, range.size() - at)));
  }
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < parts.size(); i = next++) {
      const volatile std::byte* data = parts[i].data();
      for (std::size_t at = 0; at < parts[i].size(); at += kPage) static_cast<void>(data[at]);
      static_cast<void>(data[parts[i].size() - 1]);
    }
  };
  if (threads == 0) threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  std::vector<std::jthread> pool;
  for (int i = 1; i < std::min<int>(threads, static_cast<int>(parts.size())); ++i) pool.emplace_back(work);
  work();
}

}  // namespace loadpath
