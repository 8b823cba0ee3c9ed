// Tests the report of a load, and the names and texts that messages are made of.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include "harness/state/python_text.h"
#include "loadpath/load_state_dict.h"
#include "loadpath/module_info.h"
#include "tests/state/modules.h"

namespace named {
struct PlainImpl : torch::nn::Module {};
template <class T>
struct HolderImpl : torch::nn::Module {};
}  // namespace named

namespace loadpath {
namespace {

struct Local : torch::nn::Module {};
struct Impl : torch::nn::Module {};
struct Renamed : torch::nn::Module, ModuleInfo {
  Renamed() { python_class = "ResNet"; }
};

TEST(PythonClassName, IsTheClassWithoutNamespaceAndImpl) {
  struct InFunction : torch::nn::Module {};
  EXPECT_EQ(PythonClassName(*torch::nn::Linear(1, 1)), "Linear");
  EXPECT_EQ(PythonClassName(*torch::nn::Sequential()), "Sequential");
  EXPECT_EQ(PythonClassName(named::PlainImpl()), "Plain");
  EXPECT_EQ(PythonClassName(named::HolderImpl<std::vector<torch::nn::Linear>>()), "Holder");
  EXPECT_EQ(PythonClassName(Local()), "Local");
  EXPECT_EQ(PythonClassName(Impl()), "Impl");
  EXPECT_EQ(PythonClassName(InFunction()), "InFunction");
  EXPECT_EQ(PythonClassName(Renamed()), "ResNet");
}

TEST(StringRepr, IsPythonsRepr) {
  // (text, repr(text)) as Python 3.11 prints it.
  const std::pair<std::string, std::string> cases[] = {
      {"plain", "'plain'"},
      {"it's", "\"it's\""},
      {"\"", "'\"'"},
      {"'\"", "'\\'\"'"},
      {"a\\b", "'a\\\\b'"},
      {"\n\r\t", "'\\n\\r\\t'"},
      {std::string("\0\x7f", 2), "'\\x00\\x7f'"},
      {"ä", "'ä'"},
  };
  for (const auto& [text, repr] : cases) EXPECT_EQ(StringRepr(text), repr);
}

TEST(KeyReports, SayWhatHappensToEachKey) {
  const auto module = MakeModule("net");
  const auto checkpoint = Checkpoint::Open(std::string(LOADPATH_STATE_CASES) + "/report.pth");
  const LoadCheck check = CheckLoadStateDict(*module, StateDict::From(checkpoint));
  std::vector<std::string> lines;
  for (const KeyReport& report : check.plan.report)
    lines.push_back(report.key + " " + std::string(Name(report.outcome)));
  EXPECT_THAT(
      lines, testing::ElementsAre("extra unexpected", "conv.weight converted", "conv.bias missing", "bn.weight loaded",
                                  "bn.bias loaded", "bn.running_mean loaded", "bn.running_var refused",
                                  "bn.num_batches_tracked defaulted", "fc.weight loaded", "fc.bias loaded",
                                  "blocks.0.0.weight loaded", "blocks.0.0.bias loaded", "blocks.1.weight loaded",
                                  "blocks.1.bias loaded", "blocks.1.running_mean loaded", "blocks.1.running_var loaded",
                                  "blocks.1.num_batches_tracked loaded"));
  EXPECT_THAT(check.error_messages, testing::ElementsAre("Missing key(s) in state_dict: \"conv.bias\". ",
                                                         "Unexpected key(s) in state_dict: \"extra\". ",
                                                         "size mismatch for bn.running_var: copying a param with shape "
                                                         "torch.Size([9]) from checkpoint, the shape in current "
                                                         "model is torch.Size([2])."));
  EXPECT_EQ(check.plan.tensors.size(), 13u);
}

}  // namespace
}  // namespace loadpath
