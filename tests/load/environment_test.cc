// Tests what may happen to a file between its opening and its use: it is cut, replaced, removed, and cut while mapped.
#include <ATen/ATen.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "harness/load/load_path.h"
#include "harness/load/mapping/mapping.h"
#include "loadpath/mapping_guard.h"
#include "tests/load/every_path.h"

namespace loadpath {
namespace {

constexpr std::uint64_t kPage = 4096;

// A file that is this test's own.
class Copy {
 public:
  explicit Copy(const std::string& of) {
    static int count = 0;
    path_ = testing::TempDir() + "environment." + std::to_string(::getpid()) + "." + std::to_string(count++);
    std::filesystem::copy_file(of, path_, std::filesystem::copy_options::overwrite_existing);
  }
  ~Copy() { std::filesystem::remove(path_); }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;
  const std::string& path() const { return path_; }
  void Cut(std::uint64_t size) const { std::filesystem::resize_file(path_, size); }

 private:
  std::string path_;
};

LoadResult Load(std::string_view path, torch::nn::Module& module, std::shared_ptr<const Checkpoint> checkpoint) {
  return FindLoadPath(path)->load({.file = checkpoint->path(), .checkpoint = checkpoint, .module = module});
}

// Expects that `path` loads `checkpoint`. LibTorch may refuse to read such a file at all.
void ExpectLoads(std::string_view path, const std::shared_ptr<const Checkpoint>& checkpoint) {
  Two module;
  try {
    Load(path, module, checkpoint);
    EXPECT_TRUE(module.IsLoaded());
  } catch (const Skipped&) {
    EXPECT_EQ(PathOf(path).input, LoadInput::kTorchScript);
  }
}

// A file of the name that it was given must not be touched.
TEST_P(EveryPath, LoadsACheckpointThatLiesInNoFile) {
  for (const char* name : {"plain.pth", "legacy.pth", "deflated.pth"}) {
    SCOPED_TRACE(name);
    std::ifstream file(File(name), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    const auto checkpoint = Checkpoint::FromMemory(std::as_bytes(std::span(bytes)), File("corrupt.pth"));
    Two module;
    try {
      const LoadResult result = Load(GetParam(), module, checkpoint);
      EXPECT_TRUE(module.IsLoaded());
      EXPECT_EQ(result.fallback, GetParam() == "mmap" ? "assign: 2 not in a file" : "");
      EXPECT_FALSE(IsLibTorchs(GetParam()));
    } catch (const Skipped& skipped) {
      EXPECT_EQ(std::string(skipped.what()),
                (GetParam() == "jit_load" ? "torch::jit::load" : "torch::pickle_load") +
                    std::string(" reads the file itself, and the checkpoint lies in none"));
    }
  }
}

TEST_P(EveryPath, OfAFileCutAfterItWasOpenedLoadsWhatIsRightOrNothing) {
  for (const char* name : {"plain.pth", "legacy.pth"}) {
    const std::uint64_t size = std::filesystem::file_size(File(name));
    int refused = 0;
    for (std::uint64_t cut = 0; cut < size; cut += 29) {
      SCOPED_TRACE(std::string(name) + " cut to " + std::to_string(cut));
      const Copy file(File(name));
      const auto checkpoint = Checkpoint::Open(file.path());
      Two module;
      file.Cut(cut);
      try {
        Load(GetParam(), module, checkpoint);
        EXPECT_TRUE(module.IsLoaded());
      } catch (const CheckpointError& error) {
        ++refused;
        EXPECT_TRUE(module.IsFresh());
        EXPECT_EQ(error.code(), ErrorCode::kIo);
        EXPECT_THAT(error.what(), testing::StartsWith(file.path() + ": "));
        EXPECT_THAT(error.what(), testing::Not(testing::HasSubstr("\n")));
      } catch (const Skipped&) {
        EXPECT_TRUE(IsLibTorchs(GetParam()));  // LibTorch reads the file by itself and refuses it
        EXPECT_TRUE(module.IsFresh());
        ++refused;
      }
    }
    EXPECT_GT(refused, 3);
  }
}

TEST_P(EveryPath, OfAFileReplacedAfterItWasOpenedLoadsTheOneThatWasOpened) {
  const Copy file(File("plain.pth")), other(File("tied.pth"));
  const auto checkpoint = Checkpoint::Open(file.path());
  std::filesystem::rename(other.path(), file.path());
  ExpectLoads(GetParam(), checkpoint);
}

TEST_P(EveryPath, OfAFileRemovedAfterItWasOpenedLoadsIt) {
  const Copy file(File("plain.pth"));
  const auto checkpoint = Checkpoint::Open(file.path());
  std::filesystem::remove(file.path());
  ExpectLoads(GetParam(), checkpoint);
}

// If LibTorch were given the file, it would read memory that is not the file's: AddressSanitizer would end the test.
TEST(PickleLoad, IsNotGivenAnArchiveThatLostItsDirectory) {
  const Copy file(File("wide.pth"));
  const auto checkpoint = Checkpoint::Open(file.path());
  ExpectLoads("pickle_load", checkpoint);
  file.Cut(std::filesystem::file_size(file.path()) - 100);
  Two module;
  EXPECT_THAT([&] { Load("pickle_load", module, checkpoint); },
              testing::ThrowsMessage<Skipped>("torch::pickle_load reads only zip archives"));
  EXPECT_TRUE(module.IsFresh());
}

std::shared_ptr<const Mapping> MapPages(const std::string& path, std::uint64_t pages) {
  std::ofstream(path, std::ios::binary) << std::string(pages * kPage, 'x');
  const int fd = ::open(path.c_str(), O_RDONLY);
  auto mapping = Mapping::Map(path, fd);
  ::close(fd);
  return mapping;
}

TEST(Mapping, ThatLostPagesIsAnErrorAndNoSignal) {
  const Copy file(File("plain.pth"));
  const auto mapping = MapPages(file.path(), 8);
  ASSERT_EQ(mapping->length(), 8 * kPage);
  const MappedRange whole{mapping, 100, 7 * kPage};
  Populate({&whole, 1}, 2);
  file.Cut(3 * kPage);
  const MappedRange there{mapping, 0, 3 * kPage};
  Populate({&there, 1}, 2);
  EXPECT_THAT(
      [&] {
        Populate({&whole, 1}, 2);
      },
      testing::ThrowsMessage<CheckpointError>(
          file.path() + ": cannot be read through its mapping: it was cut while it was open, or its disk fails"));
}

TEST(MappingGuard, NamesTheFileWhosePagesAreGone) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto run = [] {
    InstallMappingGuard("program");
    const Copy file(File("plain.pth"));
    Two module;
    Load("mmap", module, Checkpoint::Open(file.path()));
    file.Cut(0);
    std::fprintf(stderr, "%f\n", module.a.sum().item<double>());
  };
  EXPECT_EXIT(run(), testing::ExitedWithCode(2),
              "^program: [^\n]*environment[^\n]*: lost bytes that were in use: it was cut while it was mapped, or its "
              "disk fails\n$");
}

bool DiedOfItself(int status) { return !WIFEXITED(status) || WEXITSTATUS(status) != 2; }

TEST(MappingGuard, LeavesOtherBusErrorsAlone) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto touch = [] {
    InstallMappingGuard("program");
    const Copy file(File("plain.pth"));
    MapPages(file.path(), 2);  // writes two pages, and unmaps them again
    const int fd = ::open(file.path().c_str(), O_RDONLY);
    const auto* page = static_cast<volatile const char*>(mmap(nullptr, 2 * kPage, PROT_READ, MAP_PRIVATE, fd, 0));
    file.Cut(0);
    std::fprintf(stderr, "%d\n", page[kPage]);
  };
  EXPECT_EXIT(touch(), DiedOfItself, "");
  const auto sent = [] {
    InstallMappingGuard("program");
    ::kill(::getpid(), SIGBUS);
    ::_exit(2);
  };
  EXPECT_EXIT(sent(), DiedOfItself, "");
}

}  // namespace
}  // namespace loadpath
