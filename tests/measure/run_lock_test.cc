#include "harness/measure/run_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

namespace loadpath {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class RunLockTest : public testing::Test {
 protected:
  RunLockTest() { std::filesystem::create_directory(folder_); }
  ~RunLockTest() override { std::filesystem::remove_all(folder_); }
  const std::string folder_ = "run_lock_test." + std::to_string(getpid());
};

// A process that has the folders' locks until it is ended.
class OtherRun {
 public:
  explicit OtherRun(const std::vector<std::string>& folders) {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("no pipe");
    id_ = fork();
    if (id_ == 0) {
      const RunLock lock(folders);
      if (write(ends[1], lock.not_alone() ? "y" : "n", 1) == 1) pause();
      _exit(0);
    }
    char not_alone = 0;
    if (read(ends[0], &not_alone, 1) != 1) throw std::runtime_error("no answer");
    not_alone_ = not_alone == 'y';
    close(ends[0]);
    close(ends[1]);
  }
  ~OtherRun() {
    kill(id_, SIGKILL);
    waitpid(id_, nullptr, 0);
  }
  OtherRun(const OtherRun&) = delete;
  OtherRun& operator=(const OtherRun&) = delete;
  int id() const { return id_; }
  bool not_alone() const { return not_alone_; }

 private:
  pid_t id_ = 0;
  bool not_alone_ = false;
};

TEST_F(RunLockTest, IsAloneIfNobodyElseMeasures) {
  const RunLock lock({folder_});
  EXPECT_FALSE(lock.not_alone());
  EXPECT_THAT(lock.Others(), IsEmpty());
  EXPECT_TRUE(std::filesystem::is_empty(folder_)) << "it leaves no file";
}

TEST_F(RunLockTest, TellsBothOfEachOther) {
  const RunLock first({folder_});
  {
    const OtherRun second({folder_});
    EXPECT_TRUE(second.not_alone());
    EXPECT_THAT(first.Others(), ElementsAre(second.id()));
    const OtherRun third({folder_});
    EXPECT_THAT(first.Others(), testing::UnorderedElementsAre(second.id(), third.id()));
  }
  EXPECT_THAT(first.Others(), IsEmpty());
}

TEST_F(RunLockTest, KnowsWhoWasThereBefore) {
  const OtherRun other({folder_});
  EXPECT_FALSE(other.not_alone());
  const RunLock lock({folder_});
  EXPECT_TRUE(lock.not_alone());
  EXPECT_THAT(lock.Others(), ElementsAre(other.id()));
}

TEST_F(RunLockTest, OneSharedFolderIsEnough) {
  std::filesystem::create_directories(folder_ + "/a");
  std::filesystem::create_directories(folder_ + "/b");
  const OtherRun other({folder_ + "/a", folder_});
  const RunLock lock({folder_ + "/b", folder_});
  EXPECT_TRUE(lock.not_alone());
  EXPECT_THAT(lock.Others(), ElementsAre(other.id()));
}

TEST_F(RunLockTest, AFolderThatIsThereTwiceOrNotAtAllIsNoOtherRun) {
  std::filesystem::create_directory_symlink(std::filesystem::absolute(folder_), folder_ + "/link");
  const RunLock lock({folder_, folder_ + "/link", folder_ + "/nosuch"});
  EXPECT_FALSE(lock.not_alone());
  EXPECT_THAT(lock.Others(), IsEmpty());
}

TEST_F(RunLockTest, NeedsNoRightToWrite) {
  std::filesystem::permissions(folder_, std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  const OtherRun other({folder_});
  EXPECT_THAT(RunLock({folder_}).Others(), ElementsAre(other.id()));
}

TEST(SharersOfLocks, AreThoseWithALockOnTheSameThing) {
  constexpr const char* kLocks =
      "1: POSIX  ADVISORY  WRITE 40 fe:00:1 0 EOF\n"
      "2: FLOCK  ADVISORY  READ 20 fe:00:1 0 EOF\n"
      "3: FLOCK  ADVISORY  READ 30 fe:00:1 0 EOF\n"
      "3: -> FLOCK  ADVISORY  WRITE 50 fe:00:1 0 EOF\n"
      "4: FLOCK  ADVISORY  READ 10 fe:00:2 0 EOF\n"
      "5: FLOCK  ADVISORY  WRITE 60 fe:01:1 0 EOF\n"
      "6: FLOCK  ADVISORY  READ 20 fe:00:2 0 EOF\n"
      "nonsense\n";
  EXPECT_THAT(SharersOfLocks(kLocks, 20), ElementsAre(10, 30));
  EXPECT_THAT(SharersOfLocks(kLocks, 10), ElementsAre(20));
  EXPECT_THAT(SharersOfLocks(kLocks, 60), IsEmpty());
  EXPECT_THAT(SharersOfLocks(kLocks, 99), IsEmpty());
  EXPECT_THAT(SharersOfLocks("", 1), IsEmpty());
}

}  // namespace
}  // namespace loadpath
