// The reader against PyTorch itself, over everything that make_corpus.py wrote.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "loadpath/checkpoint.h"
#include "tests/checkpoint/describe.h"

namespace loadpath {
namespace {

using nlohmann::json;

struct Folder {
  inline static const std::string path = LOADPATH_CORPUS;
};
const std::string& kDirectory = Folder::path;
using Corpus = OfEveryCheckpoint<Folder>;

TEST_P(Corpus, TensorsAreThoseOfTorchLoad) {
  EXPECT_EQ(checkpoint_->format(), expected_["format"].get<std::string>());
  EXPECT_EQ(checkpoint_->byteorder(), expected_["byteorder"].get<std::string>());
  const bool flat = expected_["format"] == "safetensors";
  json actual = DescribeTensors(*checkpoint_);
  ASSERT_EQ(actual.size(), expected_["tensors"].size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    // The Python package hands out every tensor with a storage of its own.
    if (flat) actual[i]["group"] = expected_["tensors"][i]["group"];
    EXPECT_EQ(actual[i], expected_["tensors"][i]);
  }
}

TEST_P(Corpus, ValuesAreThoseOfTorchLoad) { ExpectValues(checkpoint_->tree(), expected_["values"]); }

TEST_P(Corpus, EveryPathThatIsListedCanBeFollowed) { ExpectPathsFollow(*checkpoint_); }

// Every storage read whole at once, by one and by two threads, plainly and where Locate says that it lies.
TEST_P(Corpus, EveryWayOfReadingGivesTheSameBytes) {
  std::vector<std::vector<std::byte>> first;
  for (const int threads : {1, 2}) {
    std::vector<std::vector<std::byte>> bytes;
    std::vector<ReadJob> jobs;
    for (const Storage& storage : checkpoint_->storages()) bytes.emplace_back(storage.nbytes);
    for (StorageId id = 0; id < bytes.size(); ++id) jobs.push_back({id, 0, bytes[id]});
    const ReadReport report = checkpoint_->Read(jobs, {threads, CrcMode::kOn});
    std::uint64_t checked = 0, all = 0;
    for (StorageId id = 0; id < bytes.size(); ++id) {
      all += bytes[id].size();
      if (report.crc[id] == CrcStatus::kChecked) checked += bytes[id].size();
    }
    EXPECT_EQ(report.bytes_checked, checked);
    const bool written = checkpoint_->format() == "zip" && GetParam() != "nocrc.pth";
    EXPECT_EQ(checked, written ? all : 0);
    if (first.empty()) first = bytes;
    EXPECT_EQ(first, bytes);
  }
  std::ifstream file(kDirectory + "/" + GetParam(), std::ios::binary);
  for (StorageId id = 0; id < first.size(); ++id) {
    const std::optional<Extent> extent = checkpoint_->Locate(id);
    EXPECT_EQ(extent.has_value(), GetParam() != "deflated.pth");
    if (!extent) continue;
    std::vector<std::byte> bytes(extent->length);
    file.seekg(static_cast<std::streamoff>(extent->offset));
    file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    EXPECT_EQ(bytes, first[id]) << id;
  }
}

TEST(Crc, EveryReadSaysWhetherItsBytesWereChecked) {
  const auto status = [](const std::string& name, std::size_t bytes, CrcMode mode) {
    const auto checkpoint = Checkpoint::Open(kDirectory + "/" + name);
    std::vector<std::byte> dst(bytes);
    const ReadJob job{0, 0, dst};
    const ReadReport report = checkpoint->Read({&job, 1}, {1, mode});
    EXPECT_EQ(report.bytes_checked, report.crc[0] == CrcStatus::kChecked ? 48u : 0u);
    return report.crc[0];
  };
  EXPECT_EQ(status("training.zip.p2.pth", 48, CrcMode::kAuto), CrcStatus::kChecked);
  EXPECT_EQ(status("training.zip.p2.pth", 48, CrcMode::kOn), CrcStatus::kChecked);
  EXPECT_EQ(status("training.zip.p2.pth", 48, CrcMode::kOff), CrcStatus::kOff);
  EXPECT_EQ(status("training.zip.p2.pth", 44, CrcMode::kOn), CrcStatus::kPartial);
  EXPECT_EQ(status("deflated.pth", 48, CrcMode::kAuto), CrcStatus::kChecked);
  EXPECT_EQ(status("deflated.pth", 44, CrcMode::kOn), CrcStatus::kChecked);  // inflated whole in any case
  EXPECT_EQ(status("nocrc.pth", 48, CrcMode::kOn), CrcStatus::kNotWritten);
  EXPECT_EQ(status("training.legacy.p2.pth", 48, CrcMode::kOn), CrcStatus::kNotWritten);
}

TEST(Zip64, RecordsBeyondFourGigabytesLieWherePyTorchSaysTheyDo) {
  const json offsets = json::parse(std::ifstream(kDirectory + "/zip64.json"));
  const auto checkpoint = Checkpoint::Open(kDirectory + "/zip64.pth");
  ASSERT_EQ(checkpoint->storages().size(), 3u);
  EXPECT_EQ(checkpoint->storages()[1].nbytes, (std::uint64_t{1} << 32) + 64);
  for (StorageId id = 0; id < 3; ++id) {
    const std::optional<Extent> extent = checkpoint->Locate(id);
    ASSERT_TRUE(extent.has_value());
    EXPECT_EQ(extent->offset, offsets[id].get<std::uint64_t>());
    EXPECT_EQ(extent->length, checkpoint->storages()[id].nbytes);
  }
  const std::vector<float> wanted{0, 1, 2, 3};
  std::vector<float> last(4), behind(4);
  const ReadJob jobs[] = {{1, std::uint64_t{1} << 32 | 48, std::as_writable_bytes(std::span(last)), Dtype::kFloat32},
                          {2, 0, std::as_writable_bytes(std::span(behind)), Dtype::kFloat32}};
  checkpoint->Read(jobs);
  EXPECT_EQ(last, wanted);
  EXPECT_EQ(behind, wanted);
}

TEST(Objects, AreInertAndTheirTensorsAreListed) {
  const auto checkpoint = Checkpoint::Open(kDirectory + "/odd.pth");
  const Tree& tree = checkpoint->tree();
  std::vector<std::string> tensors, kinds;
  for (const TensorPath& entry : ListTensors(tree, tree.root())) {
    std::string text;
    for (const std::string& element : entry.path) text += element + "/";
    tensors.push_back(text + " " + tree.ShortText(entry.node));
  }
  EXPECT_THAT(tensors, ::testing::ElementsAre("coo/1/0/ <int64 tensor of [2, 2]>", "coo/1/1/ <float32 tensor of [2]>",
                                              "csr/1/0/ <int64 tensor of [3]>", "csr/1/1/ <int64 tensor of [2]>",
                                              "csr/1/2/ <float32 tensor of [2]>"));
  for (std::size_t i = 1; i < tree.items(tree.root()).size(); i += 2)
    kinds.push_back(tree.ShortText(tree.items(tree.root())[i]));
  EXPECT_THAT(
      kinds, ::testing::ElementsAre("<torch._utils._rebuild_sparse_tensor>", "<torch._utils._rebuild_sparse_tensor>",
                                    "<torch._utils._rebuild_qtensor>", "<torch._utils._rebuild_meta_tensor_no_storage>",
                                    "<storage>", "<storage>"));
}

TEST(States, HangAtParametersAndTensors) {
  const auto checkpoint = Checkpoint::Open(kDirectory + "/parameters.zip.p2.pth");
  const Tree& tree = checkpoint->tree();
  const NodeId with_state = tree.Find(tree.root(), "with_state"), tagged = tree.Find(tree.root(), "tagged");
  EXPECT_EQ(tree.text(tree.Find(tree.attributes(with_state), "note")), "kept");
  EXPECT_EQ(tree.integer(tree.Find(tree.attributes(tagged), "tag")), 5);
  // Tied parameters are one node.
  EXPECT_EQ(tree.Find(tree.root(), "weight"), tree.Find(tree.root(), "tied"));
}

INSTANTIATE_TEST_SUITE_P(Files, Corpus, ::testing::ValuesIn(Corpus::Names()), TestName);

}  // namespace
}  // namespace loadpath
