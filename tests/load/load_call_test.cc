// loadpath::Load and LoadInto on the checkpoints that training leaves behind. PyTorch made the files and the answers
// (make_call_files.py).
#include <gmock/gmock.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/serialize.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "loadpath/load.h"

namespace loadpath {
namespace {

using Json = nlohmann::json;

const std::string kFiles = CALL_FILES;

struct BlockImpl : torch::nn::Module {
  BlockImpl() {
    proj = register_module("proj", torch::nn::Linear(6, 6));
    norm = register_module("norm", torch::nn::BatchNorm1d(6));
  }
  at::Tensor forward(const at::Tensor& x) { return norm(proj(x)).relu(); }
  torch::nn::Linear proj{nullptr};
  torch::nn::BatchNorm1d norm{nullptr};
};
TORCH_MODULE(Block);

struct NetImpl : torch::nn::Module, ModuleInfo {
  NetImpl() {
    embed = register_module("embed", torch::nn::Embedding(11, 6));
    encoder = register_module("encoder", torch::nn::ModuleList(Block(), Block()));
    head = register_module("head", torch::nn::Linear(6, 3));
    scale = register_buffer("scale", at::full({1}, 0.5));
    non_persistent = {"scale"};
  }
  at::Tensor forward(const at::Tensor& tokens) {
    at::Tensor x = embed(tokens).mean(1);
    for (std::size_t i = 0; i < encoder->size(); ++i) x = encoder->at<BlockImpl>(i).forward(x);
    return head(x) * scale;
  }
  torch::nn::Embedding embed{nullptr};
  torch::nn::ModuleList encoder{nullptr};
  torch::nn::Linear head{nullptr};
  at::Tensor scale;
};
TORCH_MODULE(Net);

const std::vector<Json>& Cases() {
  static const std::vector<Json> cases = [] {
    Json all;
    std::ifstream(kFiles + "/cases.json") >> all;
    return all.get<std::vector<Json>>();
  }();
  return cases;
}

LoadOptions OptionsOf(const Json& options) {
  LoadOptions wanted{.key = options.value("key", ""),
                     .prefixes = options.value("prefixes", std::vector<std::string>{}),
                     .only = options.value("only", ""),
                     .skip = options.value("skip", ""),
                     .strict = options.value("strict", true),
                     .skip_mismatched = options.value("skip_mismatched", false),
                     .opaque = options.value("opaque", false)};
  for (const auto& rule : options.value("rename", std::vector<std::pair<std::string, std::string>>{}))
    wanted.rename.push_back({rule.first, rule.second});
  return wanted;
}

// A module with the values of the one that PyTorch loaded into.
Net Fresh() {
  Net net;
  LoadInto(*net, kFiles + "/fresh.pth");
  return net;
}

at::Tensor Forward(Net& net) {
  const at::NoGradGuard no_grad;
  net->eval();
  return net(at::arange(20).mul(7).remainder(11).view({5, 4}));
}

class EveryCase : public testing::TestWithParam<std::tuple<std::size_t, const char*>> {};

TEST_P(EveryCase, DoesWhatPythonDoes) {
  const auto& [index, via] = GetParam();
  const Json& record = Cases()[index];
  SCOPED_TRACE(record["name"].get<std::string>() + " by " + via);
  LoadOptions options = OptionsOf(record["options"]);
  options.via = via;
  Net net = Fresh();
  const at::Tensor before = Forward(net).clone();
  try {
    const LoadReport report = LoadInto(*net, kFiles + "/" + record["file"].get<std::string>(), options);
    ASSERT_EQ(record["error"], "");
    EXPECT_EQ(Json(report.missing_keys), record["missing"]);
    EXPECT_EQ(Json(report.unexpected_keys), record["unexpected"]);
    if (net->embed->weight.scalar_type() != at::kFloat) return;  // assigned: the module has the file's dtype
    const auto wanted = record["outputs"].get<std::vector<double>>();
    const at::Tensor outputs = Forward(net).to(at::kDouble).flatten();
    EXPECT_TRUE(at::equal(outputs, at::tensor(wanted, at::kDouble))) << outputs << wanted;
  } catch (const StateDictError& error) {
    EXPECT_EQ(error.what(), record["error"]);
    EXPECT_TRUE(at::equal(Forward(net), before)) << "a refused load leaves the module as it was";
  }
}

INSTANTIATE_TEST_SUITE_P(Files, EveryCase,
                         testing::Combine(testing::Range(std::size_t{0}, Cases().size()),
                                          testing::Values("auto", "copy", "assign", "mmap")));

TEST(Load, ConstructsAndFillsWhatTheFileLacks) {
  auto [net, report] = Load([] { return Net(); }, kFiles + "/backbone.pth",
                            {.prefixes = {"model."}, .skip = "^head\\.", .via = "direct"});
  EXPECT_TRUE(at::all(net->head->weight.abs() <= 1 / std::sqrt(6.0)).item<bool>());
  EXPECT_TRUE(at::any(net->head->weight != 0).item<bool>());
  EXPECT_EQ(report.path, "direct");
  EXPECT_EQ(report.format, "zip");
  EXPECT_EQ(report.crc.checked + report.crc.partial, 15u);
  const std::string lines = report.Text();
  EXPECT_THAT(lines, testing::HasSubstr("keys       2 left out, 15 loaded\n"));
}

TEST(Load, TakesEveryKindOfModule) {
  const std::string file = kFiles + "/plain.pth";
  Net holder = Load([] { return Net(); }, file).module;
  std::shared_ptr<NetImpl> shared = Load([] { return std::make_shared<NetImpl>(); }, file.c_str()).module;
  std::unique_ptr<NetImpl> unique =
      Load([] { return std::make_unique<NetImpl>(); }, std::filesystem::path(file)).module;
  auto [value, report] = Load([] { return NetImpl(); }, Checkpoint::Open(file));
  for (const NetImpl* net : {shared.get(), unique.get(), &value})
    EXPECT_TRUE(at::equal(net->head->weight, holder->head->weight));
  EXPECT_EQ(report.seconds.open, 0);
}

TEST(Load, TellsWhatBecameOfEveryKey) {
  const LoadReport report =
      Load([] { return Net(); }, kFiles + "/renamed.pth",
           {.rename = {{"^blocks\\.", "encoder."}, {"\\.fc\\.", ".proj."}, {"^nothing", "x"}}, .skip = "^head\\."})
          .report;
  const auto of = [&](const std::string& key) {
    const auto found = std::ranges::find(report.keys, key, &KeyReport::key);
    return std::string(Name(found->outcome)) + " from " + found->file_key;
  };
  EXPECT_EQ(of("encoder.1.proj.weight"), "loaded from blocks.1.fc.weight");
  EXPECT_EQ(of("embed.weight"), "loaded from ");
  EXPECT_EQ(of("head.weight"), "left out from ");
  EXPECT_THAT(report.warnings, testing::ElementsAre("rename \"^nothing\" -> \"x\" changes none of the 17 keys"));
}

TEST(Load, APartIntoASubmoduleIsStrict) {
  Net net;
  const LoadReport report = LoadInto(*net->encoder, kFiles + "/train.pth", {.key = "model.encoder"});
  EXPECT_EQ(report.missing_keys.size() + report.unexpected_keys.size(), 0u);
  const auto file = Checkpoint::Open(kFiles + "/train.pth");
  EXPECT_TRUE(at::equal(net->encoder->at<BlockImpl>(1).proj->weight, TensorAt(*file, "model.encoder.1.proj.weight")));
  EXPECT_EQ(report.keys[0].key + " from " + report.keys[0].file_key, "0.proj.weight from encoder.0.proj.weight");
  try {
    LoadInto(*net->encoder, kFiles + "/train.pth", {.key = "model.encodr"});
    FAIL();
  } catch (const CheckpointError& error) {
    EXPECT_EQ(error.code(), ErrorCode::kKeyPath);
  }
}

TEST(Load, AFailureLetsNoModuleOut) {
  std::shared_ptr<NetImpl> leaked;
  const auto make = [&] { return leaked = std::make_shared<NetImpl>(); };
  EXPECT_THROW(Load(make, kFiles + "/cut.pth"), CheckpointError);
  EXPECT_EQ(leaked, nullptr) << "the file is opened before anything is constructed";
  EXPECT_THROW(Load(make, kFiles + "/extra.pth"), StateDictError);
  // Even one that `make` has given away holds its first values.
  EXPECT_TRUE(at::equal(leaked->encoder->at<BlockImpl>(0).norm->weight, at::ones({6})));
  EXPECT_TRUE(at::equal(leaked->scale, at::full({1}, 0.5)));
}

// The counters of batch normalisation hold values from the start, the weights do not: damage in a weight must not cost
// them theirs.
TEST(Load, DamageLeavesWhatTheModuleHolds) {
  std::ifstream stream(kFiles + "/plain.pth", std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  const at::Tensor weight = TensorAt(*Checkpoint::Open(kFiles + "/plain.pth"), "embed.weight");
  const std::size_t at = bytes.find(std::string(static_cast<const char*>(weight.const_data_ptr()), weight.nbytes()));
  ASSERT_NE(at, std::string::npos);
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  const std::string damaged = testing::TempDir() + "damaged.pth";
  std::ofstream(damaged, std::ios::binary) << bytes;
  for (const char* via : {"direct", "copy", "assign"}) {
    std::shared_ptr<NetImpl> leaked;
    try {
      Load([&] { return leaked = std::make_shared<NetImpl>(); }, damaged, {.via = via, .crc = CrcMode::kOn});
      ADD_FAILURE() << via;
    } catch (const CheckpointError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("the file is damaged, record"));
    }
    EXPECT_EQ(leaked->encoder->at<BlockImpl>(0).norm->num_batches_tracked.item<std::int64_t>(), 0) << via;
  }
  std::remove(damaged.c_str());
}

TEST(Load, RefusesNamesThatAreNone) {
  Net net;
  const auto what = [&](const LoadOptions& options) -> std::string {
    try {
      LoadInto(*net, kFiles + "/plain.pth", options);
    } catch (const std::exception& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(what({.via = "dircet"}),
            "no load path dircet; did you mean direct? (auto, copy, direct, assign, mmap, pickle_load, jit_load)");
  EXPECT_EQ(what({.device = "gpu"}), "device gpu: not known; use cpu, cuda or cuda:N");
  EXPECT_EQ(what({.key = "model"}),
            kFiles +
                "/plain.pth: KeyError: 'model'; at the top level are 'embed.weight', 'encoder.0.proj.weight', "
                "'encoder.0.proj.bias', 'encoder.0.norm.weight', 'encoder.0.norm.bias', "
                "'encoder.0.norm.running_mean', 'encoder.0.norm.running_var', "
                "'encoder.0.norm.num_batches_tracked', 'encoder.1.proj.weight', 'encoder.1.proj.bias', "
                "'encoder.1.norm.weight', 'encoder.1.norm.bias' and 5 more");
  EXPECT_EQ(what({.only = "^encodr\\."}),
            kFiles + "/plain.pth: only \"^encodr\\.\" matches none of the 17 keys; did you mean encoder.?");
}

TEST(Load, ReportsProgressAndCancels) {
  Net net = Fresh();
  const at::Tensor before = Forward(net).clone();
  std::uint64_t last = 0, total = 0;
  LoadInto(*net, kFiles + "/train.pth", {.key = "model", .progress = [&](std::uint64_t done, std::uint64_t all) {
                                           EXPECT_GE(done, last);
                                           last = done, total = all;
                                           return true;
                                         }});
  EXPECT_EQ(last, total);
  EXPECT_GT(total, 0u);
  // A function that returns nothing cannot cancel.
  int calls = 0;
  LoadInto(*net, kFiles + "/plain.pth", {.progress = [&](std::uint64_t, std::uint64_t) { ++calls; }});
  EXPECT_GT(calls, 0);
  Net other = Fresh();
  EXPECT_THROW(LoadInto(*other, kFiles + "/train.pth",
                        {.key = "model", .progress = [](std::uint64_t, std::uint64_t) { return false; }}),
               CheckpointError);
  EXPECT_TRUE(at::equal(Forward(other), before));
}

TEST(TensorAt, GivesATensorOfTheFile) {
  const auto checkpoint = Checkpoint::Open(kFiles + "/train.pth");
  EXPECT_TRUE(at::equal(TensorAt(*checkpoint, "optimizer.state.0.exp_avg"), at::ones({2})));
  EXPECT_EQ(checkpoint->tree().integer(FollowKeyPath(*checkpoint, "epoch")), 7);
  try {
    TensorAt(*checkpoint, "optimizer");
    FAIL();
  } catch (const CheckpointError& error) {
    EXPECT_EQ(error.what(), kFiles + "/train.pth: has no dense tensor at \"optimizer\", but <dict of 1>");
  }
}

TEST(LoadInto, SaysThatNothingWasLoaded) {
  torch::nn::Linear source(2, 2), other(3, 3);
  std::ostringstream bytes;
  torch::save(source, bytes);
  const std::string text = bytes.str();
  const auto checkpoint = Checkpoint::FromMemory(std::as_bytes(std::span(text)));
  const auto warnings = [&](const LoadOptions& options) { return LoadInto(*other, checkpoint, options).warnings; };
  const std::string sentence = "nothing was loaded: report.keys says why of every key";
  EXPECT_THAT(warnings({.prefixes = {"weig", "bia"}, .strict = false}), testing::Contains(sentence));
  EXPECT_THAT(warnings({.skip_mismatched = true}), testing::Contains(sentence));
  EXPECT_THAT(LoadInto(*torch::nn::Linear(2, 2), checkpoint).warnings, testing::IsEmpty());
}

// What torch::save writes, and TorchScript, holds every buffer, for LibTorch does not know which are not persistent.
TEST(LoadInto, TakesAnArchiveThatHoldsABufferThatIsNotPersistent) {
  Net saved;
  std::ostringstream bytes;
  torch::save(saved, bytes);
  const std::string text = bytes.str();
  Net net;
  net->scale.fill_(7);
  const LoadReport report = LoadInto(*net, Checkpoint::FromMemory(std::as_bytes(std::span(text))));
  EXPECT_TRUE(at::equal(net->head->weight, saved->head->weight));
  EXPECT_EQ(net->scale.item<float>(), 7);
  const auto scale = std::ranges::find(report.keys, "scale", &KeyReport::key);
  ASSERT_NE(scale, report.keys.end());
  EXPECT_EQ(scale->outcome, KeyOutcome::kIgnored);
  net->non_persistent.clear();
  EXPECT_NO_THROW(LoadInto(*net, Checkpoint::FromMemory(std::as_bytes(std::span(text)))));
  EXPECT_EQ(net->scale.item<float>(), 0.5);
}

}  // namespace
}  // namespace loadpath
