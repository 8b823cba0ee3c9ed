// How far a read is, and that it can be cancelled.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/checkpoint/hand_made.h"
#include "tests/fuzz/zip_bytes.h"

namespace loadpath {
namespace {

using namespace std::string_literals;
using Told = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kBytes = 40 * kMiB;

// A legacy file with one storage of kBytes.
std::shared_ptr<const Checkpoint> OpenLarge() {
  static const std::string bytes = Legacy("\x80\x02(U\x07storagectorch\nByteStorage\nU\x01"s + "aU\x03"s + "cpuJ"s +
                                              Bytes(static_cast<std::uint32_t>(kBytes)) + "NtQ.",
                                          "](U\x01"s + "ae."s, Bytes(kBytes) + std::string(kBytes, 'x'));
  static const MemoryFile file(bytes);
  return Checkpoint::Open(file.path());
}

class ProgressOf : public ::testing::Test {
 protected:
  ReadReport Read(const Progress& progress, int threads = 1, std::uint64_t begin = 0, std::uint64_t bytes = kBytes) {
    memory_.resize(kBytes);
    const ReadJob job{0, begin, std::span(memory_).subspan(begin, bytes)};
    return checkpoint_->Read({&job, 1}, {.threads = threads, .progress = progress});
  }

  // Reads, and returns what() of the error.
  std::string Failure(const Progress& progress) {
    try {
      Read(progress);
    } catch (const CheckpointError& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCancelled);
      return error.what();
    }
    return "no error";
  }

  Progress Recorded() {
    return Progress([this](std::uint64_t done, std::uint64_t total) {
      told_.emplace_back(done, total);
      return true;
    });
  }

  const std::shared_ptr<const Checkpoint> checkpoint_ = OpenLarge();
  std::vector<std::byte> memory_;
  Told told_;
};

TEST_F(ProgressOf, AReadGoesFromNothingToAllInSteps) {
  Read(Recorded());
  ASSERT_GE(told_.size(), 4u);
  EXPECT_EQ(told_.front(), std::pair(std::uint64_t{0}, kBytes));
  EXPECT_EQ(told_.back(), std::pair(kBytes, kBytes));
  for (std::size_t i = 1; i < told_.size(); ++i) {
    EXPECT_GT(told_[i].first, told_[i - 1].first);
    EXPECT_LE(told_[i].first - told_[i - 1].first, 17 * kMiB);
    EXPECT_EQ(told_[i].second, kBytes);
  }
}

TEST_F(ProgressOf, SeveralReadsIsOne) {
  const Progress progress = Recorded();
  progress.Expect(kBytes);
  for (std::uint64_t begin = 0; begin < kBytes; begin += kBytes / 8) Read(progress, 1, begin, kBytes / 8);
  ASSERT_GE(told_.size(), 3u);
  for (std::size_t i = 0; i < told_.size(); ++i) {
    EXPECT_EQ(told_[i].second, kBytes);
    EXPECT_EQ(told_[i].first == kBytes, i + 1 == told_.size());
  }
  // What is read again without a word makes the total larger.
  Read(progress);
  EXPECT_EQ(told_.back(), std::pair(2 * kBytes, 2 * kBytes));
}

TEST_F(ProgressOf, AReadIsToldInTheThreadThatReads) {
  std::vector<std::thread::id> threads;
  for (int run = 0; run < 20; ++run) {
    Read(Progress([&](std::uint64_t, std::uint64_t) {
           threads.push_back(std::this_thread::get_id());
           return true;
         }),
         4);
  }
  EXPECT_GE(threads.size(), 40u);
  EXPECT_THAT(threads, ::testing::Each(std::this_thread::get_id()));
}

TEST_F(ProgressOf, AReadCancelsItAtAnyTime) {
  const auto cancel_at = [](std::uint64_t bytes) {
    return Progress([=](std::uint64_t done, std::uint64_t) { return done < bytes; });
  };
  const std::string file = checkpoint_->path() + ": was cancelled after ";
  EXPECT_EQ(Failure(cancel_at(0)), file + "0 of 41943040 bytes");
  EXPECT_EQ(Failure(cancel_at(kBytes)), file + "41943040 of 41943040 bytes");
  const std::string midway = Failure(cancel_at(kMiB));
  EXPECT_TRUE(midway.starts_with(file) && midway.ends_with(" of 41943040 bytes")) << midway;
  EXPECT_THAT(midway,
              ::testing::Not(::testing::AnyOf(file + "0 of 41943040 bytes", file + "41943040 of 41943040 bytes")));
}

TEST_F(ProgressOf, AReadThatMayNotStopGoesOn) {
  int calls = 0;
  const Progress stops([&](std::uint64_t, std::uint64_t) -> bool {
    if (++calls % 2 == 0) throw std::runtime_error("stop");
    return false;
  });
  Read(stops.WithoutCancelling());
  EXPECT_GE(calls, 4);
  EXPECT_EQ(memory_.back(), std::byte{'x'});
}

TEST_F(ProgressOf, AReadPassesItsExceptionsOn) {
  EXPECT_THROW(Read(Progress([](std::uint64_t, std::uint64_t) -> bool { throw std::logic_error("mine"); })),
               std::logic_error);
}

TEST_F(ProgressOf, NothingIsNeverTold) {
  Read(Recorded(), 1, 0, 0);
  checkpoint_->Read({}, {.progress = Recorded()});
  EXPECT_EQ(told_, Told());
  EXPECT_FALSE(Progress());
  EXPECT_FALSE(Progress(Progress::Report()));
  Read({});
}

// The end is told when the checksums were compared, which is after the last byte was read.
TEST_F(ProgressOf, DamagedBytesNeverReachesTheEnd) {
  const std::string pickle = "\x80\x02(U\x07storagectorch\nByteStorage\nU\x01"s + "0U\x03"s + "cpuJ"s +
                             Bytes(static_cast<std::uint32_t>(kMiB)) + "tQ.";
  const std::string data(kMiB, 'x');
  const std::pair<std::string, std::string_view> records[] = {
      {"a/data.pkl", pickle}, {"a/version", "3\n"}, {"a/data/0", data}};
  std::string bytes = fuzz::ZipOf(records);
  for (const bool damaged : {false, true}) {
    if (damaged) bytes[bytes.rfind(std::string(100, 'x'))] = 'y';
    const MemoryFile file(bytes);
    const auto checkpoint = Checkpoint::Open(file.path());
    memory_.resize(kMiB);
    const ReadJob job{0, 0, memory_};
    told_.clear();
    const std::string error = ErrorOf([&] { checkpoint->Read({&job, 1}, {.progress = Recorded()}); });
    EXPECT_EQ(error, damaged ? "has bytes that do not match their CRC-32: the file is damaged" : "no error");
    ASSERT_FALSE(told_.empty());
    EXPECT_EQ(told_.back().first == kMiB, !damaged);
  }
}

}  // namespace
}  // namespace loadpath
