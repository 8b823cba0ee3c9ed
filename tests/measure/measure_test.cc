#include <ATen/ATen.h>
#include <c10/core/CPUAllocator.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "harness/measure/counters.h"
#include "harness/measure/machine.h"
#include "harness/measure/machine_limits.h"
#include "harness/measure/memory.h"
#include "harness/measure/page_cache.h"
#include "loadpath/tensor_allocator.h"

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

TEST(PageCache, EvictSaysThatMappedPagesStayed) {
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

TEST(PageCache, MakeHotWarmsOnlyWhatIsNotHotAndProvesIt) {
  if (InMemory()) GTEST_SKIP() << "tmpfs cannot be evicted";
  const TemporaryFile small(2 * kMiB, "small"), large(6 * kMiB, "large");
  const std::vector<std::string> files = {small.name(), large.name()};
  ASSERT_TRUE(Evict(files).cold());
  const Residency hot = MakeHot(files);
  EXPECT_EQ(hot.pages, 8 * kMiB / 4096);
  EXPECT_TRUE(hot.hot());
  EXPECT_TRUE(ReadResidency(files).hot());
}

TEST(PageCache, HotMeansNinetyNinePercent) {
  const Residency little{.pages = 100, .resident = 98}, enough{.pages = 100, .resident = 99};
  EXPECT_FALSE(little.hot());
  EXPECT_TRUE(enough.hot());
  EXPECT_TRUE((Residency{.pages = 0, .resident = 0}).hot()) << "an empty file has nothing to warm";
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

c10::Allocator* CpuAllocator() { return c10::GetAllocator(c10::DeviceType::CPU); }

TEST(Allocations, OfALoadAreCountedExactly) {
  const AllocationCounts start = ReadAllocationCounts();
  {
    const ScopedTensorAllocator loading;
    const at::Tensor small = at::empty({10, 3}), large = at::empty({3, 1 << 20});
    const AllocationCounts two = ReadAllocationCounts() - start;
    EXPECT_EQ(two.allocations, 2u);
    EXPECT_EQ(two.bytes, 4u * 30 + 4u * 3 * (1 << 20));
    const at::Tensor view = large.slice(0, 1, 2).transpose(0, 1), none = at::empty({0});
    EXPECT_EQ((ReadAllocationCounts() - start).allocations, 2u) << "views and empty tensors allocate nothing";
  }
  const at::Tensor after = at::empty({100});
  EXPECT_EQ((ReadAllocationCounts() - start).allocations, 2u) << "what is allocated afterwards is not counted";
}

TEST(Allocations, OutsideOfALoadAreLibTorchs) {
  EXPECT_EQ(CpuAllocator(), c10::GetDefaultCPUAllocator());
  {
    const ScopedTensorAllocator loading;
    EXPECT_NE(CpuAllocator(), c10::GetDefaultCPUAllocator());
    { const ScopedTensorAllocator again; }
    EXPECT_NE(CpuAllocator(), c10::GetDefaultCPUAllocator()) << "the outermost scope decides";
  }
  EXPECT_EQ(CpuAllocator(), c10::GetDefaultCPUAllocator());
}

// An allocator that a program may set.
class ProgramsAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t size) override { return c10::GetDefaultCPUAllocator()->allocate(size); }
  void copy_data(void* to, const void* from, std::size_t count) const override { default_copy_data(to, from, count); }
};

void SetCpuAllocator(c10::Allocator* allocator, std::uint8_t priority) {
  c10::SetAllocator(c10::DeviceType::CPU, allocator, priority);
}

TEST(Allocations, AfterALoadAProgramMaySetItsOwnAllocator) {
  { const ScopedTensorAllocator loading; }
  ProgramsAllocator own;
  SetCpuAllocator(&own, 0);
  EXPECT_EQ(CpuAllocator(), &own) << "the scope left its priority behind";
  SetCpuAllocator(c10::GetDefaultCPUAllocator(), 0);
}

// A priority stays for the rest of a process, so this runs in one of its own.
TEST(Allocations, OfALoadAreCountedWhateverThePrioritySetBefore) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto run = [] {
    static ProgramsAllocator own, other;
    SetCpuAllocator(&own, 200);
    const AllocationCounts start = ReadAllocationCounts();
    {
      const ScopedTensorAllocator loading;
      at::empty({10});
    }
    const bool counted = (ReadAllocationCounts() - start).allocations == 1, restored = CpuAllocator() == &own;
    SetCpuAllocator(&other, 199);
    const bool kept = CpuAllocator() == &own;
    SetCpuAllocator(&other, 200);
    const bool replaced = CpuAllocator() == &other;
    std::fprintf(stderr, "%d%d%d%d", counted, restored, kept, replaced);
    std::exit(0);
  };
  EXPECT_EXIT(run(), testing::ExitedWithCode(0), "1111");
}

TEST(Allocations, AnAllocatorThatIsSetDuringALoadStays) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto run = [] {
    static ProgramsAllocator own;
    {
      const ScopedTensorAllocator loading;
      SetCpuAllocator(&own, 150);
    }
    std::exit(CpuAllocator() == &own ? 0 : 1);
  };
  EXPECT_EXIT(run(), testing::ExitedWithCode(0), "");
}

TEST(Allocations, OfALoadServeEveryUseOfMemory) {
  const ScopedTensorAllocator loading;
  at::Tensor tensor = at::arange(1000, at::kLong);
  tensor.resize_({100000}).fill_(3);
  EXPECT_EQ(tensor.clone().sum().item<std::int64_t>(), 300000);
  const at::Tensor image = at::ones({1, 3, 32, 32});
  EXPECT_FLOAT_EQ(at::conv2d(image, at::ones({8, 3, 3, 3})).max().item<float>(), 27);
  for (const std::int64_t bytes : {2 * kMiB, 2 * kMiB + 1, 5 * kMiB - 7}) {
    const at::Tensor large = at::full({bytes}, 7, at::kByte);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(large.data_ptr()) % (2 * kMiB), 0u);
    EXPECT_EQ(large.sum().item<std::int64_t>(), 7 * bytes);
  }
}

TEST(Allocations, TensorsLiveOnGrowAndEndOnTheOtherSideOfTheScope) {
  at::Tensor before = at::full({1 << 20}, 1.0), inside, large;
  {
    const ScopedTensorAllocator loading;
    inside = at::full({100}, 2.0);
    large = at::full({1 << 20}, 3.0);
    before.resize_({1 << 21}).fill_(1.0);
    before = at::Tensor();
  }
  EXPECT_EQ(large.sum().item<double>(), 3.0 * (1 << 20));
  large.resize_({1 << 21}).fill_(4.0);
  inside.resize_({1 << 21}).fill_(5.0);
  EXPECT_EQ(large.sum().item<double>() + inside.sum().item<double>(), 9.0 * (1 << 21));
}

// The page faults of filling a new tensor of 8 MiB, over and over, after two that warm the heap up.
std::uint64_t FaultsOfLargeTensors() {
  std::uint64_t faults = 0;
  for (int i = 0; i < 12; ++i) {
    const ProcessCounters start = ReadProcessCounters();
    at::empty({static_cast<std::int64_t>(8 * kMiB)}, at::kByte).fill_(i);
    if (i >= 2) faults += (ReadProcessCounters() - start).minor_faults;
  }
  return faults;
}

// The C library hands memory out again; AddressSanitizer keeps freed memory back.
#ifndef __SANITIZE_ADDRESS__
TEST(Allocations, OutsideOfALoadReuseTheirMemory) {
  EXPECT_LT(FaultsOfLargeTensors(), 100u) << "10 tensors are 20480 pages of 4 KiB";
}

TEST(Allocations, ALoadLeavesTheProcessesMemoryRulesAlone) {
  {
    const ScopedTensorAllocator loading;
    EXPECT_GE(FaultsOfLargeTensors(), 10u) << "in a load each gets fresh memory";
  }
  EXPECT_LT(FaultsOfLargeTensors(), 100u);
}
#endif

TEST(Memory, PeakIsWhatWasUsedAndFreed) {
  // AddressSanitizer keeps an eighth of all memory beside it.
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

class LimitsTest : public testing::Test {
 protected:
  LimitsTest() : folder_("measure_test." + std::to_string(getpid())) { std::filesystem::create_directories(folder_); }
  ~LimitsTest() override { std::filesystem::remove_all(folder_); }

  // Paths to the limits' files, which have no names any more.
  std::vector<std::string> Scratch() const {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code none;
      const std::string target = std::filesystem::read_symlink(entry.path(), none);
      if (target.find(folder_ + "/.limits-") != std::string::npos) paths.push_back(entry.path());
    }
    return paths;
  }
  std::string folder_;
};

TEST_F(LimitsTest, EveryKindGivesAFiniteTimeAndLeavesNothingBehind) {
  Limits limits(folder_, 16 * kMiB);
  for (const auto kind : Limits::Kinds()) {
    if (kind == "disk" && InMemory()) continue;
    for (const int threads : {1, 2, 3}) {
      const auto [seconds, cpu_ns] = limits.Run(kind, threads);
      EXPECT_TRUE(std::isfinite(seconds) && seconds > 0) << kind << " " << threads;
      // The clock of the processor runs no faster than the wall's: nothing outside the timed part is counted.
      EXPECT_GT(cpu_ns, 0) << kind << " " << threads;
      EXPECT_LE(static_cast<double>(cpu_ns), (seconds * threads + 1e-3) * 1e9) << kind << " " << threads;
    }
  }
  EXPECT_THAT([&] { limits.Run("warp", 1); }, testing::ThrowsMessage<std::runtime_error>("no such limit: warp"));
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(LimitsTest, DiskLeavesTheFileOfPreadAndMmapInThePageCache) {
  if (InMemory()) GTEST_SKIP() << "tmpfs cannot be evicted";
  Limits limits(folder_, 16 * kMiB);
  limits.Run("pread", 1);
  const std::vector<std::string> hot = Scratch();
  ASSERT_FALSE(hot.empty());
  limits.Run("disk", 1);
  EXPECT_TRUE(limits.residency().cold());
  EXPECT_TRUE(ReadResidency(hot.front()).hot());
}

TEST_F(LimitsTest, EverySampleProvesThatItsFileIsHot) {
  if (InMemory()) GTEST_SKIP() << "tmpfs cannot be evicted";
  Limits limits(folder_, 16 * kMiB);
  for (const auto kind : {"pread", "mmap"}) {
    limits.Run(kind, 1);
    for (const std::string& file : Scratch()) ASSERT_TRUE(Evict(file).cold());
    limits.Run(kind, 1);
    EXPECT_TRUE(limits.residency().hot()) << kind;
    EXPECT_EQ(limits.residency().pages, 16 * kMiB / 4096);
  }
  limits.Run("memcpy", 1);
  EXPECT_EQ(limits.residency().pages, 0u);
}

TEST(Machine, IsDescribedByTheFactsThatNumbersDependOn) {
  std::vector<std::string> names;
  for (const auto& [name, value] : DescribeMachine(".")) {
    names.push_back(name);
    EXPECT_NE(value, "") << name;
  }
  EXPECT_THAT(names, testing::IsSupersetOf({"processors", "memory", "kernel", "virtual_machine", "filesystem"}));
}

}  // namespace
}  // namespace loadpath
