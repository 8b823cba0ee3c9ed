// Values by hand: what no PyTorch of today writes, what is deep, shared or endless, and how values read as text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/base/nearest.h"
#include "harness/checkpoint/checkpoint.h"
#include "harness/checkpoint/pickle/heap.h"
#include "tests/checkpoint/memory_file.h"

namespace loadpath {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;

std::shared_ptr<const Checkpoint> OpenPickle(std::string_view pickle, std::string_view keys = "].",
                                             std::string_view data = {}) {
  const MemoryFile file(Legacy(pickle, keys, data));
  return Checkpoint::Open(file.path());
}

std::string Repeat(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

// A float storage of four elements with key `key`.
std::string StorageId4(char key, std::string_view view = "N") {
  return "(U\x07storagectorch\nFloatStorage\nU\x01"s + key +
         "U\x03"
         "cpuK\x04"s +
         std::string(view) + "tQ"s;
}

const std::string kFour = Bytes<std::uint64_t>(4) + "\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40"s;  // 1, 2, 3, 4

template <typename Function>
std::string ErrorOf(const Function& function) {
  try {
    function();
  } catch (const CheckpointError& error) {
    return error.sentence();
  }
  return "no error";
}

TEST(Values, ListsNestAsDeepAsAFileIsLong) {
  const auto checkpoint = OpenPickle("\x80\x02" + Repeat("]", 200'000) + Repeat("a", 199'999) + ".");
  EXPECT_EQ(checkpoint->tree().size(), 200'000u);
  EXPECT_TRUE(ListTensors(checkpoint->tree(), checkpoint->tree().root()).empty());
}

TEST(Values, TuplesNestAsDeepAsAFileIsLong) {
  EXPECT_EQ(OpenPickle("\x80\x02)" + Repeat("\x85", 1'000'000) + ".")->tree().size(), 1'000'001u);
}

TEST(Values, StatesNestAsDeepAsAFileIsLong) {
  const std::string empty = "ccollections\nOrderedDict\n)R";
  EXPECT_EQ(OpenPickle("\x80\x02" + Repeat(empty, 50'000) + Repeat("b", 49'999) + ".")->tree().size(), 50'000u);
}

TEST(Values, RebuildsNestAsDeepAsAFileIsLong) {
  const std::string from = "ctorch._tensor\n_rebuild_from_type_v2\n";
  const std::string nested = "\x80\x02" + from + Repeat("(" + from + "ctorch\nTensor\n", 20'000) + "(" +
                             "ctorch._utils\n_rebuild_tensor\nctorch\nTensor\n(" + StorageId4('a') +
                             "K\x00K\x04\x85K\x01\x85tNt"s + Repeat("Nt", 20'000) + "R.";
  const auto checkpoint = OpenPickle(nested,
                                     "](U\x01"
                                     "ae.",
                                     kFour);
  EXPECT_EQ(checkpoint->tree().kind(checkpoint->tree().root()), NodeKind::kTensor);
}

TEST(Values, AListMayHoldItself) {
  const auto checkpoint = OpenPickle("\x80\x02]q\x00h\x00\x61K\x01\x61."s);
  const Tree& tree = checkpoint->tree();
  EXPECT_THAT(tree.items(tree.root()), ElementsAre(tree.root(), 1));
  std::vector<std::string> places;
  tree.Walk(tree.root(), [&](const std::vector<std::string>& path, NodeId) {
    places.push_back(path.empty() ? "" : path.back());
    return true;
  });
  EXPECT_THAT(places, ElementsAre("", "0", "1"));
}

TEST(Values, WhatHoldsItselfExponentiallyOftenIsNotListed) {
  const auto checkpoint = OpenPickle("\x80\x02]q\x00"s + Repeat("h\x00h\x00\x86q\x00"s, 60) + "."s);
  EXPECT_EQ(ErrorOf([&] { ListTensors(checkpoint->tree(), checkpoint->tree().root()); }),
            "has values that hold each other so often that they cannot be listed");
}

TEST(Values, KeysThatTakeForeverToCompareAreRefused) {
  const std::string tower =
                        ")q\x00"
                        "0"s +
                        Repeat(
                            "h\x00h\x00\x86q\x00"
                            "0"s,
                            60),
                    top = "h\x00"s;
  const std::string pickle = "\x80\x02}" + tower + top + "K\x01s" + tower + top + "K\x02s."s;
  EXPECT_EQ(ErrorOf([&] { OpenPickle(pickle); }), "has dict keys that take too long to compare");
}

TEST(Values, EqualKeysAreOneKeyAsInPython) {
  // {1: "a", True: "b", 1.0: "c", "1": "d", (1,): "e", (1.0,): "f"} is {1: "c", "1": "d", (1,): "f"}.
  const std::string one = "G\x3f\xf0\0\0\0\0\0\0"s;
  const auto checkpoint = OpenPickle(
      "\x80\x02}(K\x01U\x01"
      "a\x88U\x01"
      "b" +
      one +
      "U\x01"
      "cU\x01"
      "1U\x01"
      "dK\x01\x85U\x01"
      "e" +
      one +
      "\x85U\x01"
      "fu.");
  const Tree& tree = checkpoint->tree();
  std::vector<std::string> shown;
  for (const NodeId item : tree.items(tree.root())) shown.push_back(tree.ShortText(item));
  EXPECT_THAT(shown, ElementsAre("1", "'c'", "'1'", "'d'", "(1,)", "'f'"));
}

TEST(Values, AFarMemoIndexTakesNoMemory) {
  const auto checkpoint = OpenPickle(
      "\x80\x02Nr\xff\xff\xff\x7f"
      "0j\xff\xff\xff\x7f."s);
  EXPECT_EQ(checkpoint->tree().kind(checkpoint->tree().root()), NodeKind::kNone);
}

TEST(Values, Python2WroteOrderedDictsAsPairs) {
  const auto checkpoint = OpenPickle(
      "\x80\x02"
      "ccollections\nOrderedDict\n](](U\x01wK\x01"
      "e](U\x01xK\x02"
      "ee\x85R.");
  const Tree& tree = checkpoint->tree();
  EXPECT_EQ(tree.TypeText(tree.root()), "<class 'collections.OrderedDict'>");
  EXPECT_EQ(tree.integer(tree.Find(tree.root(), "w")), 1);
  EXPECT_EQ(tree.integer(tree.Find(tree.root(), "x")), 2);
}

TEST(Values, OldStorageViewsShareTheirRoot) {
  const std::string rebuild = "ctorch._utils\n_rebuild_tensor\n(";
  const std::string whole = rebuild + StorageId4('a') + "K\x00K\x04\x85K\x01\x85tR"s;
  const std::string view = rebuild + StorageId4('a', "(U\x01vK\x01K\x02t") + "K\x01K\x01\x85K\x01\x85tR"s;
  const auto checkpoint = OpenPickle("\x80\x02" + whole + view + "\x86.",
                                     "](U\x01"
                                     "ae.",
                                     kFour);
  const Tree& tree = checkpoint->tree();
  const std::vector<TensorPath> tensors = ListTensors(tree, tree.root());
  ASSERT_EQ(tensors.size(), 2u);
  const TensorView& second = tree.tensor(tensors[1].node);
  EXPECT_EQ(second.storage, tree.tensor(tensors[0].node).storage);
  EXPECT_EQ(second.storage_offset, 2);
  const std::vector<std::byte> bytes = ReadTensor(*checkpoint, second);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), "\0\0\x40\x40"s);
}

TEST(Values, AnExpandedGiantIsOpenedButNotCopiedOut) {
  const std::string tensor =
      "ctorch._utils\n_rebuild_tensor\n(" + StorageId4('a') + "K\x00\x8a\x06\0\0\0\0\0\x01\x85K\x00\x85tR"s;
  const auto checkpoint = OpenPickle("\x80\x02" + tensor + ".",
                                     "](U\x01"
                                     "ae.",
                                     kFour);
  const TensorView& view = checkpoint->tree().tensor(checkpoint->tree().root());
  EXPECT_EQ(view.numel(), std::int64_t{1} << 40);
  EXPECT_EQ(ErrorOf([&] { ReadTensor(*checkpoint, view); }),
            "has an expanded tensor of shape [1099511627776] over 16 bytes: it is not copied out, because it would "
            "take 4398046511104 bytes");
}

TEST(Values, ALegacyFileIsReadAtPlaces) {
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
  EXPECT_EQ(ErrorOf([&] { checkpoint->Read({&outside, 1}); }), "was asked for bytes that it does not have");
}

TEST(Values, NeighboursAreReadTogether) {
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

class KeyPaths : public ::testing::Test {
 protected:
  // {"model": {"layer.0": {"w": 1}, "layer": {"0.w.x": 2}, "list": [10, (20,)]}, "model.layer": 3, 7: "seven", "": 4}
  std::shared_ptr<const Checkpoint> checkpoint_ = OpenPickle(
      "\x80\x02}(U\x05model}(U\x07layer.0}U\x01wK\x01sU\x05layer}U\x05"
      "0.w.xK\x02sU\x04list](K\x0aK\x14\x85"
      "eu"
      "U\x0bmodel.layerK\x03K\x07U\x05sevenU\x00K\x04u."s);
  std::string At(std::string_view path) const {
    try {
      return checkpoint_->tree().ShortText(FollowKeyPath(*checkpoint_, path));
    } catch (const CheckpointError& error) {
      EXPECT_EQ(error.code(), ErrorCode::kKeyPath);
      return error.sentence();
    }
  }
};

TEST_F(KeyPaths, AreFollowedByTheLongestName) {
  EXPECT_EQ(At(""), "<dict of 4>");
  EXPECT_EQ(At("model.layer"), "3");
  EXPECT_EQ(At("model.layer.0.w"), "1");
  EXPECT_EQ(At("model.layer.0.w.x"), "2");
  EXPECT_EQ(At("model.list.0"), "10");
  EXPECT_EQ(At("model.list.1.0"), "20");
  EXPECT_EQ(At("7"), "'seven'");
}

TEST_F(KeyPaths, ThatLeadNowhereSayWhatIsThere) {
  EXPECT_EQ(At("modle"),
            "KeyError: 'modle' (did you mean 'model'?); at the top level are 'model', 'model.layer', '7', ''");
  EXPECT_EQ(At("model.lists"),
            "KeyError: 'lists' (did you mean 'list'?); under 'model' are 'layer.0', 'layer', 'list'");
  EXPECT_EQ(At("model.list.9"),
            "IndexError: list index out of range: 9; under 'model.list' is a <list of 2>, whose positions are numbers "
            "from 0");
  EXPECT_EQ(At("model.list.x"),
            "TypeError: list indices must be integers or slices, not str: 'x'; under 'model.list' is a <list of 2>, "
            "whose positions are numbers from 0");
  EXPECT_EQ(At("7.x"), "TypeError: 'str' object is not subscriptable: 'x'; under '7' is 'seven'");
}

TEST(Nearest, IsWithinAThirdOfTheLongerName) {
  const std::vector<std::string> names{"fc1.weight", "fc2.weight", "conv.bias"};
  EXPECT_EQ(Nearest("fc1.wieght", names), "fc1.weight");
  EXPECT_EQ(Nearest("fc2.weight", names), "fc2.weight");
  EXPECT_EQ(Nearest("something else", names), "");
  EXPECT_EQ(Nearest("lable", std::vector<std::string>{"table", "label"}), "table");
  EXPECT_EQ(Nearest("modle", std::vector<std::string>{"model"}), "model");
  EXPECT_EQ(Nearest("abc", std::vector<std::string>{"abd"}), "abd");
  EXPECT_EQ(Nearest("ab", std::vector<std::string>{"ac"}), "");
}

// torch.Size((2, 3, 4)): the pool that the tuple's values stand in grows while they are copied.
TEST(Values, AreCopiedOutOfAPoolThatGrows) {
  Heap heap;
  std::vector<Value> numbers;
  for (int i = 0; i < 3; ++i) numbers.push_back(heap.Int(i));
  const Value first = heap.Fixed(NodeKind::kTuple, numbers);
  for (int i = 0; i < 1000; ++i) {
    const Value copy = heap.Fixed(NodeKind::kSize, heap.items(first));
    ASSERT_THAT(heap.items(copy), ::testing::ElementsAreArray(numbers)) << i;
  }
}

TEST(Files, ThatAreNoFilesAreRefused) {
  EXPECT_EQ(ErrorOf([] { Checkpoint::Open("/nowhere/x.pth"); }), "cannot be opened: No such file or directory");
  EXPECT_EQ(ErrorOf([] { Checkpoint::Open("/"); }),
            "is a directory, not a checkpoint file, and holds none of model.safetensors.index.json, "
            "pytorch_model.bin.index.json, "
            "model.safetensors, pytorch_model.bin and .metadata");
  EXPECT_EQ(ErrorOf([] { Checkpoint::Open("/dev/zero"); }), "is a device; a checkpoint must be a regular file");
  EXPECT_EQ(ErrorOf([] { Checkpoint::Open("a\0b"s); }), "cannot be opened: the name contains a NUL byte");
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  EXPECT_EQ(ErrorOf([&] { Checkpoint::Open("/proc/self/fd/" + std::to_string(ends[0])); }),
            "is a FIFO; a checkpoint must be a regular file");
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(Errors, AreOneLineWhateverTheFileSays) {
  const CheckpointError error(ErrorCode::kBadPickle, "a\nb.pth", "says \x1b[31m", "rec\r", 7);
  EXPECT_STREQ(error.what(), "a\\x0ab.pth: says \\x1b[31m, record rec\\x0d, offset 7");
}

}  // namespace
}  // namespace loadpath
