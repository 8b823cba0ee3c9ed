// What the world does to a file between its opening and its use: it is cut, replaced, and cut while it is mapped.
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

#include <ATen/ATen.h>

#include "harness/load/load_path.h"
#include "harness/load/mapping.h"
#include "harness/load/mapping_guard.h"

namespace loadpath {
namespace {

constexpr std::uint64_t kPage = 4096;

std::string File(const std::string& name) { return std::string(LOAD_FILES) + "/" + name; }

struct Two : torch::nn::Module {
  Two() {
    a = register_parameter("a", at::full({4, 5}, -1.0));
    b = register_parameter("b", at::full({6}, -2.0));
  }
  bool IsFresh() const { return at::equal(a, at::full({4, 5}, -1.0)) && at::equal(b, at::full({6}, -2.0)); }
  bool IsLoaded() const {
    return at::equal(a, at::arange(20, at::kFloat).view({4, 5}) / 7) && at::equal(b, at::arange(6, at::kFloat) - 2.5);
  }
  at::Tensor a, b;
};

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
  return FindLoadPath(path)->load({.file = checkpoint->path(),
                                   .checkpoint = checkpoint,
                                   .module = module});
}

class EveryPath : public testing::TestWithParam<std::string_view> {
 protected:
  static bool IsForeign() { return GetParam() == "pickle_load" || GetParam() == "jit_load"; }
  // What a right load of `checkpoint` does, or nothing where LibTorch cannot read such a file at all.
  static void ExpectLoads(const std::shared_ptr<const Checkpoint>& checkpoint) {
    Two module;
    try {
      Load(GetParam(), module, checkpoint);
      EXPECT_TRUE(module.IsLoaded());
    } catch (const Skipped&) {
      EXPECT_EQ(GetParam(), "jit_load");
    }
  }
};
std::vector<std::string_view> Names() {
  std::vector<std::string_view> names;
  for (const LoadPath& path : LoadPaths()) names.push_back(path.name);
  return names;
}
INSTANTIATE_TEST_SUITE_P(Paths, EveryPath, testing::ValuesIn(Names()), [](const auto& info) { return std::string(info.param); });

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
        EXPECT_TRUE(IsForeign());  // LibTorch reads the file by itself and says no
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
  ExpectLoads(checkpoint);
}

TEST_P(EveryPath, OfAFileRemovedAfterItWasOpenedLoadsIt) {
  const Copy file(File("plain.pth"));
  const auto checkpoint = Checkpoint::Open(file.path());
  std::filesystem::remove(file.path());
  ExpectLoads(checkpoint);
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
  EXPECT_THAT([&] { Populate({&whole, 1}, 2); },
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
              "^program: [^\n]*environment[^\n]*: lost bytes that were in use: it was cut while it was mapped, or its disk fails\n$");
}

bool DiedOfItself(int status) { return !WIFEXITED(status) || WEXITSTATUS(status) != 2; }

TEST(MappingGuard, LeavesOtherBusErrorsAlone) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto touch = [] {
    InstallMappingGuard("program");
    const Copy file(File("plain.pth"));
    MapPages(file.path(), 2);  // and gone again
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
