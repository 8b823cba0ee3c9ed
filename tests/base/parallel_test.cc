// Work by several threads.
#include "harness/base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

namespace loadpath {
namespace {

TEST(ParallelFor, CallsEveryNumberOnce) {
  std::vector<std::atomic<int>> calls(1000);
  ParallelFor(calls.size(), 4, [&](std::size_t i) { ++calls[i]; });
  for (const auto& count : calls) EXPECT_EQ(count, 1);
}

TEST(ParallelFor, NoTwoCallsHaveOneWorkerAtATime) {
  std::vector<std::atomic<int>> busy(3);
  std::atomic<bool> met{false};
  ParallelForWithWorker(2000, 3, [&](std::size_t, std::size_t worker) {
    if (busy.at(worker).fetch_add(1) != 0) met = true;
    busy[worker].fetch_sub(1);
  });
  EXPECT_FALSE(met);
}

TEST(ParallelFor, ThrowsTheErrorOfTheLowestNumber) {
  // Both begin before one of them throws, and each is the last to throw in turn.
  for (const std::size_t late : {1, 3}) {
    std::barrier<> both(2);
    try {
      ParallelFor(4, 4, [&](std::size_t i) {
        if (i % 2 == 0) return;
        both.arrive_and_wait();
        if (i == late) std::this_thread::sleep_for(std::chrono::milliseconds(50));
        throw std::runtime_error(std::to_string(i));
      });
      FAIL();
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "1") << late << " threw last";
    }
  }
  // By one thread, the first that fails is the only one.
  std::size_t calls = 0;
  EXPECT_THROW(ParallelFor(10, 1,
                           [&](std::size_t i) {
                             ++calls;
                             if (i == 3) throw std::runtime_error("3");
                           }),
               std::runtime_error);
  EXPECT_EQ(calls, 4u);
}

}  // namespace
}  // namespace loadpath
