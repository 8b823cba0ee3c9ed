#include "loadpath/deferred_init.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <torch/torch.h>

#include <algorithm>
#include <functional>
#include <thread>

#include "harness/state/own_writes.h"
#include "loadpath/load_state_dict.h"
#include "tests/state/linear_file.h"

namespace loadpath {
namespace {

namespace nn = torch::nn;

std::int64_t MinorFaults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

bool BitEqual(const at::Tensor& a, const at::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && at::equal(a, b);
}

void ExpectEqualState(const nn::Module& actual, const nn::Module& expected) {
  const auto compare = [](const auto& a, const auto& b) {
    ASSERT_EQ(a.size(), b.size());
    for (const auto& item : a) EXPECT_TRUE(BitEqual(item.value(), b[item.key()])) << item.key();
  };
  compare(actual.named_parameters(), expected.named_parameters());
  compare(actual.named_buffers(), expected.named_buffers());
}

using Factory = std::function<std::shared_ptr<nn::Module>()>;

std::vector<std::pair<std::string, Factory>> Factories() {
  return {
      {"Linear", [] { return nn::Linear(30, 20).ptr(); }},
      {"Conv2d", [] { return nn::Conv2d(nn::Conv2dOptions(3, 8, 3)).ptr(); }},
      {"ConvTranspose1d", [] { return nn::ConvTranspose1d(nn::ConvTranspose1dOptions(3, 8, 3)).ptr(); }},
      {"BatchNorm2d", [] { return nn::BatchNorm2d(5).ptr(); }},
      {"LayerNorm", [] { return nn::LayerNorm(nn::LayerNormOptions({5})).ptr(); }},
      {"Embedding with padding", [] { return nn::Embedding(nn::EmbeddingOptions(9, 4).padding_idx(2)).ptr(); }},
      {"LSTM", [] { return nn::LSTM(nn::LSTMOptions(4, 6).num_layers(2).bidirectional(true)).ptr(); }},
      {"MultiheadAttention", [] { return nn::MultiheadAttention(nn::MultiheadAttentionOptions(8, 2)).ptr(); }},
      {"Bilinear", [] { return nn::Bilinear(3, 4, 5).ptr(); }},
      {"Transformer", [] { return nn::TransformerEncoderLayer(nn::TransformerEncoderLayerOptions(8, 2)).ptr(); }},
      {"Sequential",
       [] { return nn::Sequential(nn::Linear(4, 4), nn::ReLU(), nn::BatchNorm1d(4), nn::Linear(4, 2)).ptr(); }},
      {"initialised by hand",
       [] {
         nn::Linear linear(40, 30);
         nn::init::constant_(linear->weight, 0.25);
         torch::NoGradGuard no_grad;
         linear->weight.mul_(3).clamp_(-1, 1);
         nn::init::constant_(linear->bias, 0.25);
         return linear.ptr();
       }},
      {"converted",
       [] {
         nn::Linear linear(40, 30);
         linear->to(torch::kBFloat16);
         return linear.ptr();
       }},
  };
}

TEST(DeferredInit, FinishGivesTheValuesOfOrdinaryConstruction) {
  for (const auto& [name, make] : Factories()) {
    SCOPED_TRACE(name);
    torch::manual_seed(7);
    const auto expected = make();
    torch::manual_seed(7);
    DeferredInit deferred;
    const auto actual = deferred.Construct(make);
    deferred.Finish();
    EXPECT_EQ(deferred.pending(), 0u);
    ExpectEqualState(*actual, *expected);
  }
}

TEST(DeferredInit, EveryRecordedFillReplaysToTheSameBits) {
  const std::vector<std::pair<std::string, std::function<void(at::Tensor)>>> fills = {
      {"uniform_", [](at::Tensor t) { t.uniform_(-2, 3); }},
      {"normal_", [](at::Tensor t) { t.normal_(1, 2); }},
      {"fill_", [](at::Tensor t) { t.fill_(2.5); }},
      {"zero_", [](at::Tensor t) { t.zero_(); }},
      {"random_", [](at::Tensor t) { t.random_(); }},
      {"random_ from", [](at::Tensor t) { t.random_(2, 9); }},
      {"random_ to", [](at::Tensor t) { t.random_(9); }},
      {"exponential_", [](at::Tensor t) { t.exponential_(2); }},
      {"bernoulli_", [](at::Tensor t) { t.bernoulli_(0.3); }},
      {"log_normal_", [](at::Tensor t) { t.log_normal_(); }},
      {"cauchy_", [](at::Tensor t) { t.cauchy_(); }},
      {"geometric_", [](at::Tensor t) { t.geometric_(0.5); }},
  };
  for (const auto& [name, fill] : fills) {
    SCOPED_TRACE(name);
    for (const bool by_touch : {false, true}) {
      torch::manual_seed(3);
      const at::Tensor expected = torch::full({50}, -1.0f);
      fill(expected);
      torch::manual_seed(3);
      DeferredInit deferred;
      const at::Tensor actual = torch::full({50}, -1.0f);
      {
        DeferredInit::Scope scope(deferred);
        fill(actual);
        EXPECT_EQ(actual.data_ptr<float>()[0], -1.0f) << "it ran at once";
        EXPECT_EQ(deferred.pending(), 1u);
        if (by_touch) {
          EXPECT_TRUE(BitEqual(actual, expected)) << "any other operation runs it first";
          EXPECT_EQ(deferred.pending(), 0u);
        }
      }
      deferred.Finish();
      EXPECT_TRUE(BitEqual(actual, expected));
    }
  }
}

TEST(DeferredInit, AFillOfAPartKeepsItsPlaceInTheOrder) {
  DeferredInit deferred;
  const at::Tensor tensor = torch::empty({3, 2});
  {
    DeferredInit::Scope scope(deferred);
    tensor.fill_(1);
    tensor[1].zero_();
    tensor.t()[0].fill_(4);
    EXPECT_EQ(deferred.pending(), 3u);
  }
  deferred.Finish();
  EXPECT_TRUE(BitEqual(tensor, torch::tensor({{4.f, 1.f}, {4.f, 0.f}, {4.f, 1.f}})));
}

TEST(DeferredInit, ConstructionLeavesTheWeightsMemoryUntouched) {
  static constexpr std::int64_t kSide = 4096;  // 64 MiB of float32
  DeferredInit deferred;
  const std::int64_t before = MinorFaults();
  const auto linear = deferred.Construct([] { return nn::Linear(kSide, kSide); });
  const std::int64_t faults = MinorFaults() - before;
#ifdef __SANITIZE_ADDRESS__
  constexpr std::int64_t kMost = 4096;  // AddressSanitizer writes to an eighth as much memory of its own
#else
  constexpr std::int64_t kMost = 256;
#endif
  EXPECT_LT(faults, kMost) << "64 MiB are 16384 pages of 4 KiB";
  deferred.Loaded(std::vector<at::Tensor>{linear->weight, linear->bias});
  EXPECT_EQ(deferred.pending(), 0u);
}

TEST(DeferredInit, WhatWasLoadedIsNotTouchedAndTheRestHasItsFirstValue) {
  DeferredInit deferred;
  const auto norm = deferred.Construct([] { return nn::BatchNorm1d(4); });
  {
    torch::NoGradGuard no_grad;
    norm->weight.fill_(5);
  }
  deferred.Loaded(std::vector<at::Tensor>{norm->weight});
  deferred.Finish();
  EXPECT_TRUE(BitEqual(norm->weight, torch::full({4}, 5.f)));
  EXPECT_TRUE(BitEqual(norm->bias, torch::zeros({4})));
  EXPECT_TRUE(BitEqual(norm->running_mean, torch::zeros({4})));
  EXPECT_TRUE(BitEqual(norm->running_var, torch::ones({4})));
  EXPECT_EQ(norm->num_batches_tracked.item<std::int64_t>(), 0);
}

TEST(DeferredInit, LoadStateDictForgetsTheFillsOfWhatItLoads) {
  const LinearFile file;
  for (const bool assign : {false, true}) {
    SCOPED_TRACE(assign ? "assign" : "copy");
    std::shared_ptr<nn::LinearImpl> linear;
    {
      DeferredInit deferred;
      linear = deferred.Construct([] { return std::make_shared<nn::LinearImpl>(3, 2); });
      LoadStateDictOptions options;
      options.assign = assign;
      LoadStateDict(*linear, file.Open(), options);
    }
    EXPECT_TRUE(BitEqual(linear->weight, torch::full({2, 3}, 9.f))) << "the destructor overwrote loaded weights";
    EXPECT_TRUE(BitEqual(linear->bias, torch::full({2}, 8.f)));
  }
}

TEST(DeferredInit, LoadStateDictLeavesTheFillsOfWhatItDoesNotLoad) {
  struct Wider : nn::LinearImpl {
    Wider() : LinearImpl(3, 2) { extra = register_parameter("extra", torch::empty({4}).fill_(3)); }
    at::Tensor extra;
  };
  const LinearFile file;
  DeferredInit deferred;
  const auto module = deferred.Construct([] { return std::make_shared<Wider>(); });
  EXPECT_ANY_THROW(LoadStateDict(*module, file.Open()));
  EXPECT_GT(deferred.pending(), 1u) << "a load that is refused changes nothing";
  LoadStateDictOptions options;
  options.strict = false;
  LoadStateDict(*module, file.Open(), options);
  EXPECT_EQ(deferred.pending(), 1u);
  deferred.Finish();
  EXPECT_TRUE(BitEqual(module->extra, torch::full({4}, 3.f)));
  EXPECT_TRUE(BitEqual(module->weight, torch::full({2, 3}, 9.f)));
}

TEST(DeferredInit, ATensorWhoseMemoryWasReplacedIsForgottenToo) {
  DeferredInit deferred;
  const auto linear = deferred.Construct([] { return nn::Linear(3, 2); });
  const at::Tensor loaded = torch::full({2, 3}, 9.f);
  linear->weight.set_data(loaded);
  deferred.Loaded(std::vector<at::Tensor>{linear->weight, linear->bias});
  EXPECT_EQ(deferred.pending(), 0u);
  deferred.Finish();
  EXPECT_TRUE(BitEqual(loaded, torch::full({2, 3}, 9.f)));
}

// The vector may end before the fill would run, and live on after the tensor.
TEST(DeferredInit, MemoryOfSomebodyElseIsFilledAtOnce) {
  DeferredInit deferred;
  std::vector<float> table(1000, 7.f);
  deferred.Construct([&] { torch::from_blob(table.data(), {1000}).zero_(); });
  EXPECT_EQ(deferred.pending(), 0u);
  EXPECT_EQ(table, std::vector<float>(1000));
}

// A table that is filled row by row.
TEST(DeferredInit, ManyFillsOfOneStorageTakeLinearTime) {
  DeferredInit deferred;
  const at::Tensor table = torch::empty({20'000, 1});
  {
    DeferredInit::Scope scope(deferred);
    for (std::int64_t i = 0; i < table.size(0); ++i) table.select(0, i).fill_(static_cast<double>(i));
  }
  EXPECT_EQ(deferred.pending(), 20'000u);
  deferred.Finish();
  EXPECT_TRUE(at::equal(table.flatten(), torch::arange(20'000, at::kFloat)));
}

TEST(DeferredInit, AFillNeverReachesMemoryThatWasGivenToATensorLater) {
  DeferredInit deferred;
  const auto linear = deferred.Construct([] { return nn::Linear(3, 2); });
  const at::Tensor given = torch::full({2, 3}, 9.f);
  linear->weight.set_data(given);
  deferred.Finish();
  EXPECT_TRUE(BitEqual(given, torch::full({2, 3}, 9.f)));
}

// Writes without an operation, which would run the fills.
void WriteInto(const at::Tensor& tensor, float value) { std::fill_n(tensor.data_ptr<float>(), tensor.numel(), value); }

TEST(DeferredInit, ALoadedViewKeepsItsBytesAndTheRestIsFilled) {
  for (const std::int64_t begin : {0, 1, 2}) {
    DeferredInit deferred;
    const at::Tensor flat = torch::empty({4});
    {
      DeferredInit::Scope scope(deferred);
      flat.fill_(1);
    }
    const at::Tensor part = flat.narrow(0, begin, 2);
    WriteInto(part, 7);
    ASSERT_EQ(deferred.pending(), 1u);
    deferred.Loaded(std::vector<at::Tensor>{part});
    deferred.Finish();
    const at::Tensor wanted = torch::ones({4});
    wanted.narrow(0, begin, 2).fill_(7);
    EXPECT_TRUE(BitEqual(flat, wanted)) << begin;
  }
}

TEST(DeferredInit, SeveralLoadedViewsOfOneStorageAllKeepTheirBytes) {
  DeferredInit deferred;
  const at::Tensor flat = torch::empty({6});
  {
    DeferredInit::Scope scope(deferred);
    flat.fill_(1);
  }
  const at::Tensor first = flat.narrow(0, 0, 2), second = flat.narrow(0, 3, 2);
  WriteInto(first, 7);
  WriteInto(second, 8);
  ASSERT_EQ(deferred.pending(), 1u);
  deferred.Loaded(std::vector<at::Tensor>{first, second});
  deferred.Finish();
  EXPECT_TRUE(BitEqual(flat, torch::tensor({7.f, 7.f, 1.f, 8.f, 8.f, 1.f})));
}

TEST(DeferredInit, ViewsThatTogetherCoverTheirStorageNeedNoFill) {
  DeferredInit deferred;
  const at::Tensor flat = torch::empty({4});
  {
    DeferredInit::Scope scope(deferred);
    flat.uniform_();
  }
  const at::Generator& generator = at::globalContext().defaultGenerator(at::kCPU);
  const at::Tensor before = generator.get_state();
  const at::Tensor first = flat.narrow(0, 0, 1), second = flat.narrow(0, 1, 3);
  WriteInto(first, 7);
  WriteInto(second, 8);
  deferred.Loaded(std::vector<at::Tensor>{second, first});
  EXPECT_EQ(deferred.pending(), 0u);
  EXPECT_TRUE(at::equal(generator.get_state(), before)) << "the fill ran";
  EXPECT_TRUE(BitEqual(flat, torch::tensor({7.f, 8.f, 8.f, 8.f})));
}

TEST(DeferredInit, AViewStaysFilledIfTheTensorBesideItGetsOtherMemory) {
  DeferredInit deferred;
  const at::Tensor flat = torch::zeros({4});
  {
    DeferredInit::Scope scope(deferred);
    flat.fill_(3);
  }
  const at::Tensor part = flat.narrow(0, 1, 2);
  const at::Tensor loaded = torch::full({4}, 9.f);
  {
    const OwnWrites own;  // as a load does, so that the fills do not run
    flat.set_data(loaded);
  }
  ASSERT_EQ(deferred.pending(), 1u);
  deferred.Loaded(std::vector<at::Tensor>{flat});
  deferred.Finish();
  EXPECT_TRUE(BitEqual(part, torch::full({2}, 3.f))) << "nobody loaded it";
  EXPECT_TRUE(BitEqual(flat, torch::full({4}, 9.f)));
}

TEST(DeferredInit, MemoryThatOnlyFilledViewsHeldIsForgotten) {
  DeferredInit deferred;
  const auto embedding = deferred.Construct([] { return nn::Embedding(nn::EmbeddingOptions(9, 4).padding_idx(2)); });
  EXPECT_EQ(deferred.pending(), 2u) << "the weight and its padding row";
  embedding->weight.set_data(torch::full({9, 4}, 9.f));
  deferred.Loaded(std::vector<at::Tensor>{embedding->weight});
  EXPECT_EQ(deferred.pending(), 0u);
}

TEST(DeferredInit, KeepsLoadedViewsInsideAScopeToo) {
  DeferredInit deferred;
  DeferredInit::Scope scope(deferred);
  const at::Tensor flat = torch::empty({4});
  flat.fill_(1);
  const at::Tensor part = flat.narrow(0, 1, 2);
  part.data_ptr<float>()[0] = part.data_ptr<float>()[1] = 7;
  deferred.Loaded(std::vector<at::Tensor>{part});
  EXPECT_TRUE(BitEqual(flat, torch::tensor({1.f, 7.f, 7.f, 1.f})));
}

TEST(DeferredInit, ALoadOnAnotherThreadIsNotOverwritten) {
  const LinearFile file;
  DeferredInit deferred;
  const auto linear = deferred.Construct([] { return std::make_shared<nn::LinearImpl>(3, 2); });
  std::thread([&] {
    EXPECT_TRUE(DeferredInit::WillFill(linear->weight));
    LoadStateDict(*linear, file.Open());
  }).join();
  EXPECT_EQ(deferred.pending(), 0u);
  deferred.Finish();
  EXPECT_TRUE(BitEqual(linear->weight, torch::full({2, 3}, 9.f)));
  EXPECT_TRUE(BitEqual(linear->bias, torch::full({2}, 8.f)));
}

TEST(DeferredInit, AScopeOnAnotherThreadRunsTheFillsOfWhatItReads) {
  DeferredInit deferred;
  const at::Tensor tensor = torch::zeros({2});
  {
    DeferredInit::Scope scope(deferred);
    tensor.fill_(6);
  }
  std::thread([&] {
    DeferredInit other;
    EXPECT_TRUE(BitEqual(other.Construct([&] { return tensor + 1; }), torch::full({2}, 7.f)));
  }).join();
  EXPECT_EQ(deferred.pending(), 0u);
}

TEST(DeferredInit, ThreadsConstructAndLoadAtOnce) {
  const LinearFile file;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        DeferredInit deferred;
        const auto linear = deferred.Construct([] { return std::make_shared<nn::LinearImpl>(3, 2); });
        LoadStateDict(*linear, file.Open());
        deferred.Finish();
        EXPECT_TRUE(BitEqual(linear->weight, torch::full({2, 3}, 9.f)));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(DeferredInit, SaysWhichTensorsItWillFill) {
  DeferredInit deferred;
  const at::Tensor whole = torch::empty({4}), partly = torch::empty({4}), other = torch::empty({4});
  {
    DeferredInit::Scope scope(deferred);
    whole.zero_();
    partly.narrow(0, 0, 2).zero_();
  }
  EXPECT_TRUE(DeferredInit::WillFill(whole));
  EXPECT_TRUE(DeferredInit::WillFill(whole.narrow(0, 1, 2)));
  EXPECT_FALSE(DeferredInit::WillFill(partly));
  EXPECT_FALSE(DeferredInit::WillFill(other));
  deferred.Finish();
  EXPECT_FALSE(DeferredInit::WillFill(whole));
}

TEST(DeferredInit, ScopesNestAndEndWithTheConstructionThatThrows) {
  DeferredInit outer, inner;
  const at::Tensor a = torch::empty({2}), b = torch::empty({2});
  {
    DeferredInit::Scope scope(outer);
    a.fill_(1);
    EXPECT_THROW(inner.Construct([&]() -> int {
      b.fill_(2);
      a.add_(1);  // recorded by the outer object
      throw std::runtime_error("no");
    }),
                 std::runtime_error);
    EXPECT_EQ(outer.pending(), 0u);
    EXPECT_EQ(inner.pending(), 1u);
    a.fill_(3);
    EXPECT_EQ(outer.pending(), 1u);
  }
  b.fill_(4);
  EXPECT_EQ(inner.pending(), 0u) << "nothing is recorded outside a scope, and what was is not to overwrite the 4";
  EXPECT_TRUE(BitEqual(b, torch::full({2}, 4.f)));
}

TEST(DeferredInit, TheDestructorRunsWhatIsLeft) {
  const at::Tensor tensor = torch::empty({2});
  {
    DeferredInit deferred;
    DeferredInit::Scope scope(deferred);
    tensor.fill_(6);
  }
  EXPECT_TRUE(BitEqual(tensor, torch::full({2}, 6.f)));
}

TEST(DeferredInit, AWrongFillIsRaisedWhereItIsCalled) {
  DeferredInit deferred;
  DeferredInit::Scope scope(deferred);
  const at::Tensor tensor = torch::empty({2});
  EXPECT_THROW(tensor.normal_(0, -1), c10::Error);
  const at::Tensor leaf = torch::empty({2}, torch::requires_grad());
  EXPECT_THROW(leaf.zero_(), c10::Error);
  EXPECT_EQ(deferred.pending(), 0u);
}

}  // namespace
}  // namespace loadpath
