// Small files that name the same large thing again and again: what they cost is in proportion to their bytes, or they
// are refused.
#include <gtest/gtest.h>

#include <numeric>

#include "harness/checkpoint/formats/dcp/state_dict_builder.h"
#include "harness/checkpoint/pickle/module_state.h"
#include "tests/checkpoint/hand_made.h"

namespace loadpath {
namespace {

using namespace std::string_literals;

std::string Text(std::string_view text) {
  return "X" + Bytes(static_cast<std::uint32_t>(text.size())) + std::string(text);
}

std::string Key(std::size_t size) { return Text(std::string(size, 'k')); }

std::shared_ptr<const Checkpoint> OpenOpaque(std::string_view pickle) {
  const MemoryFile file(Legacy(pickle));
  return Checkpoint::Open(file.path(), {.opaque = true});
}

TEST(Costs, AClassHasANameOfOneLine) {
  const auto open = [](std::size_t size) { return OpenOpaque("\x80\x02" + Text("a") + Key(size) + "\x93."); };
  EXPECT_EQ(open(8192)->tree().text(0).size(), 8194u);
  EXPECT_EQ(ErrorOf([&] { open(8193); }), "names a module or a class with more than 8192 bytes");
}

TEST(Costs, OfANameThatStandsEverywhereAreCharged) {
  EXPECT_EQ(
      ErrorOf([] {
        OpenOpaque("\x80\x02" + Text("a") + "q\x00"s + Key(8000) + "q\x01" + Repeat("h\x00h\x01\x93"s, 20'000) + ".");
      }),
      "has a pickle that copies the same values over and over");
  // As models name their classes.
  const std::string often = Repeat("h\x00h\x01\x93"s, 100'000);
  EXPECT_EQ(
      OpenOpaque("\x80\x02(" + Text("torch.nn.modules.linear") + "q\x00"s + Text("Linear") + "q\x01" + often + "l.")
          ->tree()
          .size(),
      100'003u);
}

TEST(Costs, OneClassIsOneText) {
  Heap heap;
  const Value first = heap.Class("a.B");
  EXPECT_EQ(heap.Class("a.B"), first);
  EXPECT_NE(heap.Class("a.C"), first);
  EXPECT_EQ(heap.owned.size(), 2u);
}

TEST(Costs, APathOfADistributedCheckpointIsAboutAsLongAsItsName) {
  const auto path = OpenPickle("\x80\x02(" + Key(1'000'000) + "q\x00"s + Repeat("h\x00"s, 199) + "t.");
  Heap heap;
  StateDictBuilder nest(heap);
  EXPECT_EQ(nest.Put(path->tree(), path->tree().root(), "u", Value()),
            "has a path whose keys are far longer than its name");
  const std::size_t copied =
      std::accumulate(heap.owned.begin(), heap.owned.end(), std::size_t{0},
                      [](std::size_t sum, const std::string& text) { return sum + text.size(); });
  EXPECT_LT(copied, 20'000'000u);
  // A name of any length may be a path of one key.
  std::string name;
  name.resize(100'000'000, 'k');
  EXPECT_EQ(StateDictBuilder(heap).Put(path->tree(), kNoNode, name, Value()), "");
}

TEST(Costs, OfAPathAreItsBytes) {
  const std::string places = Repeat("h\x00"s, 2'000);
  const auto values = OpenPickle("\x80\x02](}q\x00"s + Key(100'000) + "Ns" + places + "e.");
  EXPECT_EQ(ErrorOf([&] { ListTensors(values->tree(), values->tree().root()); }),
            "has values that hold each other so often that they cannot be listed");
  const std::string tensor = "ctorch._utils\n_rebuild_tensor\n(" + StorageId4('a') + "K\x00K\x04\x85K\x01\x85tR"s;
  const auto tensors = OpenPickle("\x80\x02}" + Key(100'000) + "](" + tensor + "q\x00"s + places + "es.",
                                  "](U\x01"
                                  "ae.",
                                  kFour);
  EXPECT_EQ(ErrorOf([&] { ListTensors(tensors->tree(), tensors->tree().root()); }),
            "has so many tensors at such a depth, or under such long keys, that they cannot be listed");
}

TEST(Costs, ALongKeyMayStandOnce) {
  const auto checkpoint = OpenPickle("\x80\x02}" + Key(100'000'000) + "Ns.");
  EXPECT_TRUE(ListTensors(checkpoint->tree(), checkpoint->tree().root()).empty());
}

TEST(Costs, OfHashingALongKeyAreCharged) {
  EXPECT_EQ(ErrorOf([] {
              OpenPickle("\x80\x02(" + Key(1'000'000) + "q\x00l0]("s + Repeat("}(h\x00NK\x01Nu"s, 2'000) + "e.");
            }),
            "has dict keys that take too long to compare");
}

TEST(Costs, OfComparingLongKeysAreCharged) {
  // Two keys of the same bytes take turns in one dict.
  EXPECT_EQ(ErrorOf([] {
              OpenPickle("\x80\x02" + Key(500'000) + "q\x00"s + "0" + Key(500'000) + "q\x01" + "0}(" +
                         Repeat("h\x00Nh\x01N"s, 1'500) + "u.");
            }),
            "has dict keys that take too long to compare");
}

// N objects share one state of N attributes.
TEST(Costs, AttributesAreSearchedOnceForAllObjectsThatShareThem) {
  Heap heap;
  const Value attributes = heap.Growing(NodeKind::kDict);
  for (int i = 0; i < 1'000; ++i) {
    const Value key = heap.OwnedText("a" + std::to_string(i));
    std::vector<Value>& items = heap.lists[heap.object(attributes).begin];
    items.insert(items.end(), {key, Value()});
  }
  ModuleAttributes modules(heap);
  for (int i = 0; i < 1'000; ++i) {
    const Value object = heap.Fixed(NodeKind::kObject, {});
    heap.object(object).attributes = attributes;
    EXPECT_FALSE(modules.IsModule(object));
  }
  EXPECT_EQ(modules.searched(), 1'000u);
}

// N modules share one dict of N parameters that are None, which give no names.
TEST(Costs, ParametersThatAreNoneAreCharged) {
  const int count = 12'000;
  std::string none, children;
  for (int i = 0; i < count; ++i) none += Text(std::to_string(i)) + "N";
  const std::string state = "}("s + Text("_parameters") + "h\x00"s + Text("_buffers") + "}" + Text("_modules") + "}u";
  for (int i = 0; i < count; ++i) children += Text(std::to_string(i)) + "h\x01)\x81h\x02" + "b";
  const std::string root =
      "h\x01)\x81}(" + Text("_parameters") + "}" + Text("_buffers") + "}" + Text("_modules") + "}(" + children + "uub";
  const std::string pickle =
      "\x80\x02}(" + none + "uq\x00"s + "0cm\nC\nq\x01" + "0" + state + "q\x02" + "0" + root + ".";
  EXPECT_EQ(ErrorOf([&] { OpenOpaque(pickle); }),
            "has modules that hold each other so often or so deep that their names cannot be listed");
}

}  // namespace
}  // namespace loadpath
