// Reading parts of storages, and what a read costs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/checkpoint/hand_made.h"

namespace loadpath {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;

TEST(Read, ALegacyFileIsReadAtPlaces) {
  const std::string tensor = "ctorch._utils\n_rebuild_tensor\n(" + StorageId4('a') + "K\x00K\x04\x85K\x01\x85tR"s;
  const auto checkpoint = OpenPickle("\x80\x02" + tensor + ".",
                                     "](U\x01"
                                     "ae.",
                                     kFour);
  std::vector<std::byte> middle(8);
  const ReadJob job{0, 4, middle, Dtype::kFloat32};
  const ReadReport report = checkpoint->Read({&job, 1});
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(middle.data()), 8), kFour.substr(12, 8));
  EXPECT_THAT(report.crc, ElementsAre(CrcStatus::kNotWritten));
  const ReadJob outside{0, 12, middle, Dtype::kFloat32};
  EXPECT_EQ(ErrorOf([&] { checkpoint->Read({&outside, 1}); }), "has no such bytes: ask for a range inside the storage");
}

TEST(Read, NeighboursAreReadTogether) {
  std::string pickle = "\x80\x02]", keys = "](", data;
  for (int i = 0; i < 1000; ++i) {
    const std::string key = Bytes<std::uint32_t>(4) + std::to_string(1000 + i);
    pickle += "(U\x07storagectorch\nByteStorage\nX" + key +
              "U\x03"
              "cpuK\x04NtQa";
    keys += "X" + key;
    data += Bytes<std::uint64_t>(4) + Bytes<std::uint32_t>(i);
  }
  const auto checkpoint = OpenPickle(pickle + ".", keys + "e.", data);
  std::vector<std::uint32_t> values(1000);
  std::vector<ReadJob> jobs;
  for (std::uint32_t i = 0; i < 1000; ++i)
    jobs.push_back({i, 0, std::as_writable_bytes(std::span(values).subspan(i, 1))});
  const ReadReport report = checkpoint->Read(jobs);
  EXPECT_EQ(report.read_calls, 1u);
  EXPECT_EQ(report.bytes_read, 12'000u);
  for (std::uint32_t i = 0; i < 1000; ++i) EXPECT_EQ(values[i], i);
}

// Several threads meet at the header of a record that is read in chunks: one of them reads it.
TEST(Read, OfALargeRecordCostsTheSameEveryTime) {
  constexpr std::uint32_t kBytes = 16 << 20;
  const std::string pickle =
      "\x80\x02(U\x07storagectorch\nByteStorage\nU\x01"
      "aU\x03"
      "cpuJ" +
      Bytes(kBytes) + "NtQ.";
  const MemoryFile file(Legacy(pickle,
                               "](U\x01"
                               "ae.",
                               Bytes<std::uint64_t>(kBytes) + std::string(kBytes, 'x')));
  std::vector<std::byte> bytes(kBytes);
  for (int run = 0; run < 100; ++run) {
    const auto checkpoint = Checkpoint::Open(file.path());
    const ReadJob job{0, 0, bytes};
    const ReadReport report = checkpoint->Read({&job, 1}, {.threads = 8});
    ASSERT_EQ(report.read_calls, 1u + 16u) << run;
    ASSERT_EQ(report.bytes_read, 8u + kBytes) << run;
  }
}

}  // namespace
}  // namespace loadpath
