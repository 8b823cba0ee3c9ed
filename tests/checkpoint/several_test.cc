// Checkpoints in several files against what PyTorch, transformers and safetensors make of them, over everything that
// make_several.py wrote.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "loadpath/checkpoint.h"
#include "tests/checkpoint/describe.h"

namespace loadpath {
namespace {

using nlohmann::json;

struct Folder {
  inline static const std::string path = LOADPATH_SEVERAL;
};
const std::string& kDirectory = Folder::path;
using Several = OfEveryCheckpoint<Folder>;

TEST_P(Several, TensorsAndValuesAreThoseOfPyTorch) {
  EXPECT_EQ(checkpoint_->format(), expected_["format"].get<std::string>());
  EXPECT_EQ(checkpoint_->byteorder(), expected_["byteorder"].get<std::string>());
  const json actual = DescribeTensors(*checkpoint_);
  ASSERT_EQ(actual.size(), expected_["tensors"].size());
  for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_EQ(actual[i], expected_["tensors"][i]);
  ExpectValues(checkpoint_->tree(), expected_["values"]);
}

std::vector<std::vector<std::byte>> ReadAll(const Checkpoint& checkpoint, int threads,
                                            std::uint64_t* checked = nullptr) {
  std::vector<std::vector<std::byte>> bytes;
  std::vector<ReadJob> jobs;
  for (const Storage& storage : checkpoint.storages()) bytes.emplace_back(storage.nbytes);
  for (StorageId id = 0; id < bytes.size(); ++id) jobs.push_back({id, 0, bytes[id]});
  const ReadReport report = checkpoint.Read(jobs, {threads, CrcMode::kOn});
  EXPECT_EQ(report.crc.size(), jobs.size());
  if (checked != nullptr) *checked = report.bytes_checked;
  return bytes;
}

TEST_P(Several, EveryWayOfReadingGivesTheSameBytes) {
  std::uint64_t checked = 0, all = 0;
  const std::vector<std::vector<std::byte>> whole = ReadAll(*checkpoint_, 1, &checked);
  for (const auto& bytes : whole) all += bytes.size();
  if (expected_["crc"]) {
    EXPECT_EQ(checked, all);
  }
  EXPECT_EQ(ReadAll(*checkpoint_, 3), whole);
  std::size_t located = 0;
  for (StorageId id = 0; id < whole.size(); ++id) {
    const std::optional<Extent> extent = checkpoint_->Locate(id);
    if (!extent) continue;
    ++located;
    ASSERT_LT(extent->file, checkpoint_->file_count());
    std::vector<std::byte> bytes(extent->length);
    ASSERT_EQ(::pread(checkpoint_->fd(extent->file), bytes.data(), bytes.size(), static_cast<off_t>(extent->offset)),
              static_cast<ssize_t>(bytes.size()));
    EXPECT_EQ(bytes, whole[id]) << id;
  }
  const std::string which = expected_["located"];
  EXPECT_EQ(which, located == whole.size() ? "all" : located == 0 ? "none" : "some");
}

TEST_P(Several, EveryPathThatIsListedCanBeFollowed) { ExpectPathsFollow(*checkpoint_); }

TEST_P(Several, RepeatedReadsCostTheSame) {
  std::set<std::pair<std::uint64_t, std::uint64_t>> costs;
  for (int run = 0; run < 20; ++run) {
    const auto checkpoint = Checkpoint::Open(kDirectory + "/" + GetParam());
    std::vector<std::vector<std::byte>> bytes;
    std::vector<ReadJob> jobs;
    // Each storage twice, in halves, so that threads meet at its header.
    for (StorageId id = 0; id < checkpoint->storages().size(); ++id) {
      const std::uint64_t nbytes = checkpoint->storages()[id].nbytes, half = nbytes / 32 * 16;
      for (const auto& [begin, end] : {std::pair{std::uint64_t{0}, half}, std::pair{half, nbytes}}) {
        bytes.emplace_back(end - begin);
        jobs.push_back({id, begin, bytes.back()});
      }
    }
    const ReadReport report = checkpoint->Read(jobs, {4, CrcMode::kAuto});
    costs.emplace(report.read_calls, report.bytes_read);
  }
  EXPECT_EQ(costs.size(), 1u);
}

// However its bytes lie: in one run, in chunks that are put together, in values of their own.
TEST_P(Several, ProgressEndsWithAllBytes) {
  std::vector<std::vector<std::byte>> bytes;
  std::vector<ReadJob> jobs;
  std::uint64_t all = 0, last = 0;
  for (StorageId id = 0; id < checkpoint_->storages().size(); ++id) {
    all += bytes.emplace_back(checkpoint_->storages()[id].nbytes).size();
    jobs.push_back({id, 0, bytes.back()});
  }
  std::size_t ends = 0;
  const auto report = [&](std::uint64_t done, std::uint64_t total) {
    EXPECT_EQ(total, all);
    EXPECT_GE(done, last);
    last = done;
    ends += done == total;
    return true;
  };
  checkpoint_->Read(jobs, {.threads = 2, .progress = report});
  EXPECT_EQ(last, all);
  EXPECT_EQ(ends, all > 0 ? 1u : 0u);
}

TEST_P(Several, NoTwoStoragesHaveOneName) {
  std::set<std::string> names;
  for (const Storage& storage : checkpoint_->storages()) EXPECT_TRUE(names.insert(storage.name).second) << storage.name;
}

// Any part of a storage, cut anywhere, is that part of the whole.
TEST_P(Several, EveryPartIsThatOfTheWhole) {
  const std::vector<std::vector<std::byte>> whole = ReadAll(*checkpoint_, 2);
  for (StorageId id = 0; id < whole.size(); ++id) {
    const std::size_t size = whole[id].size(), step = std::max<std::size_t>(1, size / 7);
    for (std::size_t begin = 0; begin < size; begin += step) {
      for (std::size_t end = begin; end <= size; end += step) {
        std::vector<std::byte> part(end - begin);
        const ReadJob job{id, begin, part};
        checkpoint_->Read({&job, 1}, {1, CrcMode::kAuto});
        ASSERT_TRUE(std::equal(part.begin(), part.end(), whole[id].begin() + static_cast<std::ptrdiff_t>(begin)))
            << id << " " << begin << " " << end;
      }
    }
  }
}

TEST_P(Several, ManyThreadsMayReadAtOnce) {
  const std::vector<std::vector<std::byte>> whole = ReadAll(*Checkpoint::Open(kDirectory + "/" + GetParam()), 1);
  std::vector<std::vector<std::vector<std::byte>>> results(4);
  std::vector<std::thread> threads;
  for (auto& result : results) threads.emplace_back([&] { result = ReadAll(*checkpoint_, 2); });
  for (std::thread& thread : threads) thread.join();
  for (const auto& result : results) EXPECT_EQ(result, whole);
}

TEST(Sharded, MetadataIsKeptAndASizeThatDiffersIsReported) {
  const auto right = Checkpoint::Open(kDirectory + "/transformers");
  EXPECT_TRUE(right->warnings().empty());
  EXPECT_EQ(right->file_count(), 4u);
  EXPECT_EQ(right->path(), kDirectory + "/transformers");
  const Tree& tree = right->tree();
  const NodeId metadata = tree.Find(tree.attributes(tree.root()), "metadata"),
               shards = tree.Find(tree.attributes(tree.root()), "__metadata__");
  EXPECT_GT(tree.integer(tree.Find(metadata, "total_size")), 0);
  EXPECT_EQ(tree.text(tree.Find(shards, "format")), "pt");

  const auto mixed = Checkpoint::Open(kDirectory + "/mixed");
  EXPECT_THAT(mixed->warnings(), ::testing::ElementsAre("metadata.total_size is 1, but the tensors have 254 bytes"));
  const Tree& values = mixed->tree();
  const NodeId kept = values.Find(values.attributes(values.root()), "metadata"), list = values.Find(kept, "list");
  EXPECT_EQ(values.ShortText(values.Find(kept, "big")), "9223372036854775808");
  ASSERT_EQ(values.items(list).size(), 4u);
  EXPECT_EQ(values.real(values.items(list)[1]), 2.5);
  EXPECT_EQ(values.kind(values.items(list)[2]), NodeKind::kNone);
  EXPECT_TRUE(values.boolean(values.Find(values.items(list)[3], "a")));
}

// Four chunks of 24 bytes: what was read of them in part was not checked.
TEST(Dcp, BytesOfSeveralChunksAreCheckedWhereEveryChunkWas) {
  const auto checkpoint = Checkpoint::Open(kDirectory + "/ranks");
  const Tree& tree = checkpoint->tree();
  const StorageId rows = tree.tensor(tree.Find(tree.root(), "rows")).storage;
  const auto status = [&](std::uint64_t begin, std::size_t size, CrcMode mode) {
    std::vector<std::byte> bytes(size);
    const ReadJob job{rows, begin, bytes};
    return checkpoint->Read({&job, 1}, {1, mode}).crc.at(0);
  };
  EXPECT_EQ(status(0, 96, CrcMode::kAuto), CrcStatus::kChecked);
  EXPECT_EQ(status(24, 48, CrcMode::kAuto), CrcStatus::kChecked);
  EXPECT_EQ(status(0, 90, CrcMode::kAuto), CrcStatus::kPartial);
  EXPECT_EQ(status(6, 90, CrcMode::kAuto), CrcStatus::kPartial);
  EXPECT_EQ(status(0, 96, CrcMode::kOff), CrcStatus::kOff);
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, Several, ::testing::ValuesIn(Several::Names()), TestName);

}  // namespace
}  // namespace loadpath
