#include <gtest/gtest.h>
#include <torch/types.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "harness/golden/compare.h"
#include "loadpath/load_state_dict.h"
#include "models/models.h"
#include "tests/models/reference_module.h"

namespace loadpath {
namespace {

class EveryModel : public testing::TestWithParam<const Model*> {
 protected:
  const Model& model() const { return *GetParam(); }
  const ManifestModel& reference() const { return ReferenceOf(model()); }
  // Returns the manifest's entry of the model with its keys in their order.
  nlohmann::ordered_json OrderedReference() const {
    reference();
    std::ifstream stream(ReferenceManifest().PathOf("manifest.json"));
    return nlohmann::ordered_json::parse(stream).at("models").at(std::string(model().name));
  }
};

std::vector<const Model*> All() {
  std::vector<const Model*> all;
  for (const Model& model : Models()) all.push_back(&model);
  return all;
}
INSTANTIATE_TEST_SUITE_P(Models, EveryModel, testing::ValuesIn(All()), [](const auto& info) {
  std::string name(info.param->name);
  std::replace(name.begin(), name.end(), ':', '_');
  return name;
});

// Appends "name dtype shape" of parameters, then buffers, then children: the order of Python's state_dict().
void Append(const torch::nn::Module& module, const std::string& prefix, std::vector<std::string>& lines) {
  const auto add = [&](const auto& item) {
    const std::string dtype = item.value().scalar_type() == at::kLong ? "int64" : "float32";
    EXPECT_TRUE(item.value().scalar_type() == at::kLong || item.value().scalar_type() == at::kFloat);
    lines.push_back(prefix + item.key() + " " + dtype + " " + nlohmann::json(item.value().sizes().vec()).dump());
  };
  for (const auto& item : module.named_parameters(/*recurse=*/false)) add(item);
  for (const auto& item : module.named_buffers(/*recurse=*/false)) add(item);
  for (const auto& child : module.named_children()) Append(*child.value(), prefix + child.key() + ".", lines);
}

TEST_P(EveryModel, HasPythonsClassNameInMessages) {
  EXPECT_EQ(PythonClassName(*model().make()), OrderedReference().at("class").get<std::string>());
}

TEST_P(EveryModel, HasPythonsNamesDtypesAndShapesInItsOrder) {
  std::vector<std::string> expected, actual;
  const auto reference = OrderedReference();
  for (const auto& [name, tensor] : reference.at("tensors").items()) {
    expected.push_back(name + " " + tensor.at("dtype").get<std::string>() + " " + tensor.at("shape").dump());
  }
  Append(*model().make(), "", actual);
  EXPECT_EQ(actual, expected);
}

TEST_P(EveryModel, HasGoldensForItsBatches) {
  std::vector<std::int64_t> batches;
  for (const auto& [batch, file] : reference().goldens) batches.push_back(batch);
  EXPECT_EQ(batches, model().batches);
}

TEST_P(EveryModel, MakesPythonsInputsBitByBit) {
  for (const std::int64_t batch : model().batches) {
    const Golden golden = ReadGolden(ReferenceManifest(), reference(), batch);
    const std::vector<at::Tensor> inputs = model().example_inputs(batch);
    ASSERT_EQ(inputs.size(), golden.inputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      EXPECT_EQ(inputs[i].sizes(), golden.inputs[i].sizes());
      EXPECT_EQ(Digest(inputs[i]), Digest(golden.inputs[i]));
    }
  }
}

TEST_P(EveryModel, GivesPythonsAnswersWithPythonsWeights) {
  const std::shared_ptr<torch::nn::Module> module = ReferenceModule(model());
  EXPECT_EQ(CheckParameters(*module, reference()), "");
  const Tolerance tolerance{.rtol = reference().rtol, .atol = reference().atol};
  torch::NoGradGuard no_grad;
  for (const std::int64_t batch : model().batches) {
    const Golden golden = ReadGolden(ReferenceManifest(), reference(), batch);
    const std::vector<at::Tensor> outputs = model().forward(*module, golden.inputs);
    ASSERT_EQ(outputs.size(), golden.outputs.size());
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const Comparison comparison = Compare(outputs[i], golden.outputs[i], tolerance);
      EXPECT_TRUE(comparison.equal) << comparison.sentence;
      RecordProperty("batch_" + std::to_string(batch), comparison.sentence);
      EXPECT_GT(golden.outputs[i].std().item<double>(), 1e-3)
          << "an output whose elements are all equal proves nothing";
    }
  }
}

TEST_P(EveryModel, GivesOtherAnswersWithOtherWeights) {
  const std::shared_ptr<torch::nn::Module> module = model().make();
  module->eval();
  torch::NoGradGuard no_grad;
  const Golden golden = ReadGolden(ReferenceManifest(), reference(), model().batches.front());
  const Tolerance tolerance{.rtol = reference().rtol, .atol = reference().atol};
  EXPECT_NE(CheckParameters(*module, reference()), "");
  EXPECT_FALSE(Compare(model().forward(*module, golden.inputs)[0], golden.outputs[0], tolerance).equal);
}

TEST_P(EveryModel, RepeatsItselfBitByBitAfterEval) {
  const std::shared_ptr<torch::nn::Module> module = ReferenceModule(model());
  torch::NoGradGuard no_grad;
  const std::vector<at::Tensor> inputs = model().example_inputs(model().batches.back());
  EXPECT_EQ(Digest(model().forward(*module, inputs)[0]), Digest(model().forward(*module, inputs)[0]));
}

TEST(Models, RefuseAnotherNumberOfInputs) {
  const Model& model = *FindModel("linear");
  EXPECT_THROW(model.forward(*model.make(), {}), c10::ValueError);
}

TEST(Models, AreFoundByName) {
  for (const Model& model : Models()) EXPECT_EQ(FindModel(model.name), &model);
  EXPECT_EQ(FindModel("multi"), nullptr);
}

TEST(Gpt2, TiesTheHeadToTheEmbedding) {
  const std::shared_ptr<torch::nn::Module> module = FindModel("gpt2")->make();
  const auto parameters = module->named_parameters();
  EXPECT_TRUE(parameters["lm_head.weight"].is_same(parameters["transformer.wte.weight"]));
}

}  // namespace
}  // namespace loadpath
