#include <ATen/ATen.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "harness/measure/counters.h"
#include "harness/measure/fresh_process.h"
#include "harness/measure/machine.h"
#include "harness/measure/machine_limits.h"
#include "harness/measure/memory.h"
#include "harness/measure/page_cache.h"
#include "harness/measure/tensor_allocator.h"

namespace loadpath {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

class TemporaryFile {
 public:
  explicit TemporaryFile(std::uint64_t bytes, const std::string& part = "")
      : name_("measure_test." + std::to_string(getpid()) + part + ".tmp") {
    std::ofstream(name_, std::ios::binary) << std::string(bytes, 'x');
  }
  ~TemporaryFile() { std::filesystem::remove(name_); }
  const std::string& name() const { return name_; }

 private:
  std::string name_;
};

bool InMemory() { return FilesystemOf(".") == "tmpfs"; }

TEST(PageCache, OfSeveralFilesIsTheSum) {
  if (InMemory()) GTEST_SKIP() << "tmpfs cannot be evicted";
  const TemporaryFile small(2 * kMiB, "small"), large(6 * kMiB, "large");
  const std::vector<std::string> files = {small.name(), large.name()};
  EXPECT_EQ(Warm(files).pages, 8 * kMiB / 4096);
  EXPECT_TRUE(ReadResidency(large.name()).hot());
  EXPECT_TRUE(Evict(files).cold());
  EXPECT_TRUE(ReadResidency(small.name()).cold());
  EXPECT_TRUE(ReadResidency(large.name()).cold());
}

TEST(PageCache, EvictedIsColdAndWarmedIsHot) {
  if (InMemory()) GTEST_SKIP() << "tmpfs cannot be evicted";
  const TemporaryFile file(8 * kMiB);
  EXPECT_EQ(Warm(file.name()).pages, 8 * kMiB / 4096);
  EXPECT_TRUE(ReadResidency(file.name()).hot());
  const Residency evicted = Evict(file.name());
  EXPECT_TRUE(evicted.cold()) << evicted.resident << " pages stayed";
  EXPECT_EQ(ReadResidency(file.name()).resident, evicted.resident);
  EXPECT_TRUE(Warm(file.name()).hot());
}

TEST(PageCache, MappedPagesStayAndTheAnswerSaysSo) {
  if (InMemory()) GTEST_SKIP() << "tmpfs cannot be evicted";
  const TemporaryFile file(4 * kMiB);
  Warm(file.name());
  const int fd = open(file.name().c_str(), O_RDONLY);
  void* address = mmap(nullptr, 4 * kMiB, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
  ASSERT_NE(address, MAP_FAILED);
  EXPECT_FALSE(Evict(file.name()).cold());
  munmap(address, 4 * kMiB);
  close(fd);
  EXPECT_TRUE(Evict(file.name()).cold());
}

TEST(PageCache, AMissingFileIsNamed) {
  EXPECT_THAT([] { Evict("no/such/file"); },
              testing::ThrowsMessage<std::runtime_error>("no/such/file: cannot be opened: No such file or directory"));
}

TEST(PageCache, AnEmptyFileIsColdAndHasNoPages) {
  const TemporaryFile file(0);
  EXPECT_EQ(ReadResidency(file.name()).pages, 0u);
  EXPECT_EQ(ReadResidency(file.name()).part(), 0);
}

TEST(Allocations, AreCountedExactly) {
  const AllocationCounts start = ReadAllocationCounts();
  const at::Tensor small = at::empty({10, 3}), large = at::empty({3, 1 << 20});
  const AllocationCounts two = ReadAllocationCounts() - start;
  EXPECT_EQ(two.allocations, 2u);
  EXPECT_EQ(two.bytes, 4u * 30 + 4u * 3 * (1 << 20));
  const at::Tensor view = large.slice(0, 1, 2).transpose(0, 1), none = at::empty({0});
  EXPECT_EQ((ReadAllocationCounts() - start).allocations, 2u) << "views and empty tensors allocate nothing";
}

TEST(Allocations, ServeEveryUseOfMemory) {
  at::Tensor tensor = at::arange(1000, at::kLong);
  tensor.resize_({100000}).fill_(3);
  EXPECT_EQ(tensor.clone().sum().item<std::int64_t>(), 300000);
  const at::Tensor image = at::ones({1, 3, 32, 32});
  EXPECT_FLOAT_EQ(at::conv2d(image, at::ones({8, 3, 3, 3})).max().item<float>(), 27);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(at::empty({1 << 20}).data_ptr()) % (2 * kMiB), 0u);
}

TEST(Memory, PeakIsWhatWasUsedAndFreed) {
  // AddressSanitizer notes an eighth of all memory beside it.
#ifdef __SANITIZE_ADDRESS__
  constexpr std::uint64_t slack = (6 + 64 / 8) * kMiB;
#else
  constexpr std::uint64_t slack = 6 * kMiB;
#endif
  PeakMemory peak;
  {
    const at::Tensor temporary = at::ones({static_cast<std::int64_t>(64 * kMiB)}, at::kByte);
    EXPECT_EQ(temporary[5].item<std::uint8_t>(), 1);
  }
  peak.Stop();
  EXPECT_NEAR(static_cast<double>(peak.Extra(0)), 64.0 * kMiB, static_cast<double>(slack));
  EXPECT_LT(peak.Extra(64 * kMiB), slack);
  EXPECT_EQ(peak.Extra(1024 * kMiB), 0u);
}

TEST(Memory, MappedFilePagesAreNotCounted) {
  const TemporaryFile file(64 * kMiB);
  PeakMemory peak;
  const int fd = open(file.name().c_str(), O_RDONLY);
  void* address = mmap(nullptr, 64 * kMiB, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
  ASSERT_NE(address, MAP_FAILED);
  peak.Stop();
  munmap(address, 64 * kMiB);
  close(fd);
  EXPECT_LT(peak.Extra(0), 6 * kMiB);
}

TEST(Counters, FaultsOfFreshMemoryAreSeen) {
  const ProcessCounters start = ReadProcessCounters();
  constexpr std::uint64_t kPages = 1000;
  void* address = mmap(nullptr, kPages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  madvise(address, kPages * 4096, MADV_NOHUGEPAGE);
  for (std::uint64_t i = 0; i < kPages; ++i) static_cast<volatile char*>(address)[i * 4096] = 1;
  munmap(address, kPages * 4096);
  EXPECT_GE((ReadProcessCounters() - start).minor_faults, kPages);
}

TEST(Limits, EveryKindGivesAFiniteTimeAndLeavesNothingBehind) {
  const std::string folder = "measure_test." + std::to_string(getpid());
  std::filesystem::create_directory(folder);
  {
    Limits limits(folder, 16 * kMiB);
    for (const auto kind : Limits::Kinds()) {
      if (kind == "disk" && InMemory()) continue;
      for (const int threads : {1, 2, 3}) {
        const double seconds = limits.Run(kind, threads);
        EXPECT_TRUE(std::isfinite(seconds) && seconds > 0) << kind << " " << threads;
      }
    }
    EXPECT_THAT([&] { limits.Run("warp", 1); }, testing::ThrowsMessage<std::runtime_error>("no such limit: warp"));
    EXPECT_TRUE(std::filesystem::is_empty(folder));
  }
  std::filesystem::remove(folder);
}

TEST(FreshProcess, GivesOutputAndStatus) {
  const ProcessResult echo = RunProcess({"/bin/sh", "-c", "echo out; exit 3"});
  EXPECT_EQ(echo.output, "out\n");
  EXPECT_EQ(echo.status, 3);
  EXPECT_EQ(RunProcess({"/bin/sh", "-c", "kill -9 $$"}).status, 128 + 9);
  EXPECT_THAT(
      [] { RunProcess({"/no/such/program"}); },
      testing::ThrowsMessage<std::runtime_error>("/no/such/program: cannot be started: No such file or directory"));
}

TEST(Machine, SaysWhatNumbersDependOn) {
  std::vector<std::string> names;
  for (const auto& [name, value] : DescribeMachine(".")) {
    names.push_back(name);
    EXPECT_NE(value, "") << name;
  }
  EXPECT_THAT(names, testing::IsSupersetOf({"processors", "memory", "kernel", "virtual_machine", "filesystem"}));
}

}  // namespace
}  // namespace loadpath

int main(int argc, char** argv) {
  loadpath::InstallTensorAllocator();
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
