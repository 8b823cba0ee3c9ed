// Whatever is done between a construction without initialisation and its end, and in whatever order: the module is then
// the one that ordinary construction and the same steps give.
#include <gtest/gtest.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <functional>
#include <thread>

#include "loadpath/deferred_init.h"
#include "loadpath/load_state_dict.h"
#include "tests/state/linear_file.h"

namespace loadpath {
namespace {

// A Linear(3, 2) that is not initialised at random, with tensors that no file has.
struct Net : torch::nn::Module {
  Net() {
    weight = register_parameter("weight", at::empty({2, 3}).fill_(0.25));
    bias = register_parameter("bias", at::empty({2}).fill_(0.5));
    extra = register_parameter("extra", at::empty({4}).fill_(3));
    steps = register_buffer("steps", at::empty({4}).fill_(1));
    steps.slice(0, 2).fill_(2);  // a view
  }
  at::Tensor weight, bias, extra, steps;
};

struct Subject {
  std::shared_ptr<Net> net;
  std::unique_ptr<DeferredInit> deferred;  // null for the ordinary module
  std::vector<at::Tensor> seen{};          // what the steps have read
};

struct Step {
  const char* name;
  std::function<void(Subject&)> run;
};

LoadStateDictOptions Lenient(bool assign) { return {.strict = false, .assign = assign}; }

const std::vector<Step>& Steps() {
  static const LinearFile file;
  static const auto only_bias = [] {
    StateDict state_dict = file.Open();
    state_dict.Apply({.only = "^bias$"});
    return state_dict;
  };
  static const std::vector<Step> steps = {
      {"load", [](Subject& s) { LoadStateDict(*s.net, file.Open(), Lenient(false)); }},
      {"assign", [](Subject& s) { LoadStateDict(*s.net, file.Open(), Lenient(true)); }},
      {"load a part", [](Subject& s) { LoadStateDict(*s.net, only_bias()); }},
      {"refused load", [](Subject& s) { EXPECT_THROW(LoadStateDict(*s.net, file.Open()), StateDictError); }},
      {"fill", [](Subject& s) { s.net->extra.fill_(9); }},
      {"fill a view", [](Subject& s) { s.net->weight[0].fill_(7); }},
      {"add", [](Subject& s) { s.net->bias.add_(1); }},
      {"copy", [](Subject& s) { s.net->extra.copy_(torch::full({4}, 6.f)); }},
      {"add on another thread",
       [](Subject& s) {
         std::thread([&] {
           const at::NoGradGuard no_grad;
           s.net->steps.mul_(2);
         }).join();
       }},
      {"forward",
       [](Subject& s) {
         const at::Tensor input = at::ones({1, 3}, s.net->weight.options().requires_grad(false));
         s.seen.push_back(at::linear(input, s.net->weight, s.net->bias).detach());
       }},
      {"read",
       [](Subject& s) {
         s.seen.push_back(at::cat({s.net->extra, s.net->steps}).detach());
       }},
      {"replace", [](Subject& s) { s.net->extra.set_data(torch::full({4}, 5.f)); }},
      {"convert", [](Subject& s) { s.net->to(at::kDouble); }},
      {"finish",
       [](Subject& s) {
         if (s.deferred) s.deferred->Finish();
       }},
      {"end", [](Subject& s) { s.deferred.reset(); }},
      {"construct another one",
       [](Subject& s) {
         if (s.deferred) s.deferred->Construct([] { return Net(); });
       }},
  };
  return steps;
}

void ExpectSame(const Subject& actual, const Subject& expected, const std::string& order) {
  for (const auto& item : expected.net->named_parameters())
    EXPECT_TRUE(at::equal(actual.net->named_parameters()[item.key()], item.value())) << item.key() << " after" << order;
  for (const auto& item : expected.net->named_buffers())
    EXPECT_TRUE(at::equal(actual.net->named_buffers()[item.key()], item.value())) << item.key() << " after" << order;
  ASSERT_EQ(actual.seen.size(), expected.seen.size());
  for (std::size_t i = 0; i < actual.seen.size(); ++i)
    EXPECT_TRUE(at::equal(actual.seen[i], expected.seen[i])) << "what was read after" << order;
}

void TryOrder(const std::vector<std::size_t>& order) {
  const at::NoGradGuard no_grad;
  std::string names;
  Subject expected{std::make_shared<Net>(), nullptr};
  Subject actual{nullptr, std::make_unique<DeferredInit>()};
  actual.net = actual.deferred->Construct([] { return std::make_shared<Net>(); });
  for (const std::size_t step : order) {
    names += std::string(" / ") + Steps()[step].name;
    Steps()[step].run(expected);
    Steps()[step].run(actual);
  }
  actual.deferred.reset();
  ExpectSame(actual, expected, names);
}

TEST(DeferredOrders, EveryOrderOfUpToThreeStepsGivesTheModuleOfOrdinaryConstruction) {
  const std::size_t count = Steps().size();
  for (std::size_t a = 0; a < count && !testing::Test::HasFailure(); ++a) {
    TryOrder({a});
    for (std::size_t b = 0; b < count && !testing::Test::HasFailure(); ++b) {
      TryOrder({a, b});
      for (std::size_t c = 0; c < count && !testing::Test::HasFailure(); ++c) TryOrder({a, b, c});
    }
  }
}

TEST(DeferredOrders, NothingIsWatchedOnceNothingIsRecorded) {
  const auto watched = [] { return at::hasGlobalCallbacks(); };
  ASSERT_FALSE(watched());
  const LinearFile file;
  DeferredInit deferred;
  auto linear = deferred.Construct([] { return torch::nn::Linear(3, 2); });
  EXPECT_TRUE(watched());
  LoadStateDict(*linear, file.Open());
  EXPECT_FALSE(watched());
}

}  // namespace
}  // namespace loadpath
