// One table of recorded fills for all objects and threads: the order in which fills run, and who waits for whom.
#include <gtest/gtest.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <chrono>
#include <future>
#include <mutex>
#include <thread>

#include "loadpath/deferred_init.h"
#include "loadpath/load_state_dict.h"
#include "tests/state/linear_file.h"

namespace loadpath {
namespace {

using std::chrono::seconds;

at::Generator Generator() { return at::globalContext().defaultGenerator(at::kCPU); }

at::Tensor Filled(std::initializer_list<float> values) { return torch::tensor(std::vector<float>(values)); }

template <class Function>
void Record(DeferredInit& deferred, Function&& fill) {
  const DeferredInit::Scope scope(deferred);
  fill();
}

// Whatever object records a fill, and whichever ends first: the last fill that was called wins.
TEST(DeferredThreads, FillsOfSeveralObjectsForOneStorageRunInTheOrderOfTheirCalls) {
  for (int owners = 0; owners < 8; ++owners) {  // bit i: which object records fill i
    for (const bool second_ends_first : {false, true}) {
      SCOPED_TRACE(std::to_string(owners) + (second_ends_first ? " second first" : " first first"));
      const at::Tensor tensor = torch::zeros({3});
      DeferredInit objects[2];
      const auto owner = [&](int fill) -> DeferredInit& { return objects[(owners >> fill) & 1]; };
      Record(owner(0), [&] { tensor.fill_(1); });
      Record(owner(1), [&] { tensor.slice(0, 1).fill_(2); });
      Record(owner(2), [&] { tensor.slice(0, 2).fill_(3); });
      objects[second_ends_first ? 1 : 0].Finish();
      objects[second_ends_first ? 0 : 1].Finish();
      EXPECT_TRUE(at::equal(tensor, Filled({1, 2, 3})));
      EXPECT_FALSE(at::hasGlobalCallbacks());
    }
  }
}

TEST(DeferredThreads, AnObjectThatEndsInsideTheScopeOfAnotherKeepsTheOrder) {
  const at::Tensor tensor = torch::zeros({2});
  DeferredInit outer;
  Record(outer, [&] {
    tensor.fill_(1);
    DeferredInit inner;
    Record(inner, [&] { tensor.fill_(2); });
  });
  outer.Finish();
  EXPECT_TRUE(at::equal(tensor, Filled({2, 2})));
}

TEST(DeferredThreads, AnotherThreadThatReadsDuringTheScopeRunsTheFills) {
  DeferredInit deferred;
  const at::Tensor tensor = torch::zeros({2});
  const DeferredInit::Scope scope(deferred);
  tensor.fill_(6);
  at::Tensor seen;
  std::thread([&] { seen = tensor + 1; }).join();
  EXPECT_TRUE(at::equal(seen, Filled({7, 7})));
  EXPECT_EQ(deferred.pending(), 0u);
}

// A fill that waits for the generator keeps no other thread waiting that needs other memory.
TEST(DeferredThreads, AFillThatCannotRunYetHoldsUpItsOwnStorageOnly) {
  DeferredInit deferred;
  const at::Tensor random = torch::zeros({8}), other = torch::zeros({2});
  Record(deferred, [&] { random.uniform_(1, 2), other.fill_(5); });
  std::unique_lock generator(Generator().mutex());
  auto first = std::async(std::launch::async, [&] { return random * 1; });
  auto beside = std::async(std::launch::async, [&] {
    while (deferred.pending() > 1) std::this_thread::yield();  // until `first` runs the random fill
    return other + 1;
  });
  EXPECT_EQ(beside.wait_for(seconds(20)), std::future_status::ready);
  auto second = std::async(std::launch::async, [&] { return random * 1; });
  auto finish = std::async(std::launch::async, [&] { deferred.Finish(); });
  EXPECT_EQ(second.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  EXPECT_EQ(finish.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout) << "its fill runs elsewhere";
  EXPECT_TRUE(at::hasGlobalCallbacks()) << "the fill that runs now must be waited for";
  generator.unlock();
  finish.get();
  const at::Tensor value = first.get();
  EXPECT_TRUE(at::all(value >= 1).item<bool>());
  EXPECT_TRUE(at::equal(second.get(), value));
  EXPECT_TRUE(at::equal(beside.get(), Filled({6, 6})));
}

// The thread that ends an object runs a long list of fills: a reader of one of them runs that one itself.
TEST(DeferredThreads, AReaderDoesNotWaitForTheFillsBeforeItsOwn) {
  DeferredInit deferred;
  const at::Tensor random = torch::zeros({8}), other = torch::zeros({2});
  Record(deferred, [&] { random.uniform_(1, 2), other.fill_(5); });
  std::unique_lock generator(Generator().mutex());
  auto finish = std::async(std::launch::async, [&] { deferred.Finish(); });
  auto reader = std::async(std::launch::async, [&] {
    while (deferred.pending() > 1) std::this_thread::yield();
    return other + 1;
  });
  EXPECT_EQ(reader.wait_for(seconds(20)), std::future_status::ready);
  generator.unlock();
  finish.get();
  EXPECT_TRUE(at::equal(reader.get(), Filled({6, 6})));
}

TEST(DeferredThreads, NothingIsWatchedOnceTheLastFillRanByItself) {
  DeferredInit deferred;
  const at::Tensor tensor = torch::zeros({2});
  Record(deferred, [&] {
    tensor.fill_(6);
    EXPECT_TRUE(at::hasGlobalCallbacks());
    tensor.add_(1);
    EXPECT_FALSE(at::hasGlobalCallbacks());
    tensor.fill_(8);
  });
  EXPECT_TRUE(at::hasGlobalCallbacks());
  EXPECT_TRUE(at::equal(tensor, Filled({8, 8})));
  EXPECT_FALSE(at::hasGlobalCallbacks());
}

// Two threads construct and load, two read a module that waits for its fills, one ends that.
TEST(DeferredThreads, ThreadsConstructLoadReadAndEndAtOnce) {
  const LinearFile file;
  const auto load = [&] {
    for (int i = 0; i < 100; ++i) {
      DeferredInit deferred;
      const auto linear = deferred.Construct([] { return std::make_shared<torch::nn::LinearImpl>(3, 2); });
      LoadStateDict(*linear, file.Open());
      deferred.Finish();
      EXPECT_TRUE(at::equal(linear->weight, torch::full({2, 3}, 9.f)));
    }
  };
  const auto read = [&] {
    for (int i = 0; i < 50; ++i) {
      DeferredInit deferred;
      std::vector<at::Tensor> tensors;
      Record(deferred, [&] {
        for (int k = 0; k < 8; ++k) tensors.push_back(torch::empty({64}).normal_().fill_(static_cast<float>(k)));
      });
      const auto check = [&] {
        for (int k = 0; k < 8; ++k) EXPECT_TRUE(at::equal(tensors[k], torch::full({64}, static_cast<float>(k))));
      };
      std::thread one(check), other(check);
      deferred.Finish();
      one.join();
      other.join();
      EXPECT_EQ(deferred.pending(), 0u);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) threads.emplace_back(load);
  threads.emplace_back(read);
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(at::hasGlobalCallbacks());
}

}  // namespace
}  // namespace loadpath
