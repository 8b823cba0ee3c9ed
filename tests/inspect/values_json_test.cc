#include "harness/inspect/values_json.h"

#include <gtest/gtest.h>

#include "tests/inspect/pickles.h"

namespace loadpath {
namespace {

using namespace pickles;

ValuesJson Json(const std::string& value) {
  const auto checkpoint = Opened(value, {{"0", {1}}}, {.opaque = true});
  const std::vector<TensorPath> tensors = ListTensors(checkpoint->tree(), checkpoint->tree().root());
  return WriteValues(*checkpoint, checkpoint->tree().root(), IndexTensors(tensors));
}

const std::string kTensor = Tensor("0", 1, 0, {1}, {1});

TEST(ValuesJsonTest, LeavesTensorsOutOfDictsAndNumbersThemElsewhere) {
  EXPECT_EQ(Json(Dict({{"w", kTensor}, {"list", List({kTensor, Int(5)})}, {"$x", kNone}})).values,
            R"({"list":[{"$tensor":1},5],"$$x":null})");
}

TEST(ValuesJsonTest, NotesTypesThatJsonDoesNotHave) {
  const ValuesJson json = Json(Dict({{"w", kTensor}, {"pair", Tuple({Int(1), Float(2)})}}));
  EXPECT_EQ(json.values, R"({"pair":[1,2.0]})");
  EXPECT_EQ(json.types, R"([{"path":["pair"],"type":"tuple"}])");
}

TEST(ValuesJsonTest, WritesObjectsWithArgumentsAndState) {
  const std::string object = WithState(Call(Name("a", "B"), {Int(1)}), Dict({{"x", Int(2)}}));
  EXPECT_EQ(Json(Dict({{"w", kTensor}, {"o", object}})).values,
            R"({"o":{"$object":"a.B","args":[1],"state":{"x":2}}})");
}

TEST(ValuesJsonTest, WritesAReferenceInsideAValueItself) {
  // The list in the memo is appended to itself.
  const std::string loop = std::string("]q\0h\0a", 6);
  EXPECT_EQ(Json(Dict({{"w", kTensor}, {"loop", loop}})).values, R"({"loop":[{"$ref":["loop"]}]})");
}

TEST(ValuesJsonTest, EscapesTheNameOfAClass) {
  const std::string object = Name("m", "A\"B\\") + ")\x81(" + Text("x") + Int(1) + "u";
  const ValuesJson json = Json(Dict({{"w", kTensor}, {"o", object}}));
  EXPECT_EQ(json.values, R"({"o":{"x":1}})");
  EXPECT_EQ(json.types, R"([{"path":["o"],"type":"m.A\"B\\"}])");
}

}  // namespace
}  // namespace loadpath
