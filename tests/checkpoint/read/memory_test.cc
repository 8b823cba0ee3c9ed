// Checkpoints that are no files: what they cost, and functions that misbehave.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>

#include "tests/checkpoint/hand_made.h"
#include "tests/fuzz/zip_bytes.h"

namespace loadpath {
namespace {

using namespace std::string_literals;
using ::testing::IsEmpty;

constexpr std::uint32_t kBytes = 8 << 20;

// One storage of kBytes.
const std::string& Large() {
  static const std::string bytes =
      Legacy("\x80\x02(U\x07storagectorch\nByteStorage\nU\x01"s + "aU\x03"s + "cpuJ"s + Bytes(kBytes) + "NtQ.",
             "](U\x01"s + "ae."s, Bytes<std::uint64_t>(kBytes) + std::string(kBytes, 'x'));
  return bytes;
}

std::span<const std::byte> BytesOf(const std::string& text) { return std::as_bytes(std::span(text)); }

std::vector<std::byte> ReadAll(const Checkpoint& checkpoint, int threads = 1) {
  std::vector<std::byte> bytes(kBytes);
  const ReadJob job{0, 0, bytes};
  checkpoint.Read({&job, 1}, {.threads = threads});
  return bytes;
}

ByteReader ReaderOf(const std::string& text) {
  return {.size = text.size(), .read = [&text](std::uint64_t offset, std::span<std::byte> dst) {
            std::memcpy(dst.data(), text.data() + offset, dst.size());
            return dst.size();
          }};
}

std::size_t OpenFiles() {
  const std::filesystem::directory_iterator files("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

TEST(Memory, LiesInNoFile) {
  const std::size_t before = OpenFiles();
  const auto checkpoint = Checkpoint::FromMemory(BytesOf(Large()), "/etc/passwd");
  EXPECT_EQ(OpenFiles(), before);
  EXPECT_FALSE(checkpoint->InFiles());
  EXPECT_EQ(checkpoint->fd(0), -1);
  EXPECT_EQ(checkpoint->path(), "/etc/passwd");
  EXPECT_EQ(checkpoint->file_path(0), "/etc/passwd");
  EXPECT_FALSE(checkpoint->Locate(0));
  EXPECT_THAT(FilesOf(*checkpoint), IsEmpty());
  EXPECT_EQ(Checkpoint::FromMemory(BytesOf(Large()))->path(), "checkpoint in memory");
  EXPECT_TRUE(Checkpoint::Open(MemoryFile(Large()).path())->InFiles());
}

TEST(Memory, OpeningReadsNoTensors) {
  EXPECT_LT(Checkpoint::FromMemory(BytesOf(Large()))->open_report().bytes_read, 200'000u);
  EXPECT_LT(Checkpoint::FromMemory(ReaderOf(Large()))->open_report().bytes_read, 200'000u);
}

TEST(Memory, IsKeptAliveByTheCheckpoint) {
  std::vector<std::byte> bytes(BytesOf(Large()).begin(), BytesOf(Large()).end());
  const auto owned = Checkpoint::FromMemory(std::move(bytes));
  auto shared = std::make_shared<const std::string>(Large());
  const std::weak_ptr<const std::string> watched = shared;
  const std::span<const std::byte> view = BytesOf(*shared);
  auto kept = Checkpoint::FromMemory(std::move(shared), view);
  for (const auto& checkpoint : {owned, kept, Checkpoint::FromMemory(ReaderOf(Large()))}) {
    for (const int threads : {1, 4}) EXPECT_EQ(ReadAll(*checkpoint, threads), std::vector(kBytes, std::byte{'x'}));
  }
  EXPECT_FALSE(watched.expired());
  kept.reset();
  EXPECT_TRUE(watched.expired());
}

// The error that reading gives if the calls from number `good` on are `bad`'s.
std::string Failure(int good, const std::function<std::size_t(std::span<std::byte>)>& bad, ErrorCode code,
                    int threads) {
  std::atomic<int> calls{0};
  ByteReader reader = ReaderOf(Large());
  reader.read = [&, whole = reader.read](std::uint64_t offset, std::span<std::byte> dst) {
    return calls++ < good ? whole(offset, dst) : bad(dst);
  };
  try {
    ReadAll(*Checkpoint::FromMemory(reader, "model.pth in archive"), threads);
  } catch (const CheckpointError& error) {
    EXPECT_EQ(error.code(), code);
    return error.what();
  }
  return "no error";
}

TEST(Memory, WhateverTheFunctionDoesIsAnErrorOfTheReader) {
  const std::string file = "model.pth in archive: ";
  const auto throws = [](std::span<std::byte>) -> std::size_t { throw std::runtime_error("key\nis wrong"); };
  EXPECT_EQ(Failure(0, throws, ErrorCode::kIo, 1), file + "cannot be read: key\\x0ais wrong, offset 0");
  const std::string later = Failure(5, throws, ErrorCode::kIo, 4);
  EXPECT_THAT(later, testing::MatchesRegex(file + "cannot be read: key.x0ais wrong, offset [0-9]+"));
  EXPECT_EQ(Failure(
                0, [](auto) -> std::size_t { throw 3; }, ErrorCode::kIo, 1),
            file + "cannot be read: the function that reads threw something that is no std::exception, offset 0");
  EXPECT_EQ(Failure(
                0, [](auto) -> std::size_t { throw std::bad_alloc(); }, ErrorCode::kOutOfMemory, 1),
            file + "could not be read: out of memory, offset 0");
  EXPECT_EQ(Failure(
                4, [](auto) -> std::size_t { throw CheckpointError(ErrorCode::kBadCrc, "mine", "is wrong"); },
                ErrorCode::kBadCrc, 4),
            "mine: is wrong");
  EXPECT_EQ(Failure(
                0, [](auto) { return std::size_t{0}; }, ErrorCode::kIo, 1),
            file + "cannot be read: the function that reads gave fewer than the " + std::to_string(Large().size()) +
                " bytes that it said; check the size that was given, offset 0");
  EXPECT_THAT(
      Failure(
          0, [](auto dst) { return dst.size() + 1; }, ErrorCode::kIo, 1),
      testing::MatchesRegex(file + "cannot be read: the function that reads gave [0-9]+ bytes where [0-9]+ were "
                                   "asked for, offset 0"));
}

TEST(Memory, ASizeThatNoFileHasIsRefused) {
  ByteReader reader = ReaderOf(Large());
  for (const std::uint64_t size : {~std::uint64_t{0}, std::uint64_t{1} << 63}) {
    reader.size = size;
    EXPECT_EQ(ErrorOf([&] { Checkpoint::FromMemory(reader); }),
              "is said to have " + std::to_string(size) + " bytes: no file is that large");
  }
  EXPECT_EQ(ErrorOf([] { Checkpoint::FromMemory(ByteReader{}); }), "is empty: write or download it again");
  EXPECT_EQ(ErrorOf([] { Checkpoint::FromMemory(ByteReader{.size = 9}); }), "cannot be read: bad_function_call");
}

TEST(Memory, AReaderThatIsNotThreadSafeIsCalledOnceAtATime) {
  std::atomic<int> running{0}, most{0}, calls{0};
  ByteReader reader = ReaderOf(Large());
  reader.one_at_a_time = true;
  reader.read = [&, whole = reader.read](std::uint64_t offset, std::span<std::byte> dst) {
    const int now = ++running;
    most = std::max(most.load(), now);
    if (++calls > 4) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    const std::size_t got = whole(offset, dst);
    --running;
    return got;
  };
  const auto checkpoint = Checkpoint::FromMemory(reader);
  ReadAll(*checkpoint, 4);
  EXPECT_EQ(most, 1);
}

// Small records and compressed ones are taken from where they are.
TEST(Memory, CostsWhatTheFileCosts) {
  const std::string pickle = "\x80\x02(U\x07storagectorch\nByteStorage\nU\x01"s + "0U\x03"s + "cpuK\x04tQ.";
  const std::pair<std::string, std::string_view> records[] = {
      {"a/data.pkl", pickle}, {"a/version", "3\n"}, {"a/data/0", "abcd"}};
  const std::string bytes = fuzz::ZipOf(records);
  const MemoryFile file(bytes);
  std::vector<ReadReport> opened, read;
  for (const auto& checkpoint : {Checkpoint::Open(file.path()), Checkpoint::FromMemory(BytesOf(bytes)),
                                 Checkpoint::FromMemory(ReaderOf(bytes))}) {
    std::vector<std::byte> four(4);
    const ReadJob job{0, 0, four};
    opened.push_back(checkpoint->open_report());
    read.push_back(checkpoint->Read({&job, 1}));
    EXPECT_EQ(std::memcmp(four.data(), "abcd", 4), 0);
  }
  for (const auto& reports : {opened, read}) {
    for (const ReadReport& report : reports) {
      EXPECT_EQ(report.bytes_read, reports[0].bytes_read);
      EXPECT_EQ(report.read_calls, reports[0].read_calls);
      EXPECT_EQ(report.bytes_copied, reports[0].bytes_copied);
    }
  }
}

}  // namespace
}  // namespace loadpath
