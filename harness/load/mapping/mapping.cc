#include "harness/load/mapping/mapping.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "harness/base/error.h"
#include "harness/base/parallel.h"
#include "harness/checkpoint/read/read_progress.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22  // asm-generic/mman-common.h; glibc has it since 2.35
#endif

namespace loadpath {
namespace {

void PopulatePart(const MappedRange& part) {
  static const auto kPage = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(part.mapping->data() + part.begin), end = begin + part.length;
  const std::uintptr_t first = begin / kPage * kPage;
  while (madvise(reinterpret_cast<void*>(first), end - first, MADV_POPULATE_READ) != 0) {
    if (errno == EINTR || errno == EAGAIN) continue;
    if (errno == EINVAL) {
      for (std::uintptr_t page = first; page < end; page += kPage)
        static_cast<void>(*reinterpret_cast<const volatile char*>(page));
      return;
    }
    throw CheckpointError(ErrorCode::kIo, part.mapping->path(),
                          errno == EFAULT
                              ? "cannot be read through its mapping: it was cut while it was open, or its disk fails"
                              : std::string("cannot be read through its mapping: ") + std::strerror(errno));
  }
}

}  // namespace

std::shared_ptr<const Mapping> Mapping::Map(const std::string& path, int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return nullptr;
  const auto length = static_cast<std::size_t>(status.st_size);
  void* address = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
  if (address == MAP_FAILED) return nullptr;
  return std::shared_ptr<const Mapping>(new Mapping(path, static_cast<std::byte*>(address), length));
}

Mapping::~Mapping() { munmap(data_, length_); }

c10::Storage StorageOver(std::shared_ptr<const Mapping> mapping, std::uint64_t offset, std::uint64_t nbytes) {
  std::byte* data = mapping->data() + offset;
  auto* keeper = new std::shared_ptr<const Mapping>(std::move(mapping));
  c10::DataPtr bytes(
      data, keeper, [](void* context) { delete static_cast<std::shared_ptr<const Mapping>*>(context); },
      c10::Device(c10::kCPU));
  return c10::Storage(c10::Storage::use_byte_size_t(), nbytes, std::move(bytes), /*allocator=*/nullptr,
                      /*resizable=*/false);
}

void Populate(std::span<const MappedRange> ranges, int threads, const Progress& progress) {
  constexpr std::uint64_t kPart = std::uint64_t{4} << 20;
  // Bytes between two ranges are not worth a call of their own: a disk gives them with the others.
  constexpr std::uint64_t kGap = std::uint64_t{64} << 10;
  std::vector<MappedRange> sorted(ranges.begin(), ranges.end());
  std::ranges::sort(sorted, {}, [](const MappedRange& range) { return std::pair(range.mapping.get(), range.begin); });
  std::vector<MappedRange> whole;
  for (MappedRange& range : sorted) {
    if (!whole.empty()) {
      MappedRange& last = whole.back();
      const std::uint64_t end = last.begin + last.length;
      if (last.mapping == range.mapping && (range.begin <= end || range.begin - end <= kGap)) {
        last.length = std::max(end, range.begin + range.length) - last.begin;
        continue;
      }
    }
    whole.push_back(std::move(range));
  }
  std::vector<MappedRange> parts;
  for (const MappedRange& range : whole) {
    for (std::uint64_t at = 0; at < range.length; at += kPart) {
      parts.push_back({range.mapping, range.begin + at, std::min(kPart, range.length - at)});
    }
  }
  if (parts.empty()) return;
  std::uint64_t bytes = 0;
  for (const MappedRange& part : parts) bytes += part.length;
  const ReadProgress counted(progress, parts.front().mapping->path(), bytes);
  ParallelForWithWorker(parts.size(), threads > 0 ? threads : Cores(), [&](std::size_t i, std::size_t worker) {
    PopulatePart(parts[i]);
    counted.Add(parts[i].length);
    if (worker == 0) counted.Tell();
  });
  counted.Finish();
}

}  // namespace loadpath
