// Values by hand: what no PyTorch of today writes, and what is deep, shared or endless.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/checkpoint/pickle/heap.h"
#include "tests/checkpoint/hand_made.h"

namespace loadpath {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;

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

// A double holds 2^53 and 2^53 + 2, not what lies between: {2^53: 1, 2^53 + 1: 2, 2.0^53: 3, nan: 4, nan: 5}.
TEST(Values, KeysOfTwoTypesAreEqualIfTheyAreTheSameNumber) {
  const std::string even = "\x8a\x07\0\0\0\0\0\0\x20"s, odd = "\x8a\x07\x01\0\0\0\0\0\x20"s,
                    real = "G\x43\x40\0\0\0\0\0\0"s, nan = "G\x7f\xf8\0\0\0\0\0\0"s;
  const auto checkpoint =
      OpenPickle("\x80\x02}(" + even + "K\x01" + odd + "K\x02" + real + "K\x03" + nan + "K\x04" + nan + "K\x05u.");
  const Tree& tree = checkpoint->tree();
  std::vector<std::string> shown;
  for (const NodeId item : tree.items(tree.root())) shown.push_back(tree.ShortText(item));
  EXPECT_THAT(shown, ElementsAre("9007199254740992", "3", "9007199254740993", "2", "nan", "4", "nan", "5"));
}

// Tuples that begin alike: each is compared with few others. (Comparing all pairs would pass the limit.)
TEST(Values, KeysThatDifferLateAreToldApart) {
  std::string pickle = "\x80\x02}(";
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    pickle += "(" + Repeat("N", 70) + "J" + Bytes(i) + "tN";
  }
  EXPECT_EQ(OpenPickle(pickle + "u.")->tree().items(0).size(), 40'000u);
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

}  // namespace
}  // namespace loadpath
