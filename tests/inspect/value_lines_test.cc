#include "harness/inspect/value_lines.h"

#include <gmock/gmock.h>

#include "tests/inspect/pickles.h"

namespace loadpath {
namespace {

using namespace pickles;

std::vector<std::string> Lines(const std::string& value, Detail detail, std::size_t limit = 200) {
  const auto checkpoint = Opened(value, {}, {.opaque = true});
  const Tree& tree = checkpoint->tree();
  const ValueLines values = ListValues(tree, tree.root(), limit, detail);
  std::vector<std::string> lines;
  for (const ValueLine& line : values.lines) lines.push_back(line.path + "=" + line.text);
  if (values.more) lines.emplace_back("more");
  return lines;
}

std::string Numbered(int count) {
  std::vector<std::pair<std::string, std::string>> items;
  for (int i = 0; i < count; ++i) items.emplace_back("k" + std::to_string(i), Int(i));
  return Dict(items);
}

TEST(ValueLinesTest, ShowsValuesOfOneLineFirst) {
  const std::string value = Dict({{"history", Dict({{"loss", Float(0.5)}})}, {"epoch", Int(3)}});
  EXPECT_THAT(Lines(value, Detail::kShort), testing::ElementsAre("epoch=3", "history.loss=0.5"));
  EXPECT_THAT(Lines(value, Detail::kWhole), testing::ElementsAre("history.loss=0.5", "epoch=3"));
}

TEST(ValueLinesTest, CountsALongTableAndSaysHowToSeeIt) {
  const std::string value = Dict({{"table", Numbered(200)}, {"epoch", Int(3)}});
  EXPECT_THAT(Lines(value, Detail::kShort),
              testing::ElementsAre("epoch=3", "table.k0=0", "table.k1=1", "table.k2=2", "table.k3=3",
                                   "table=… 196 more (--print table shows all)"));
  EXPECT_EQ(Lines(value, Detail::kWhole).size(), 201);
  EXPECT_EQ(Lines(Dict({{"table", Numbered(24)}}), Detail::kShort).size(), 24);
}

TEST(ValueLinesTest, ListsEveryEntryOfTheTopUpToTheLimit) {
  EXPECT_EQ(Lines(Numbered(200), Detail::kShort).size(), 200);
  EXPECT_EQ(Lines(Numbered(201), Detail::kShort).back(), "more");
}

TEST(ValueLinesTest, ShowsTheArgumentsAndTheStateOfAnObject) {
  const std::string object =
      WithState(Call(Name("lightning", "Hparams"), {Int(7)}), Dict({{"lr", Float(0.25)}, {"name", Text("x")}}));
  for (const Detail detail : {Detail::kShort, Detail::kWhole}) {
    EXPECT_THAT(Lines(Dict({{"hparams", object}}), detail),
                testing::ElementsAre("hparams=<lightning.Hparams>", "hparams.0=7", "hparams.state.lr=0.25",
                                     "hparams.state.name='x'"));
  }
}

TEST(ValueLinesTest, ShowsTheItemsAndTheStateOfASubclassOfDict) {
  // a.Config(), filled by SETITEMS and then by BUILD.
  const std::string config = Call(Name("a", "Config"), {}) + "(" + Text("lr") + Float(0.25) + "u";
  EXPECT_THAT(Lines(Dict({{"config", WithState(config, Dict({{"frozen", kTrue}}))}}), Detail::kShort),
              testing::ElementsAre("config.lr=0.25", "config.state.frozen=True"));
}

TEST(ValueLinesTest, ShowsAnObjectOnce) {
  // q0 puts the object into the memo, h0 takes it out again.
  const std::string object = WithState(Call(Name("a", "B"), {}) + std::string("q\0", 2), Dict({{"x", Int(1)}}));
  EXPECT_THAT(Lines(Dict({{"first", object}, {"second", std::string("h\0", 2)}}), Detail::kWhole),
              testing::ElementsAre("first=<a.B>", "first.state.x=1", "second=<a.B>, the same as first"));
}

TEST(ValueLinesTest, EndsWhereAnObjectHoldsItself) {
  const std::string object =
      WithState(Call(Name("a", "B"), {}) + std::string("q\0", 2), Dict({{"self", std::string("h\0", 2)}}));
  EXPECT_THAT(Lines(object, Detail::kWhole), testing::ElementsAre("=<a.B>", "state.self=<a.B> (the whole)"));
}

TEST(ValueLinesTest, CutsLongTextsAndSequencesInTheShortForm) {
  std::vector<std::string> numbers(20, Int(1));
  const std::string value = Dict({{"many", List(numbers)}, {"text", Text(std::string(150, 'a'))}});
  EXPECT_THAT(Lines(value, Detail::kShort),
              testing::ElementsAre("many=[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, … 20 in all]",
                                   "text='" + std::string(99, 'a') + "…"));
}

TEST(ValueLinesTest, CountsScalars) {
  const auto checkpoint = Opened(Dict({{"a", List({Int(1), Int(2)})}, {"b", kNone}}));
  EXPECT_EQ(CountValues(checkpoint->tree(), checkpoint->tree().root()), 3);
}

TEST(ValueLinesTest, CutsNothingInTheWholeForm) {
  EXPECT_THAT(Lines(Dict({{"text", Text(std::string(301, 'a'))}}), Detail::kWhole),
              testing::ElementsAre("text='" + std::string(301, 'a') + "'"));
  std::string deep = Dict({{"x", Int(7)}});
  std::string path = "x";
  for (int i = 0; i < 50; ++i) deep = Dict({{"d", deep}}), path = "d." + path;
  EXPECT_THAT(Lines(deep, Detail::kWhole), testing::ElementsAre(path + "=7"));
  const std::string dtype = WithState(Call(Name("numpy", "dtype"), {Text("u1"), kFalse, kTrue}),
                                      Tuple({Int(3), Text("|"), kNone, kNone, kNone, Int(-1), Int(-1), Int(0)}));
  const std::string array = WithState(
      Call(Name("numpy.core.multiarray", "_reconstruct"), {Name("numpy", "ndarray"), Tuple({Int(0)}), ByteString("b")}),
      Tuple({Int(1), Tuple({Int(2000)}), dtype, kFalse, ByteString(std::string(1999, '\1') + "\x07")}));
  const std::vector<std::string> lines = Lines(Dict({{"array", array}}), Detail::kWhole);
  ASSERT_EQ(lines.size(), 1);
  EXPECT_TRUE(lines[0].ends_with(", 1, 1, 7"));
}

TEST(ValueLinesTest, WritesASharedLongTextOnlySoOften) {
  std::string value = Text(std::string(1'000'000, 'a')) + std::string("q\0", 2) + "0}(";
  for (int i = 0; i < 200; ++i) value += Text("k" + std::to_string(i)) + std::string("h\0", 2);
  std::size_t size = 0;
  for (const std::string& line : Lines(value + "u", Detail::kWhole, 1000)) size += line.size();
  EXPECT_LT(size, 50'000'000);
}

TEST(ValueLinesTest, WritesALongPathOnlySoOften) {
  const std::string value = Dict({{std::string(1'000'000, 'k'), Numbered(200)}});
  std::size_t size = 0;
  for (const std::string& line : Lines(value, Detail::kWhole, 1000)) size += line.size();
  EXPECT_LT(size, 100'000'000);
}

TEST(ValueLinesTest, ShowsTheStateOfADictSubclassAtItsPath) {
  const std::string config =
      WithState(Name("a", "Config") + ")\x81(" + Text("x") + Int(1) + "u", Dict({{"note", Int(2)}}));
  for (const Detail detail : {Detail::kShort, Detail::kWhole}) {
    EXPECT_THAT(Lines(Dict({{"cfg", config}}), detail), testing::ElementsAre("cfg.x=1", "cfg.state.note=2"));
  }
}

}  // namespace
}  // namespace loadpath
