// Every fill, on every dtype and every layout: recorded or not, it gives the bits or the error of an ordinary call.
#include <ATen/ThreadLocalState.h>
#include <gtest/gtest.h>
#include <torch/library.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/rnn.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <functional>

#include "loadpath/deferred_init.h"

namespace loadpath {
namespace {

struct FillCall {
  const char* name;
  std::function<void(const at::Tensor&)> run;
};

const std::vector<FillCall>& FillCalls() {
  static const std::vector<FillCall> calls = {
      {"uniform_", [](const at::Tensor& t) { t.uniform_(-2, 3); }},
      {"uniform_ backwards", [](const at::Tensor& t) { t.uniform_(3, -2); }},
      {"normal_", [](const at::Tensor& t) { t.normal_(1, 2); }},
      {"normal_ wrong", [](const at::Tensor& t) { t.normal_(0, -1); }},
      {"fill_", [](const at::Tensor& t) { t.fill_(2.5); }},
      {"fill_ too large", [](const at::Tensor& t) { t.fill_(1e300); }},
      {"fill_ complex", [](const at::Tensor& t) { t.fill_(c10::complex<double>(1, 2)); }},
      {"zero_", [](const at::Tensor& t) { t.zero_(); }},
      {"random_", [](const at::Tensor& t) { t.random_(); }},
      {"random_ from", [](const at::Tensor& t) { t.random_(2, 9); }},
      {"random_ from large", [](const at::Tensor& t) { t.random_(std::int64_t{1} << 20, std::int64_t{1} << 40); }},
      {"random_ to", [](const at::Tensor& t) { t.random_(9); }},
      {"random_ to nothing", [](const at::Tensor& t) { t.random_(0); }},
      {"exponential_", [](const at::Tensor& t) { t.exponential_(2); }},
      {"exponential_ wrong", [](const at::Tensor& t) { t.exponential_(-1); }},
      {"bernoulli_", [](const at::Tensor& t) { t.bernoulli_(0.3); }},
      {"bernoulli_ wrong", [](const at::Tensor& t) { t.bernoulli_(3); }},
      {"log_normal_", [](const at::Tensor& t) { t.log_normal_(); }},
      {"cauchy_", [](const at::Tensor& t) { t.cauchy_(); }},
      {"geometric_", [](const at::Tensor& t) { t.geometric_(0.5); }},
      {"geometric_ wrong", [](const at::Tensor& t) { t.geometric_(2); }},
  };
  return calls;
}

struct Layout {
  const char* name;
  std::function<at::Tensor(const at::Tensor& of_24)> view;
};

const std::vector<Layout>& Layouts() {
  static const std::vector<Layout> layouts = {
      {"contiguous", [](const at::Tensor& t) { return t; }},
      {"empty", [](const at::Tensor& t) { return t.narrow(0, 3, 0); }},
      {"one element", [](const at::Tensor& t) { return t[5]; }},
      {"transposed",
       [](const at::Tensor& t) {
         return t.view({4, 6}).t();
       }},
      {"with gaps", [](const at::Tensor& t) { return t.slice(0, 1, 24, 3); }},
      {"expanded", [](const at::Tensor& t) { return t.narrow(0, 2, 1).expand({4}); }},
      {"overlapping windows", [](const at::Tensor& t) { return t.unfold(0, 6, 2); }},
  };
  return layouts;
}

// What a call leaves of a tensor of ones, and what it raised.
struct Outcome {
  at::Tensor whole;
  std::string error;
};

Outcome Call(const FillCall& fill, const Layout& layout, at::ScalarType dtype, DeferredInit* deferred) {
  torch::manual_seed(3);
  Outcome outcome{torch::ones({24}, dtype), ""};
  const auto call = [&] {
    try {
      fill.run(layout.view(outcome.whole));
    } catch (const c10::Error& error) {
      outcome.error = error.what_without_backtrace();
    } catch (const std::exception& error) {
      outcome.error = error.what();
    }
    return 0;
  };
  deferred != nullptr ? deferred->Construct(call) : call();
  return outcome;
}

struct NoWarnings : c10::WarningHandler {
  void process(const c10::Warning& /*warning*/) override {}
};

TEST(DeferredFills, GiveTheBitsOrTheErrorOfAnOrdinaryCallWhereItIs) {
  NoWarnings silent;
  const c10::WarningUtils::WarningHandlerGuard guard(&silent);
  std::size_t recorded = 0;
  for (const at::ScalarType dtype : {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16, at::kLong, at::kByte, at::kBool,
                                     at::kComplexFloat, at::kFloat8_e4m3fn}) {
    for (const FillCall& fill : FillCalls()) {
      for (const Layout& layout : Layouts()) {
        SCOPED_TRACE(std::string(fill.name) + ", " + layout.name + ", " + at::toString(dtype));
        const Outcome expected = Call(fill, layout, dtype, nullptr);
        DeferredInit deferred;
        const Outcome actual = Call(fill, layout, dtype, &deferred);
        EXPECT_EQ(actual.error, expected.error);
        recorded += deferred.pending();
        EXPECT_NO_THROW(deferred.Finish());
        EXPECT_TRUE(at::equal(actual.whole.view(at::kByte), expected.whole.view(at::kByte)));
      }
    }
  }
  EXPECT_GT(recorded, 4 * 10 * 4u);
}

TEST(DeferredFills, OfAnInferenceTensorRunAtOnce) {
  DeferredInit deferred;
  at::Tensor tensor;
  deferred.Construct([&] {
    const c10::InferenceMode inference;
    tensor = torch::ones({2}).fill_(3);
    return 0;
  });
  EXPECT_EQ(deferred.pending(), 0u);
  EXPECT_TRUE(at::equal(tensor, torch::full({2}, 3.f)));
}

TEST(DeferredFills, AViewByATensorsIndexRunsNone) {
  DeferredInit deferred;
  const at::Tensor start = torch::tensor(1);
  const at::Tensor tensor = deferred.Construct([] { return torch::empty({4}).fill_(3); });
  const at::Tensor outside = tensor.narrow(0, start, 2);
  const at::Tensor inside = deferred.Construct([&] { return tensor.narrow(0, start, 2); });
  EXPECT_EQ(deferred.pending(), 1u);
  EXPECT_TRUE(at::equal(outside, torch::full({2}, 3.f)));
  EXPECT_TRUE(at::equal(inside, torch::full({2}, 3.f)));
}

// What nobody can see is not worth its time.
TEST(DeferredFills, OfMemoryThatIsGoneDoNotRunInTheDestructor) {
  const auto state = [] { return at::globalContext().defaultGenerator(at::kCPU).get_state(); };
  const at::Tensor before = state();
  at::Tensor kept;
  {
    DeferredInit deferred;
    const auto module = deferred.Construct([&] {
      kept = torch::empty({2}).fill_(4);
      return torch::nn::Sequential(torch::nn::Linear(3, 2), torch::nn::LSTM(4, 6),
                                   torch::nn::Embedding(torch::nn::EmbeddingOptions(9, 4).padding_idx(2)));
    });
    EXPECT_GT(deferred.pending(), 6u);
  }
  EXPECT_TRUE(at::equal(kept, torch::full({2}, 4.f)));
  EXPECT_FALSE(at::hasGlobalCallbacks());
  EXPECT_TRUE(at::equal(state(), before)) << "the generator was drawn from";
}

TEST(DeferredFills, OfMemoryThatIsGoneRunInFinish) {
  const auto values = [](DeferredInit* deferred) {
    torch::manual_seed(5);
    const auto make = [] {
      torch::empty({40}).normal_();
      return torch::empty({40}).normal_();
    };
    if (deferred == nullptr) return make();
    const at::Tensor made = deferred->Construct(make);
    deferred->Finish();
    return made;
  };
  DeferredInit deferred;
  EXPECT_TRUE(at::equal(values(&deferred), values(nullptr)));
}

at::Tensor& Captured() {
  static at::Tensor tensor;
  return tensor;
}
at::Tensor SumOfCaptured() { return Captured().sum(); }

TORCH_LIBRARY(loadpath_deferred_fills_test, library) { library.def("sum_of_captured() -> Tensor", SumOfCaptured); }

// Under a scope an operation is seen by a dispatch key, which an operation that calls others has left.
TEST(RecordedFills, RunForAnOperationInsideAnother) {
  static const auto sum_of_captured = c10::Dispatcher::singleton()
                                          .findSchemaOrThrow("loadpath_deferred_fills_test::sum_of_captured", "")
                                          .typed<at::Tensor()>();
  DeferredInit deferred;
  const at::Tensor sum = deferred.Construct([] {
    Captured() = at::empty({4}).fill_(3);
    return sum_of_captured.call();
  });
  Captured() = at::Tensor();
  EXPECT_EQ(sum.item<float>(), 12);
}

TEST(RecordedFills, RunForAnOperationUnderAnotherThreadState) {
  const at::ThreadLocalState outside;
  DeferredInit deferred;
  const at::Tensor sum = deferred.Construct([&] {
    const at::Tensor tensor = at::empty({4}).fill_(3);
    const at::ThreadLocalStateGuard guard(outside);
    return tensor.sum();
  });
  EXPECT_EQ(sum.item<float>(), 12);
}

}  // namespace
}  // namespace loadpath
