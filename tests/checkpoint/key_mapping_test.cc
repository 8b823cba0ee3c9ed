#include "harness/checkpoint/key_mapping.h"

#include <gmock/gmock.h>
#include <pthread.h>

#include <functional>

#include "harness/checkpoint/limits.h"
#include "loadpath/error.h"

namespace loadpath {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Keys = std::vector<std::string>;

// The new names, "-" for a key that is left out.
Keys NamesOf(const KeyRules& rules, const Keys& keys) {
  Keys names;
  for (const auto& name : KeyMapping(rules, "f.pth").Map(keys).names) names.push_back(name.value_or("-"));
  return names;
}

std::string ErrorOf(const KeyRules& rules, const Keys& keys) {
  try {
    const KeyMapping mapping(rules, "f.pth");
    const MappedKeys mapped = mapping.Map(keys);
    mapping.RequireNone(mapped.unused_only);
    mapping.RequireNone(mapped.unused_skip);
  } catch (const CheckpointError& error) {
    EXPECT_EQ(error.code(), ErrorCode::kKeyRule);
    return error.what();
  }
  return "no error";
}

const KeyRules kWrappers = {.prefixes = {"module.", "_orig_mod."}};

TEST(KeyMappingTest, RemovesPrefixesInAnyNestingAndInTheMiddle) {
  EXPECT_THAT(NamesOf(kWrappers, {"module._orig_mod.a.w", "_orig_mod.module.b.w", "module.module.c.w",
                                  "enc._orig_mod.layers.0.module.w", "d.w"}),
              ElementsAre("a.w", "b.w", "c.w", "enc.layers.0.w", "d.w"));
}

TEST(KeyMappingTest, APrefixIsAWholeComponent) {
  EXPECT_THAT(NamesOf(kWrappers, {"a.my_module.w", "submodule.w", "module", "a.module", "modules.w"}),
              ElementsAre("a.my_module.w", "submodule.w", "module", "a.module", "modules.w"));
  EXPECT_THAT(NamesOf({.prefixes = {"model.net."}}, {"model.net.w", "model.w", "a.model.net.b"}),
              ElementsAre("w", "model.w", "a.b"));
}

TEST(KeyMappingTest, APrefixWithoutADotIsRemovedOnceAtTheBeginning) {
  EXPECT_THAT(NamesOf({.prefixes = {"net"}}, {"network.w", "netnet.w", "a.net.w"}),
              ElementsAre("work.w", "net.w", "a.net.w"));
}

TEST(KeyMappingTest, RenamesInOrderWithGroups) {
  const KeyRules rules = {
      .rename = {{"^encoder\\.", "text."}, {"text\\.(\\d+)\\.conv(\\d)", "text.$1.c$2"}, {"^h", ""}}};
  EXPECT_THAT(NamesOf(rules, {"encoder.0.conv1.w", "head.w", "x.encoder.w"}),
              ElementsAre("text.0.c1.w", "ead.w", "x.encoder.w"));
  // Every match.
  EXPECT_THAT(NamesOf({.rename = {{"_", "."}}}, {"a_b_c"}), ElementsAre("a.b.c"));
}

TEST(KeyMappingTest, FiltersSeeTheNewNames) {
  const KeyRules rules = {
      .prefixes = {"module."}, .rename = {{"^encoder\\.", "text."}}, .only = "^text\\.", .skip = "bias$"};
  EXPECT_THAT(NamesOf(rules, {"module.encoder.w", "module.encoder.bias", "module.head.w"}),
              ElementsAre("text.w", "-", "-"));
}

TEST(KeyMappingTest, TellsOfRulesThatChangeNothing) {
  const Keys keys = {"module.a", "b"};
  const MappedKeys mapped =
      KeyMapping({.prefixes = {"_orig_mod.", "module."}, .rename = {{"^c$", "d"}, {"^b$", "d"}}}, "f").Map(keys);
  EXPECT_THAT(mapped.unused_prefixes, ElementsAre("the prefix \"_orig_mod.\" is in none of the 2 keys"));
  EXPECT_THAT(mapped.unused_rename, ElementsAre("rename \"^c$\" -> \"d\" changes none of the 2 keys"));
}

TEST(KeyMappingTest, RefusesTwoKeysOfOneName) {
  EXPECT_EQ(ErrorOf(kWrappers, {"w", "module.w"}),
            "f.pth: would have two keys named \"w\", from \"w\" and \"module.w\": change the prefixes or the rename "
            "rules");
  // Unless a filter leaves both out.
  EXPECT_THAT(NamesOf({.prefixes = {"module."}, .skip = "^w$"}, {"w", "module.w", "v"}), ElementsAre("-", "-", "v"));
}

TEST(KeyMappingTest, AFilterThatMatchesNothingIsAnError) {
  const Keys keys = {"text.0.weight", "text.0.bias", "head.weight"};
  EXPECT_EQ(ErrorOf({.only = "^txt\\."}, keys),
            "f.pth: only \"^txt\\.\" matches none of the 3 keys; did you mean text.?");
  EXPECT_EQ(ErrorOf({.skip = "head.wieght$"}, keys),
            "f.pth: skip \"head.wieght$\" matches none of the 3 keys; did you mean head.weight?");
  EXPECT_THAT(KeyMapping({.only = "^txt\\."}, "f").Map(keys).names, testing::Each(testing::Eq(std::nullopt)));
}

TEST(KeyMappingTest, RefusesRulesThatAreNone) {
  // What follows are the standard library's words.
  EXPECT_THAT(ErrorOf({.rename = {{"(a", "b"}}}, {"a"}),
              testing::StartsWith("f.pth: rename \"(a\" -> \"b\" is not a regular expression ("));
  EXPECT_EQ(ErrorOf({.rename = {{"(a)", "\\1b"}}}, {"a"}),
            "f.pth: rename \"(a)\" -> \"\\1b\" has a backslash in what it puts in: the first group is $1, the whole "
            "match $&");
  EXPECT_EQ(ErrorOf({.prefixes = {""}}, {"a"}), "f.pth: a prefix is empty: leave it out");
  EXPECT_EQ(ErrorOf({.rename = {{"", "b"}}}, {"a"}), "f.pth: a rename rule has no pattern: leave it out");
}

// libstdc++ matches by recursion.
TEST(KeyMappingTest, RefusesKeysThatAreTooLongToMatch) {
  const std::string longest(limits::kMatchedKey, 'a'), longer = longest + "a";
  EXPECT_EQ(NamesOf({.rename = {{"^(a|b)*$", "x"}}}, {longest}), Keys{"x"});
  EXPECT_EQ(ErrorOf({.skip = "(a|b)*c"}, {longer}), "f.pth: has a key of 1025 bytes, \"" + std::string(40, 'a') +
                                                        "\"…: rename, only and skip are for keys of at most 1024");
  EXPECT_EQ(NamesOf(kWrappers, {"module." + longer}), Keys{longer});
}

// A rule after another may make keys longer each time.
TEST(KeyMappingTest, RefusesRulesThatMakeKeysTooLong) {
  EXPECT_EQ(ErrorOf({.rename = {{"a", "bbbb"}}}, {std::string(300, 'a')}),
            "f.pth: would have a key of 1200 bytes by rename \"a\" -> \"bbbb\", from \"" + std::string(40, 'a') +
                "\"…: a rule may make keys of at most 1024");
  EXPECT_EQ(ErrorOf({.rename = {{"a", std::string(1025, 'b')}}}, {"a"}),
            "f.pth: a rename rule puts in more than 1024 bytes");
}

// Calls work() on a thread with so many bytes of stack.
void OnStackOf(std::size_t bytes, const std::function<void()>& work) {
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, bytes), 0);
  const auto run = [](void* argument) -> void* {
    (*static_cast<const std::function<void()>*>(argument))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, run, const_cast<std::function<void()>*>(&work)), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

// libstdc++ matches by recursion.
TEST(KeyMappingTest, RefusesMatchesThatTakeTooMuchOfTheStack) {
  const std::string key = std::string(1000, 'a') + ".b", groups = std::string(30, '(') + "a" + std::string(30, ')');
  for (const std::string& pattern : {groups + "*x", std::string("(?:(?:a|b)+_?)*x"), std::string("^(.*)\\.(.*)$")}) {
    OnStackOf(std::size_t{1} << 19, [&] {
      EXPECT_EQ(ErrorOf({.rename = {{pattern, "x"}}}, {key}),
                "f.pth: has a key of 1002 bytes, \"" + std::string(40, 'a') +
                    "\"…, that takes too much memory to match: write simpler rules, without a repetition of groups");
    });
  }
  EXPECT_EQ(NamesOf({.rename = {{"^(.*)\\.(.*)$", "$2"}}}, {key}), Keys{"b"}) << "on an ordinary stack";
  EXPECT_EQ(KeyRulesProblem({.only = std::string(101, '(') + std::string(101, ')')}),
            "only \"" + std::string(101, '(') + std::string(101, ')') + "\" has more than 100 groups");
}

TEST(KeyMappingTest, RefusesEmptyClasses) {
  for (const std::string pattern : {"a[]b", "[^]", "[a][]]"}) {
    EXPECT_EQ(KeyRulesProblem({.only = pattern}), "only \"" + pattern + "\" has an empty class, [] or [^]");
  }
  for (const std::string pattern : {"\\[]", "[\\]]", "[a[]", "[^a]"}) {
    EXPECT_EQ(KeyRulesProblem({.only = pattern}), "") << pattern;
  }
}

// Looks at 1,000 characters from each of 1,000, in each of 1,000 keys.
TEST(KeyMappingTest, RefusesMatchesOfTooManySteps) {
  Keys keys;
  for (int i = 0; i < 1000; ++i) keys.push_back(std::string(1000, 'a') + std::to_string(i));
  EXPECT_EQ(ErrorOf({.rename = {{"a+b", "c"}}}, keys),
            "f.pth: has keys that take more than " + std::to_string(limits::kMatchSteps) +
                " steps to match, the last of them \"" + std::string(40, 'a') +
                "\"…: write fewer rules, or simpler ones, without a repetition inside a repetition");
}

// 2^40 ways to match nothing at the end of a key, none of which looks at a character.
TEST(KeyMappingTest, RefusesWaysToMatchThatLookAtNothing) {
  std::string groups;
  for (int i = 0; i < 40; ++i) groups += "(|)";
  EXPECT_THAT(ErrorOf({.rename = {{"^a" + groups + "x", "b"}}}, {"a"}),
              testing::HasSubstr(std::to_string(limits::kMatchSteps) + " steps to match"));
}

TEST(KeyMappingTest, TakesLinearTimeForAKeyOfNothingButPrefixes) {
  std::string key;
  for (int i = 0; i < 200'000; ++i) key += i % 2 == 0 ? "module." : "_orig_mod.";
  EXPECT_EQ(NamesOf(kWrappers, {key + "w"}), Keys{"w"});
}

TEST(KeyMappingTest, MapsTheModulesOfMetadata) {
  const KeyMapping mapping({.prefixes = {"module.", "_orig_mod."}, .rename = {{"^encoder\\.", "text."}}}, "f");
  EXPECT_THAT(mapping.MapModules(Keys{"", "module", "module.bn", "encoder", "encoder._orig_mod.bn"}),
              ElementsAre(std::nullopt, "", "bn", "text", "text.bn"));
  // The module's own entry wins, wherever it stands.
  EXPECT_THAT(mapping.MapModules(Keys{"module", ""}), ElementsAre("", std::nullopt));
}

TEST(KeyMappingTest, NoRulesChangeNothing) {
  const MappedKeys mapped = KeyMapping({}, "f").Map(Keys{"a", "module.b", ""});
  EXPECT_THAT(mapped.names, ElementsAre("a", "module.b", ""));
  EXPECT_THAT(mapped.unused_prefixes, IsEmpty());
}

}  // namespace
}  // namespace loadpath
