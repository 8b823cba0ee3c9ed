// Tests that load_state_dict does what PyTorch does, in every case of make_cases.py.
#include "loadpath/load_state_dict.h"

#include <gtest/gtest.h>
#include <torch/nn/module.h>
#include <torch/types.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "harness/base/sha256.h"
#include "harness/state/scalar_type.h"
#include "tests/state/modules.h"

namespace loadpath {
namespace {

using Json = nlohmann::json;

const std::string kCases = LOADPATH_STATE_CASES;

const Json& Cases() {
  static const Json cases = Json::parse(std::ifstream(kCases + "/cases.json"));
  return cases;
}

std::string DigestOf(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.detach().resolve_conj().resolve_neg().contiguous().reshape(-1);
  return Sha256({static_cast<const std::byte*>(flat.const_data_ptr()), flat.nbytes()});
}

Json Describe(const at::Tensor& tensor) {
  return {{"dtype", Name(*FromScalarType(tensor.scalar_type()))},
          {"shape", tensor.sizes().vec()},
          {"stride", tensor.strides().vec()},
          {"requires_grad", tensor.requires_grad()},
          {"sha256", tensor.is_meta() ? Json() : Json(DigestOf(tensor))}};
}

Json DescribeAll(const torch::OrderedDict<std::string, at::Tensor>& tensors) {
  Json all = Json::object();
  for (const auto& item : tensors) all[item.key()] = Describe(item.value());
  return all;
}

Json StateOf(const torch::nn::Module& module) {
  return {{"parameters", DescribeAll(module.named_parameters())}, {"buffers", DescribeAll(module.named_buffers())}};
}

LoadStateDictOptions OptionsOf(const Json& record) { return {.strict = record["strict"], .assign = record["assign"]}; }

StateDict StateDictOf(const Json& record) {
  StateDict state_dict = StateDict::From(Checkpoint::Open(kCases + "/" + record["file"].get<std::string>()),
                                         record["key"].get<std::string>());
  if (record["prefix"] != "") state_dict.Apply({.prefixes = {record["prefix"].get<std::string>()}});
  return state_dict;
}

class Case : public testing::TestWithParam<std::size_t> {
 protected:
  const Json& record() const { return Cases()[GetParam()]; }
};

TEST_P(Case, DoesWhatPyTorchDoes) {
  SCOPED_TRACE(record()["name"].get<std::string>() + ", " + record()["file"].get<std::string>());
  const auto module = MakeModule(record()["factory"]);
  ASSERT_TRUE(module);
  const Json before = StateOf(*module);
  const std::string expected_error = record()["error"];
  LoadPlan plan;
  IncompatibleKeys keys;
  try {
    const StateDict state_dict = StateDictOf(record());
    plan = PlanLoadStateDict(*module, state_dict, OptionsOf(record()));
    EXPECT_EQ(StateOf(*module), before) << "planning writes nothing";
    keys = LoadStateDict(*module, state_dict, OptionsOf(record()));
  } catch (const StateDictError& error) {
    EXPECT_EQ(error.what(), expected_error);
    EXPECT_EQ(StateOf(*module), before) << "a refused load leaves the module as it was";
    return;
  }
  EXPECT_EQ("", expected_error);
  EXPECT_EQ(Json(keys.missing_keys), record()["missing"]);
  EXPECT_EQ(Json(keys.unexpected_keys), record()["unexpected"]);
  EXPECT_EQ(Json(plan.warnings), record()["warnings"]);
  const Json after = StateOf(*module);
  for (const char* kind : {"parameters", "buffers"}) {
    ASSERT_EQ(after[kind].size(), record()[kind].size());
    for (const auto& [name, expected] : record()[kind].items()) EXPECT_EQ(after[kind][name], expected) << name;
  }
}

TEST_P(Case, ReportsEveryKeyOnce) {
  SCOPED_TRACE(record()["name"].get<std::string>());
  const auto module = MakeModule(record()["factory"]);
  LoadCheck check;
  std::set<std::string> keys;
  try {
    const StateDict state_dict = StateDictOf(record());
    check = CheckLoadStateDict(*module, state_dict, OptionsOf(record()));
    if (!state_dict.key_error().empty()) return;
    for (const StateDict::Entry& entry : state_dict.entries()) keys.insert(entry.key);
  } catch (const StateDictError&) {
    return;
  }
  if (check.error_messages == std::vector{check.error}) return;  // it was raised before all keys were visited
  std::multiset<std::string> reported;
  for (const KeyReport& report : check.plan.report) reported.insert(report.key);
  for (const std::string& key : reported) EXPECT_EQ(reported.count(key), 1u) << key;
  for (const std::string& key : keys) EXPECT_EQ(reported.count(key), 1u) << key;
  for (const std::string& key : check.plan.missing_keys) EXPECT_EQ(reported.count(key), 1u) << key;
}

INSTANTIATE_TEST_SUITE_P(PyTorch, Case, testing::Range(std::size_t{0}, Cases().size()));

}  // namespace
}  // namespace loadpath
